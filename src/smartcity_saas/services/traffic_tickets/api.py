"""The service as JSON, under ``/api/v1/traffic-tickets``."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask_babel import lazy_gettext as _
from marshmallow import fields, validate

from smartcity_saas.catalog.bulk_push import PushedSchema, push_schema, take_push
from smartcity_saas.catalog.checkout import PaymentBegunSchema, begin_checkout, begun
from smartcity_saas.identity.authorization import signed_in_resident
from smartcity_saas.payments.terms import MOST_AT_ONCE
from smartcity_saas.services.traffic_tickets import tickets as domain
from smartcity_saas.services.traffic_tickets.models import STATUSES, Violation
from smartcity_saas.services.traffic_tickets.names import SERVICE
from smartcity_saas.tenancy.current import current_time, request_city
from smartcity_saas.web.api import ROOT as API
from smartcity_saas.web.api import (
    Answer,
    ApiBlueprint,
    Body,
    Cell,
    Day,
    PageQuery,
    TextSchema,
    Whole,
    moment,
    money,
    page_of,
    page_schema,
    rows_after,
)
from smartcity_saas.web.money import LARGEST_AMOUNT
from smartcity_saas.web.policy import Availability

ROOT = f"{API}/traffic-tickets"
READ, WRITE = "tickets:read", "tickets:write"

blueprint = ApiBlueprint(
    "traffic_tickets_api", __name__, service=SERVICE, description="Traffic tickets."
)


class TicketSchema(ma.Schema):
    """A ticket."""

    id = fields.UUID()
    number = fields.String()
    plate = fields.String()
    at = fields.String()
    place = fields.Nested(TextSchema)
    act_code = fields.String()
    act = fields.Nested(TextSchema)
    points = fields.Integer()
    amount = fields.Integer()
    currency = fields.String()
    status = fields.String()
    paid_on = fields.Date(allow_none=True)


class PointsSchema(ma.Schema):
    """The points of the scoring year."""

    counted = fields.Integer()
    open = fields.Integer()
    limit = fields.Integer()
    anew_on = fields.Date()


class TicketsSchema(ma.Schema):
    """The resident's tickets, vehicles and points."""

    vehicles = fields.List(fields.String())
    points = fields.Nested(PointsSchema, allow_none=True)
    tickets = fields.List(fields.Nested(TicketSchema))


class TicketPaymentBody(Body):
    """Which tickets to pay."""

    tickets = fields.List(fields.UUID(), required=True, validate=validate.Length(1, MOST_AT_ONCE))


class PushedTicketBody(Body):
    """A ticket as the authority sends it."""

    plate = Cell(20, required=True)
    vin_tail = Cell(6, required=True)
    engine_tail = Cell(6, required=True)
    number = Cell(40, required=True)
    at = Cell(
        40,
        required=True,
        metadata={"description": _("`2026-10-05T08:30`, local or with a time zone.")},
    )
    place_zh = Cell(120, required=True)
    place_en = Cell(120, required=True)
    act_code = Cell(6, required=True, metadata={"description": "GA/T 16.31."})
    act_zh = Cell(120, required=True)
    act_en = Cell(120, required=True)
    points = Whole(required=True, validate=validate.Range(0, 12))
    fine = Whole(
        required=True,
        validate=validate.Range(0, LARGEST_AMOUNT),
        metadata={"description": _("In the minor unit of the city's currency.")},
    )
    status = fields.String(required=True, validate=validate.OneOf(list(STATUSES)))
    licence_number = Cell(20)
    licence_file_tail = Cell(6)
    licence_first_issued_on = Day()


@blueprint.operation(ROOT, who="resident", availability=Availability.EXISTING_BUSINESS)
@blueprint.response(200, TicketsSchema)
def api_own_tickets() -> Answer:
    """The resident's tickets, and the points of the linked licence."""
    resident, now = signed_in_resident(), current_time()
    licence = domain.licence_link(resident)
    points = None
    if licence is not None:
        points = domain.points_of(licence.licence, request_city().timezone, now)
    return {
        "vehicles": [link.vehicle.plate for link in domain.vehicle_links(resident)],
        "points": points,
        "tickets": [_ticket(one) for one in domain.own_violations(resident)],
    }


@blueprint.operation(f"{ROOT}/payments", who="resident", method="POST")
@blueprint.arguments(TicketPaymentBody)
@blueprint.response(201, PaymentBegunSchema)
def api_pay_tickets(body: dict[str, Any]) -> Answer:
    """Start a payment for some tickets. The answer gives the page to pay on."""
    return begun(begin_checkout(SERVICE, body["tickets"]))


@blueprint.operation(
    f"{ROOT}/tickets", who="client", scope=READ, availability=Availability.EXISTING_BUSINESS
)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, page_schema("TicketsPage", TicketSchema))
def api_tickets(query: dict[str, Any]) -> Answer:
    """Every ticket in the city, page by page, oldest first."""
    return page_of(rows_after(Violation, query), query["limit"], _ticket)


@blueprint.operation(
    f"{ROOT}/tickets",
    who="client",
    method="POST",
    scope=WRITE,
    availability=Availability.EXISTING_BUSINESS,
)
@blueprint.arguments(push_schema("TicketsPush", PushedTicketBody))
@blueprint.response(200, PushedSchema)
def api_push_tickets(body: dict[str, Any]) -> Answer:
    """Save up to 500 tickets. Each item has its own result. Sending it again changes nothing."""
    return take_push(SERVICE, body["items"], "fine")


def _ticket(one: Any) -> dict[str, Any]:
    return {
        "id": one.id,
        "number": one.number,
        "plate": one.vehicle.plate,
        "at": moment(one.at),
        "place": one.place,
        "act_code": one.act_code,
        "act": one.act,
        "points": one.points,
        **money(one.fine, one.currency),
        "status": one.status,
        "paid_on": one.paid_on,
    }
