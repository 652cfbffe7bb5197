"""The service's desk on the console: appeals to answer, entries to import.

Nobody on the staff sets a level or sees one: a level is shown to the resident alone.
"""

from __future__ import annotations

import uuid
from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _

from smartcity_saas.catalog.desk import desk_page
from smartcity_saas.configuration.city import City
from smartcity_saas.errors import FieldErrors
from smartcity_saas.identity.authorization import signed_in_member
from smartcity_saas.images.photos import photo_response
from smartcity_saas.services.city_credit import appeals
from smartcity_saas.services.city_credit.csv_import import REQUIRED
from smartcity_saas.services.city_credit.models import APPEAL_STATES
from smartcity_saas.services.city_credit.names import SERVICE, TITLE
from smartcity_saas.services.city_credit.rules import credit_rules
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.current import city_by_slug, current_time
from smartcity_saas.web.policy import ConsoleBlueprint

ROOT = "/cities/<city>/city-credit"

blueprint = ConsoleBlueprint(
    f"{SERVICE}_desk", __name__, template_folder="templates", service=SERVICE
)


@desk_page(blueprint, SERVICE, columns=REQUIRED, longest_text=1)
def _page(city: City, text: str) -> dict[str, Any]:
    """The appeals that wait, those due first before the others."""
    now = current_time()
    waiting = appeals.open_appeals()
    return {
        "title": TITLE,
        "waiting": [(one, one.entry, appeals.clock_of(one, now)) for one in waiting],
        "overdue": [(one, one.entry) for one in appeals.lately_overdue(now)],
        "credit": credit_rules(city),
        "answered": False,
    }


@blueprint.page(f"{ROOT}/appeals/<uuid:appeal_id>", permission="city.desk")
def appeal(city: str, appeal_id: uuid.UUID) -> ResponseReturnValue:
    """One appeal, and the form that answers it."""
    return _appeal_page(city, appeal_id, {}, {})


@blueprint.page(
    f"{ROOT}/appeals/<uuid:appeal_id>",
    permission="city.desk",
    methods=("POST",),
    told_as=_("answered the appeal"),
)
def answer(city: str, appeal_id: uuid.UUID) -> ResponseReturnValue:
    """Answer an appeal."""
    actor = signed_in_member().actor
    typed = {name: request.form.get(name, "") for name in ("decision", "answer")}
    try:
        with tenant_context(city_by_slug(city).id):
            appeals.answer(actor, appeal_id, typed["decision"], typed["answer"], current_time())
    except FieldErrors as error:
        return _appeal_page(city, appeal_id, typed, error.fields), 422
    return _page(city, answered=True)


@blueprint.page(
    f"{ROOT}/photos/<uuid:photo_id>", permission="city.desk", told_as=_("opened a photograph")
)
def photo(city: str, photo_id: uuid.UUID) -> ResponseReturnValue:
    """A photograph with an appeal."""
    with tenant_context(city_by_slug(city).id):
        return photo_response(appeals.photo(photo_id, None))


def _appeal_page(
    city: str, appeal_id: uuid.UUID, typed: dict[str, str], errors: dict[str, Any]
) -> str:
    served = city_by_slug(city)
    with tenant_context(served.id):
        found = appeals.one_appeal(appeal_id)
        entry, photos = found.entry, appeals.photos_of(appeal_id)
        clock = appeals.clock_of(found, current_time())
    return render_template(
        "city_credit/desk_appeal.html",
        title=TITLE,
        appeal=found,
        entry=entry,
        clock=clock,
        photos=photos,
        credit=credit_rules(served),
        appeal_states=APPEAL_STATES,
        typed=typed,
        errors=errors,
        base=f"/cities/{city}/city-credit",
    )
