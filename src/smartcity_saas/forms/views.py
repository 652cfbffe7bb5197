"""The pages of a form on a city's site before anything is asked: what it needs, costs and takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import redirect, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from smartcity_saas.clock import today_in
from smartcity_saas.database import db
from smartcity_saas.errors import NotFound
from smartcity_saas.forms import drafts
from smartcity_saas.forms.definition import definition_of
from smartcity_saas.forms.models import UNDER_WAY, Application, ApplicationState
from smartcity_saas.forms.names import APPLICATIONS, KIND, MINE, ROOT
from smartcity_saas.forms.own import own_applications
from smartcity_saas.forms.stored_forms import form_of
from smartcity_saas.identity.authorization import current_resident, signed_in_resident
from smartcity_saas.payments.accounts import payments_open
from smartcity_saas.tenancy.current import current_time, request_city, time_by_day
from smartcity_saas.web.money import parse_money
from smartcity_saas.web.policy import UNTIL_CHANGED, CityBlueprint
from smartcity_saas.working_days import working_days_after


def service_in(arguments: Mapping[str, Any]) -> str:
    """The service of a page: the form that its address names, or that of the application.

    Of an application only its resident learns anything; whoever has not signed in learns not even
    that it exists.

    Raises:
        NotFound: The city has no such form, or the resident no such application.
    """
    if "form" in arguments:
        return form_name(str(arguments["form"]))
    resident = current_resident()
    if resident is None:
        return APPLICATIONS
    query = select(Application.service).where(
        Application.number == arguments["number"], Application.resident_id == resident.id
    )
    found = db.session.scalars(query).one_or_none()
    if found is None:
        raise NotFound
    return found


def form_name(path: str) -> str:
    """The name of a form of the city by how addresses call it.

    Raises:
        NotFound: The city has none of that name.
    """
    name = path.replace("-", "_")
    entry = request_city().catalog.get(name)
    if entry is None or entry.kind != KIND or "_" in path:
        raise NotFound
    return name


blueprint = CityBlueprint(APPLICATIONS, __name__, template_folder="templates", service=service_in)


@blueprint.page(f"{ROOT}/<form>", who="everyone", kept=UNTIL_CHANGED)
def landing(form: str) -> ResponseReturnValue:
    """What a service needs, what it costs and how long it takes, before anything is asked."""
    city = request_city()
    entry = city.catalog[form_name(form)]
    definition = definition_of(entry)
    fee = parse_money(definition.fee, city.currency)
    mine = _mine(entry.name)
    today = today_in(city.timezone, time_by_day(city.timezone))
    return render_template(
        "forms/landing.html",
        path=form,
        definition=definition,
        fee=fee,
        closed=bool(fee) and not payments_open(city),
        asks_real_name=entry.assurance == "real_name",
        decided_by=working_days_after(today, definition.working_days),
        draft=next((one for one in mine if one.is_draft), None),
        form_of=form_of,
        under_way=[one for one in mine if one.is_under_way],
        tab="services",
    )


@blueprint.page(f"{ROOT}/<form>/begin", who="resident", methods=("POST",))
def begin(form: str) -> ResponseReturnValue:
    """Begin an application, or go on with the one that was begun."""
    entry = request_city().catalog[form_name(form)]
    row = drafts.begin(signed_in_resident(), entry, current_time())
    return redirect(place_of(row), 303)


def place_of(row: Application) -> str:
    """Where a draft goes on: its next step, or the page on which it is checked and sent."""
    if row.step >= len(form_of(row).steps):
        return f"{MINE}/{row.number}/check"
    return f"{MINE}/{row.number}/steps/{row.step + 1}"


def _mine(service: str) -> list[Application]:
    """What the resident who asks has begun of a service and not finished."""
    resident = current_resident()
    if resident is None or not resident.sees(service):
        return []
    found = own_applications(resident, UNDER_WAY | {ApplicationState.DRAFT})
    return [one for one in found if one.service == service]
