"""The service's desk on the console: disputes to answer, tickets in and out."""

from __future__ import annotations

import uuid
from typing import Any
from zoneinfo import ZoneInfo

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _
from sqlalchemy import func, select

from smartcity_saas.catalog.desk import desk_page
from smartcity_saas.configuration.city import City
from smartcity_saas.database import db
from smartcity_saas.errors import FieldErrors
from smartcity_saas.identity.authorization import signed_in_member
from smartcity_saas.images.photos import photo_response
from smartcity_saas.services.traffic_tickets import disputes
from smartcity_saas.services.traffic_tickets.csv_import import OPTIONAL, REQUIRED
from smartcity_saas.services.traffic_tickets.models import (
    SHOWN_NAMES,
    TrafficVehicle,
    Violation,
)
from smartcity_saas.services.traffic_tickets.names import SERVICE
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.current import city_by_slug, current_time
from smartcity_saas.web.csv_output import csv_response
from smartcity_saas.web.money import plain_money
from smartcity_saas.web.plates import plate_of, shown
from smartcity_saas.web.policy import ConsoleBlueprint

ROOT = "/cities/<city>/traffic-tickets"
STATUS_COLUMNS = (
    "number",
    "plate",
    "at",
    "act_code",
    "points",
    "fine",
    "status",
    "paid_on",
    "payment",
)
MOST_EXPORTED = 100_000

blueprint = ConsoleBlueprint(
    "traffic_tickets_desk", __name__, template_folder="templates", service=SERVICE
)


@desk_page(blueprint, SERVICE, columns=(*REQUIRED, *OPTIONAL), longest_text=40)
def _page(city: City, text: str) -> dict[str, Any]:
    """Tickets by status, disputes that wait, and the tickets that were searched for."""
    rows = db.session.execute(
        select(Violation.status, func.count(Violation.id)).group_by(Violation.status)
    )
    return {
        "counts": {status: int(count) for status, count in rows},
        "waiting": [(one, found, found.vehicle.plate) for one, found in disputes.open_disputes()],
        "found": _find(text) if text else [],
        "plate": shown,
        "status_names": SHOWN_NAMES,
        "answered": False,
    }


@blueprint.page(
    f"{ROOT}/tickets.csv", permission="city.desk", told_as=_("downloaded it in a table")
)
def tickets_csv(city: str) -> ResponseReturnValue:
    """Every ticket with its status, for the police's own system."""
    served = city_by_slug(city)
    zone = ZoneInfo(served.timezone)
    with tenant_context(served.id):
        query = (
            select(Violation, TrafficVehicle.plate)
            .join(TrafficVehicle, TrafficVehicle.id == Violation.vehicle_id)
            .order_by(Violation.at)
            .limit(MOST_EXPORTED)
        )
        rows = [
            (
                one.number,
                plate,
                one.at.astimezone(zone).isoformat(timespec="minutes"),
                one.act_code,
                one.points,
                plain_money(one.fine, one.currency),
                one.status,
                one.paid_on or "",
                one.payment_id or "",
            )
            for one, plate in db.session.execute(query)
        ]
    return csv_response(f"{city}-tickets.csv", STATUS_COLUMNS, rows)


@blueprint.page(f"{ROOT}/disputes/<uuid:dispute_id>", permission="city.desk")
def dispute(city: str, dispute_id: uuid.UUID) -> ResponseReturnValue:
    """One dispute, and the form that answers it."""
    return _dispute_page(city, dispute_id, {}, {})


@blueprint.page(
    f"{ROOT}/disputes/<uuid:dispute_id>",
    permission="city.desk",
    methods=("POST",),
    told_as=_("answered the dispute"),
)
def answer(city: str, dispute_id: uuid.UUID) -> ResponseReturnValue:
    """Answer a dispute."""
    actor = signed_in_member().actor
    typed = {name: request.form.get(name, "") for name in ("decision", "answer")}
    try:
        with tenant_context(city_by_slug(city).id):
            disputes.answer(actor, dispute_id, typed["decision"], typed["answer"], current_time())
    except FieldErrors as error:
        return _dispute_page(city, dispute_id, typed, error.fields), 422
    return _page(city, answered=True)


@blueprint.page(
    f"{ROOT}/photos/<uuid:photo_id>", permission="city.desk", told_as=_("opened a photograph")
)
def photo(city: str, photo_id: uuid.UUID) -> ResponseReturnValue:
    """A photograph with a dispute."""
    with tenant_context(city_by_slug(city).id):
        return photo_response(disputes.photo(photo_id, None))


def _dispute_page(
    city: str, dispute_id: uuid.UUID, typed: dict[str, str], errors: dict[str, Any]
) -> str:
    with tenant_context(city_by_slug(city).id):
        one, found = disputes.one_dispute(dispute_id)
        vehicle, photos = found.vehicle, disputes.photos_of(dispute_id)
    return render_template(
        "traffic_tickets/desk_dispute.html",
        dispute=one,
        ticket=found,
        vehicle=vehicle,
        photos=photos,
        typed=typed,
        errors=errors,
        plate=shown,
        status_names=SHOWN_NAMES,
        base=f"/cities/{city}/traffic-tickets",
    )


def _find(text: str) -> list[tuple[Violation, str]]:
    query = (
        select(Violation, TrafficVehicle.plate)
        .join(TrafficVehicle, TrafficVehicle.id == Violation.vehicle_id)
        .where((Violation.number == text) | (TrafficVehicle.plate == (plate_of(text) or text)))
        .order_by(Violation.at.desc())
        .limit(100)
    )
    return [(*row,) for row in db.session.execute(query)]
