"""The service as JSON, under ``/api/v1/traffic-tickets``."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from smartcity_saas.catalog.paying import begun, pay_here
from smartcity_saas.identity.gatekeeper import signed_in_resident
from smartcity_saas.services.traffic_tickets import tickets as domain
from smartcity_saas.services.traffic_tickets.names import SERVICE
from smartcity_saas.services.traffic_tickets.views import blueprint
from smartcity_saas.tenancy.here import present_time, site_city
from smartcity_saas.web.api import ROOT as API
from smartcity_saas.web.api import body_of, moment, money

ROOT = f"{API}/traffic-tickets"


class PaymentBody(Schema):
    """Which tickets to pay."""

    tickets = fields.List(fields.UUID(), required=True, validate=validate.Length(1, 20))


@blueprint.page(ROOT, who="resident", continues=True)
def api_tickets() -> Any:
    """The resident's tickets, and the points of the linked licence."""
    resident, now = signed_in_resident(), present_time()
    licence = domain.licence_link(resident)
    points = None
    if licence is not None:
        zone = site_city().timezone
        found = domain.points_of(licence.licence, zone, now)
        points = {
            "counted": found.counted,
            "open": found.open,
            "limit": found.limit,
            "anew_on": found.anew_on.isoformat(),
        }
    return {
        "vehicles": [link.vehicle.plate for link in domain.vehicle_links(resident)],
        "points": points,
        "tickets": [_ticket(one) for one in domain.own_violations(resident)],
    }


@blueprint.page(f"{ROOT}/payments", who="resident", methods=("POST",))
def api_pay() -> Any:
    """Begin to pay for some tickets; the answer names the page to pay on."""
    return begun(pay_here(SERVICE, body_of(PaymentBody)["tickets"]))


def _ticket(one: Any) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "number": one.number,
        "plate": one.vehicle.plate,
        "at": moment(one.at),
        "place": one.place,
        "act_code": one.act_code,
        "act": one.act,
        "points": one.points,
        **money(one.fine, one.currency),
        "status": one.status,
        "paid_on": one.paid_on.isoformat() if one.paid_on else None,
    }
