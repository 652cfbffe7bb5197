"""Announcements on the console: writing, withdrawing, putting back."""

from __future__ import annotations

import uuid
from typing import Any

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from marshmallow import ValidationError

from smartcity_saas.configuration.fields import no_control_characters
from smartcity_saas.identity.authorization import documents, signed_in_member
from smartcity_saas.portals.city.blueprint import ROOT, blueprint, shell
from smartcity_saas.tenancy import announcements as domain
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.current import current_time

FIELDS = {
    "title_zh": 60,
    "title_en": 120,
    "source_zh": 40,
    "source_en": 60,
    "body_zh": 4000,
    "body_en": 8000,
}


@blueprint.page(f"{ROOT}/announcements", permission="city.see")
def announcements(city: str) -> ResponseReturnValue:
    """All of them, and the form for a new one."""
    return _page(city, {}, {})


@blueprint.page(f"{ROOT}/announcements", permission="city.announce", methods=("POST",))
def publish(city: str) -> ResponseReturnValue:
    """Put an announcement on the site."""
    typed = {name: request.form.get(name, "").strip() for name in FIELDS}
    errors = _errors(typed)
    if errors:
        return _page(city, typed, errors), 422
    member = signed_in_member()
    with tenant_context(documents().live(city).id):
        domain.publish(
            member.actor,
            title=_both(typed, "title"),
            body=_both(typed, "body"),
            source=_both(typed, "source"),
            now=current_time(),
            urgent="urgent" in request.form,
        )
    return _shown(city)


@blueprint.page(
    f"{ROOT}/announcements/<uuid:notice_id>/withdraw", permission="city.announce", methods=("POST",)
)
def withdraw(city: str, notice_id: uuid.UUID) -> ResponseReturnValue:
    """Take an announcement off the site."""
    return _withdraw(city, notice_id, back=False)


@blueprint.page(
    f"{ROOT}/announcements/<uuid:notice_id>/restore", permission="city.announce", methods=("POST",)
)
def restore(city: str, notice_id: uuid.UUID) -> ResponseReturnValue:
    """Put an announcement back on the site."""
    return _withdraw(city, notice_id, back=True)


def _withdraw(city: str, notice_id: uuid.UUID, *, back: bool) -> ResponseReturnValue:
    member = signed_in_member()
    with tenant_context(documents().live(city).id):
        domain.withdraw(member.actor, notice_id, current_time(), back=back)
    return _shown(city)


def _shown(city: str) -> ResponseReturnValue:
    documents().touch_content(city)
    return redirect(f"/cities/{city}/announcements")


def _page(city: str, typed: dict[str, str], errors: dict[str, Any]) -> str:
    with tenant_context(documents().live(city).id):
        found = domain.all_announcements()
    return render_template(
        "city/announcements.html",
        announcements=found,
        typed=typed,
        errors=errors,
        longest=FIELDS,
        **shell(city),
    )


def _both(typed: dict[str, str], part: str) -> dict[str, str]:
    return {"zh": typed[f"{part}_zh"], "en": typed[f"{part}_en"]}


def _errors(typed: dict[str, str]) -> dict[str, Any]:
    errors: dict[str, Any] = {}
    for name, most in FIELDS.items():
        if not typed[name]:
            errors[name] = _("Enter this in both languages.")
        elif len(typed[name]) > most:
            errors[name] = _("At most %(most)s characters.", most=most)
        else:
            try:
                no_control_characters(typed[name].replace("\r", "").replace("\n", " "))
            except ValidationError as error:
                errors[name] = error.args[0]
    return errors
