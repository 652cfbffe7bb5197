"""The service's desk on the console: finding accounts, importing bills, bills as CSV."""

from __future__ import annotations

from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue

from smartcity_saas.catalog.csv_import import MOST_SHOWN, take_upload
from smartcity_saas.product import product
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


@blueprint.page(ROOT, permission="city.desk")
def desk(city: str) -> ResponseReturnValue:
    """What is held, a search, and the form that imports bills."""
    return _page(city)


@blueprint.page(ROOT, permission="city.desk", methods=("POST",))
def import_file(city: str) -> ResponseReturnValue:
    """Import a supplier's file."""
    service = product().services[SERVICE]
    result, problems = take_upload(city_by_slug(city), service)
    return _page(city, result=result, problems=problems), 422 if problems else 200


@blueprint.page(f"{ROOT}/bills.csv", permission="city.desk")
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


def _page(city: str, **values: Any) -> str:
    text = request.args.get("text", "").strip()[:64]
    with tenant_context(city_by_slug(city).id):
        accounts, bills = domain.counts_of_city()
        found = domain.find_accounts(text) if text else []
    return render_template(
        "utility_bills/desk.html",
        accounts=accounts,
        bills=bills,
        found=found,
        text_wanted=text,
        kind_names=KIND_NAMES,
        columns=[*REQUIRED, *OPTIONAL],
        most_shown=MOST_SHOWN,
        import_path=f"/cities/{city}/utility-bills",
        **{"result": None, "problems": [], **values},
    )
