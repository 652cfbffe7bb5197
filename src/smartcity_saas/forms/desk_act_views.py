"""What the desk sends about one application."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _

from smartcity_saas.errors import FieldErrors
from smartcity_saas.forms import deciding
from smartcity_saas.forms.desk_views import ONE, PERMISSION, application_page, blueprint, form_in
from smartcity_saas.identity.authorization import signed_in_member
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.current import city_by_slug, current_time


@blueprint.page(f"{ONE}/take", permission=PERMISSION, methods=("POST",), told_as=_("took it over"))
def take(city: str, form: str, number: str) -> ResponseReturnValue:
    """Take an application over."""
    actor, now = signed_in_member().actor, current_time()
    return _done(
        city, form, number, lambda service: deciding.take_over(actor, service, number, now)
    )


@blueprint.page(
    f"{ONE}/put-back", permission=PERMISSION, methods=("POST",), told_as=_("put it back")
)
def put_back(city: str, form: str, number: str) -> ResponseReturnValue:
    """Put an application back."""
    actor, now = signed_in_member().actor, current_time()
    return _done(city, form, number, lambda service: deciding.put_back(actor, service, number, now))


@blueprint.page(f"{ONE}/ask", permission=PERMISSION, methods=("POST",), told_as=_("asked for more"))
def ask(city: str, form: str, number: str) -> ResponseReturnValue:
    """Ask the resident for more."""
    actor, now = signed_in_member().actor, current_time()
    fields, words = request.form.getlist("fields"), request.form.get("missing", "")
    return _done(
        city,
        form,
        number,
        lambda service: deciding.ask_more(actor, service, number, fields, words, now),
        {"words": "missing"},
    )


@blueprint.page(
    f"{ONE}/messages", permission=PERMISSION, methods=("POST",), told_as=_("wrote about it")
)
def write(city: str, form: str, number: str) -> ResponseReturnValue:
    """Write to the resident."""
    actor, now = signed_in_member().actor, current_time()
    words = request.form.get("message", "")
    return _done(
        city,
        form,
        number,
        lambda service: deciding.write_to_resident(actor, service, number, words, now),
        {"words": "message"},
    )


@blueprint.page(
    f"{ONE}/read", permission=PERMISSION, methods=("POST",), told_as=_("read the message")
)
def mark_read(city: str, form: str, number: str) -> ResponseReturnValue:
    """Let the resident's message stand without an answer."""
    actor, now = signed_in_member().actor, current_time()
    return _done(
        city, form, number, lambda service: deciding.mark_read(actor, service, number, now)
    )


@blueprint.page(
    f"{ONE}/decide", permission=PERMISSION, methods=("POST",), told_as=_("decided on it")
)
def decide(city: str, form: str, number: str) -> ResponseReturnValue:
    """Approve or refuse an application."""
    actor, now = signed_in_member().actor, current_time()
    decision, words = request.form.get("decision", ""), request.form.get("words", "")
    return _done(
        city,
        form,
        number,
        lambda service: deciding.decide(actor, service, number, decision, words, now),
    )


@blueprint.page(
    f"{ONE}/revoke", permission=PERMISSION, methods=("POST",), told_as=_("revoked the paper")
)
def revoke(city: str, form: str, number: str) -> ResponseReturnValue:
    """Revoke the paper of an application."""
    actor, now = signed_in_member().actor, current_time()
    why = request.form.get("why", "")
    return _done(
        city,
        form,
        number,
        lambda service: deciding.revoke(actor, service, number, why, now),
        {"reason": "why"},
    )


def _done(
    city: str,
    form: str,
    number: str,
    act: Callable[[str], None],
    controls: Mapping[str, str] | None = None,
) -> ResponseReturnValue:
    """Do something in the city and show the application again; what does not fit stands at its
    control, with everything that was typed.

    Args:
        city: Its slug.
        form: As it stands in the address.
        number: The application's.
        act: Given the name of the form.
        controls: The page's names of what the act calls otherwise.
    """
    try:
        with tenant_context(city_by_slug(city).id):
            act(form_in({"form": form}))
    except FieldErrors as error:
        named = {(controls or {}).get(name, name): said for name, said in error.fields.items()}
        typed = {**request.form.to_dict(), "fields": request.form.getlist("fields")}
        return application_page(city, form, number, typed, named), 422
    return redirect(f"/cities/{city}/applications/{form}/{number}", 303)
