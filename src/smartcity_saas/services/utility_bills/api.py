"""The service as JSON, under ``/api/v1/utility-bills``."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from smartcity_saas.catalog.paying import begun, pay_here
from smartcity_saas.identity.gatekeeper import signed_in_resident
from smartcity_saas.services.utility_bills import bills as domain
from smartcity_saas.services.utility_bills.names import SERVICE
from smartcity_saas.services.utility_bills.views import blueprint
from smartcity_saas.web.api import ROOT as API
from smartcity_saas.web.api import body_of, moment, money

ROOT = f"{API}/utility-bills"


class PaymentBody(Schema):
    """Which bills to pay."""

    bills = fields.List(fields.UUID(), required=True, validate=validate.Length(1, 30))


@blueprint.page(ROOT, who="resident", continues=True)
def api_accounts() -> Any:
    """The resident's accounts with their bills; numbers are masked."""
    links = domain.links(signed_in_resident())
    accounts = domain.accounts_of(links)
    return {
        "accounts": [
            {
                "id": str(link.id),
                "kind": accounts[link.account_id].kind,
                "number": domain.masked(accounts[link.account_id].number),
                "nickname": link.nickname,
                "as_of": moment(accounts[link.account_id].updated_at),
                "bills": [_bill(bill) for bill in domain.bills_of(link.account_id)],
            }
            for link in links
        ]
    }


@blueprint.page(f"{ROOT}/payments", who="resident", methods=("POST",))
def api_pay() -> Any:
    """Begin to pay for some bills; the answer names the page to pay on."""
    return begun(pay_here(SERVICE, body_of(PaymentBody)["bills"]))


def _bill(bill: Any) -> dict[str, Any]:
    return {
        "id": str(bill.id),
        "period": f"{bill.period:%Y-%m}",
        "usage": bill.usage / domain.THOUSANDTHS,
        **money(bill.amount, bill.currency),
        "issued_on": bill.issued_on.isoformat(),
        "due_on": bill.due_on.isoformat(),
        "paid_on": bill.paid_on.isoformat() if bill.paid_on else None,
    }
