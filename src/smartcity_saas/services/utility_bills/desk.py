"""The service's desk on the console: finding accounts, importing bills, bills as CSV."""

from __future__ import annotations

from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _

from smartcity_saas.catalog.desk import desk_page
from smartcity_saas.configuration.city import City
from smartcity_saas.services.utility_bills import bills as domain
from smartcity_saas.services.utility_bills.csv_import import OPTIONAL, REQUIRED
from smartcity_saas.services.utility_bills.models import KIND_NAMES
from smartcity_saas.services.utility_bills.names import SERVICE
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.current import city_by_slug
from smartcity_saas.web.csv_output import csv_response
from smartcity_saas.web.money import plain_money
from smartcity_saas.web.numbers import plain_decimal
from smartcity_saas.web.policy import ConsoleBlueprint

ROOT = "/cities/<city>/utility-bills"

blueprint = ConsoleBlueprint(
    "utility_bills_desk", __name__, template_folder="templates", service=SERVICE
)


@desk_page(blueprint, SERVICE, columns=(*REQUIRED, *OPTIONAL), longest_text=64)
def _page(city: City, text: str) -> dict[str, Any]:
    """How much is held, and the accounts that were searched for."""
    accounts, bills = domain.counts_of_city()
    return {
        "accounts": accounts,
        "bills": bills,
        "found": domain.find_accounts(text) if text else [],
        "kind_names": KIND_NAMES,
    }


@blueprint.page(f"{ROOT}/bills.csv", permission="city.desk", told_as=_("downloaded it in a table"))
def bills_csv(city: str) -> ResponseReturnValue:
    """Bills of the chosen months as CSV, in the columns of the import."""
    with tenant_context(city_by_slug(city).id):
        rows = [
            (
                account.kind,
                account.number,
                account.holder,
                account.address,
                f"{bill.period:%Y-%m}",
                plain_decimal(bill.usage, 3),
                plain_money(bill.amount, bill.currency),
                bill.issued_on,
                bill.due_on,
                bill.paid_on or "",
                bill.payment_id or "",
            )
            for bill, account in domain.bills_with_accounts(
                unpaid=request.args.get("unpaid") == "1"
            )
        ]
    return csv_response(f"{city}-bills.csv", [*REQUIRED, *OPTIONAL, "payment"], rows)
