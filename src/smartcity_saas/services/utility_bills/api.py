"""The service as JSON, under ``/api/v1/utility-bills``."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask_babel import lazy_gettext as _
from marshmallow import fields, validate
from sqlalchemy import select

from smartcity_saas.catalog.bulk_push import PushedSchema, push_schema, take_push
from smartcity_saas.catalog.checkout import PaymentBegunSchema, begin_checkout, begun
from smartcity_saas.database import db
from smartcity_saas.identity.authorization import signed_in_resident
from smartcity_saas.payments.terms import MOST_AT_ONCE
from smartcity_saas.services.utility_bills import bills as domain
from smartcity_saas.services.utility_bills.linked_accounts import bills_of, linked_accounts
from smartcity_saas.services.utility_bills.models import UtilityAccount, UtilityBill
from smartcity_saas.services.utility_bills.names import KINDS, SERVICE
from smartcity_saas.web.api import ROOT as API
from smartcity_saas.web.api import (
    Answer,
    ApiBlueprint,
    Body,
    Cell,
    Day,
    PageQuery,
    Shaped,
    Whole,
    moment,
    money,
    page_of,
    page_schema,
    rows_after,
)
from smartcity_saas.web.money import LARGEST_AMOUNT
from smartcity_saas.web.policy import Availability

ROOT = f"{API}/utility-bills"
READ, WRITE = "bills:read", "bills:write"

blueprint = ApiBlueprint(
    "utility_bills_api", __name__, service=SERVICE, description="Utility bills."
)


class BillSchema(ma.Schema):
    """A bill."""

    id = fields.UUID()
    period = fields.String(metadata={"description": _("The month, `2026-10`.")})
    usage = fields.Float()
    amount = fields.Integer()
    currency = fields.String()
    issued_on = fields.Date()
    due_on = fields.Date()
    paid_on = fields.Date(allow_none=True)
    due = fields.Boolean(metadata={"description": _("Whether anything is due.")})


class AccountSchema(ma.Schema):
    """A linked account with its bills; the number is masked."""

    id = fields.UUID()
    kind = fields.String()
    number = fields.String()
    nickname = fields.String()
    as_of = fields.String(allow_none=True)
    bills = fields.List(fields.Nested(BillSchema))


class AccountsSchema(ma.Schema):
    """The resident's accounts."""

    accounts = fields.List(fields.Nested(AccountSchema))


class BillPaymentBody(Body):
    """Which bills to pay."""

    bills = fields.List(fields.UUID(), required=True, validate=validate.Length(1, MOST_AT_ONCE))


class PushedBillBody(Body):
    """A bill as the supplier sends it."""

    kind = fields.String(required=True, validate=validate.OneOf(list(KINDS)))
    account_number = Cell(64, required=True)
    holder = Cell(60, required=True)
    address = Cell(120, required=True)
    period = Shaped(
        "20[0-9]{2}-(0[1-9]|1[0-2])", required=True, metadata={"description": _("The month.")}
    )
    usage = Shaped(
        "[0-9]{1,6}([.][0-9]{1,3})?",
        required=True,
        metadata={"description": _("In the unit of this utility, as a decimal.")},
    )
    amount = Whole(
        required=True,
        validate=validate.Range(0, LARGEST_AMOUNT),
        metadata={"description": _("In the minor unit of the city's currency.")},
    )
    issued_on = Day(required=True)
    due_on = Day(required=True)
    paid_on = Day()


class CityBillSchema(BillSchema):
    """A bill with its account."""

    kind = fields.String()
    account_number = fields.String()


@blueprint.operation(ROOT, who="resident", availability=Availability.EXISTING_BUSINESS)
@blueprint.response(200, AccountsSchema)
def api_accounts() -> Answer:
    """The resident's accounts and bills. Account numbers are masked."""
    return {
        "accounts": [
            {
                "id": one.id,
                "kind": one.kind,
                "number": domain.masked(one.number),
                "nickname": one.nickname,
                "as_of": moment(one.updated_at),
                "bills": [_bill(bill) for bill in bills_of(one.account_id)],
            }
            for one in linked_accounts(signed_in_resident())
        ]
    }


@blueprint.operation(f"{ROOT}/payments", who="resident", method="POST")
@blueprint.arguments(BillPaymentBody)
@blueprint.response(201, PaymentBegunSchema)
def api_pay_bills(body: dict[str, Any]) -> Answer:
    """Start a payment for some bills. The answer gives the page to pay on."""
    return begun(begin_checkout(SERVICE, body["bills"]))


@blueprint.operation(
    f"{ROOT}/bills", who="client", scope=READ, availability=Availability.EXISTING_BUSINESS
)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, page_schema("BillsPage", CityBillSchema))
def api_bills(query: dict[str, Any]) -> Answer:
    """Every bill in the city, page by page, oldest first."""
    rows = rows_after(UtilityBill, query)
    keys = {row.account_id for row in rows}
    accounts = {
        one.id: one
        for one in db.session.scalars(select(UtilityAccount).where(UtilityAccount.id.in_(keys)))
    }
    return page_of(
        rows,
        query["limit"],
        lambda row: {
            **_bill(row),
            "kind": accounts[row.account_id].kind,
            "account_number": accounts[row.account_id].number,
        },
    )


@blueprint.operation(
    f"{ROOT}/bills",
    who="client",
    method="POST",
    scope=WRITE,
    availability=Availability.EXISTING_BUSINESS,
)
@blueprint.arguments(push_schema("BillsPush", PushedBillBody))
@blueprint.response(200, PushedSchema)
def api_push_bills(body: dict[str, Any]) -> Answer:
    """Save up to 500 bills. Each item has its own result. Sending it again changes nothing."""
    return take_push(SERVICE, body["items"], "amount")


def _bill(bill: Any) -> dict[str, Any]:
    return {
        "id": bill.id,
        "period": f"{bill.period:%Y-%m}",
        "usage": bill.usage / domain.THOUSANDTHS,
        **money(bill.amount, bill.currency),
        "issued_on": bill.issued_on,
        "due_on": bill.due_on,
        "paid_on": bill.paid_on,
        "due": bill.due,
    }
