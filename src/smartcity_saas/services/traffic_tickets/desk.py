"""The service's desk on the console: disputes to answer, tickets in and out."""

from __future__ import annotations

import uuid
from typing import Any
from zoneinfo import ZoneInfo

from flask import render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from smartcity_saas.catalog.csv_import import MOST_SHOWN, take_upload
from smartcity_saas.database import db
from smartcity_saas.errors import FieldErrors
from smartcity_saas.identity.authorization import signed_in_member
from smartcity_saas.product import product
from smartcity_saas.services.traffic_tickets import disputes
from smartcity_saas.services.traffic_tickets.csv_import import OPTIONAL, REQUIRED
from smartcity_saas.services.traffic_tickets.models import (
    SHOWN_NAMES,
    TrafficVehicle,
    Violation,
)
from smartcity_saas.services.traffic_tickets.names import SERVICE
from smartcity_saas.services.traffic_tickets.plates import plate_of, shown
from smartcity_saas.services.traffic_tickets.views import photo_response
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.current import city_by_slug, current_time
from smartcity_saas.web.csv_output import csv_response
from smartcity_saas.web.money import plain_money
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


@blueprint.page(ROOT, permission="city.desk")
def desk(city: str) -> ResponseReturnValue:
    """Disputes that wait, a search, and the form that imports tickets."""
    return _page(city)


@blueprint.page(ROOT, permission="city.desk", methods=("POST",))
def import_file(city: str) -> ResponseReturnValue:
    """Import tickets."""
    service = product().services[SERVICE]
    result, problems = take_upload(city_by_slug(city), service)
    return _page(city, result=result, problems=problems), 422 if problems else 200


@blueprint.page(f"{ROOT}/tickets.csv", permission="city.desk")
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


@blueprint.page(f"{ROOT}/disputes/<uuid:dispute_id>", permission="city.desk", methods=("POST",))
def answer(city: str, dispute_id: uuid.UUID) -> ResponseReturnValue:
    """Answer a dispute."""
    actor = signed_in_member().actor
    typed = {name: request.form.get(name, "") for name in ("verdict", "answer")}
    try:
        with tenant_context(city_by_slug(city).id):
            disputes.answer(actor, dispute_id, typed["verdict"], typed["answer"], current_time())
    except FieldErrors as error:
        return _dispute_page(city, dispute_id, typed, error.fields), 422
    return _page(city, answered=True)


@blueprint.page(f"{ROOT}/photos/<uuid:photo_id>", permission="city.desk")
def photo(city: str, photo_id: uuid.UUID) -> ResponseReturnValue:
    """A photograph with a dispute."""
    with tenant_context(city_by_slug(city).id):
        return photo_response(disputes.photo(photo_id, None))


def _page(city: str, **values: Any) -> str:
    text = request.args.get("text", "").strip()[:40]
    with tenant_context(city_by_slug(city).id):
        rows = db.session.execute(
            select(Violation.status, func.count(Violation.id)).group_by(Violation.status)
        )
        counts = {status: int(count) for status, count in rows}
        waiting = [(one, found, found.vehicle.plate) for one, found in disputes.open_disputes()]
        found = _find(text) if text else []
    return render_template(
        "traffic_tickets/desk.html",
        counts=counts,
        waiting=waiting,
        found=found,
        text_wanted=text,
        plate=shown,
        status_names=SHOWN_NAMES,
        columns=[*REQUIRED, *OPTIONAL],
        most_shown=MOST_SHOWN,
        import_path=f"/cities/{city}/traffic-tickets",
        **{"result": None, "problems": [], "answered": False, **values},
    )


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
