"""The service's pages on a city's site."""

from __future__ import annotations

import uuid
from typing import Any

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _

from smartcity_saas.catalog.checkout import begin_checkout
from smartcity_saas.clock import today_in
from smartcity_saas.configuration.city import CatalogEntry
from smartcity_saas.connectors.back_office import has_back_office
from smartcity_saas.errors import FieldErrors, Invalid
from smartcity_saas.identity.authorization import current_resident, signed_in_resident
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.payments.repository import on_their_way, own_payments
from smartcity_saas.payments.terms import PayTerms, open_terms
from smartcity_saas.services.utility_bills import bills as domain
from smartcity_saas.services.utility_bills.back_office import bring_up_to_date
from smartcity_saas.services.utility_bills.bills import THOUSANDTHS
from smartcity_saas.services.utility_bills.linked_accounts import (
    Bill,
    LinkedAccount,
    chosen,
    household_bills,
    linked_account,
    linked_accounts,
)
from smartcity_saas.services.utility_bills.models import KIND_NAMES
from smartcity_saas.services.utility_bills.names import KINDS, ROOT, SERVICE, UNITS
from smartcity_saas.tenancy.current import current_time, request_city
from smartcity_saas.web.charts import bar_chart
from smartcity_saas.web.policy import UNTIL_CHANGED, Availability, CityBlueprint

ICONS = {"water": "droplet", "electricity": "bolt", "gas": "flame"}

blueprint = CityBlueprint(SERVICE, __name__, service=SERVICE, template_folder="templates")


@blueprint.page(ROOT, who="everyone", kept=UNTIL_CHANGED)
def landing() -> ResponseReturnValue:
    """What the service is, or the resident's own bills."""
    resident = current_resident()
    if resident is None:
        return _render("utility_bills/about.html", settings=_entry().settings)
    found = linked_accounts(resident)
    if not found:
        return _render("utility_bills/empty.html", settings=_entry().settings)
    return redirect(f"{ROOT}/accounts/{found[0].id}")


@blueprint.page(f"{ROOT}/<any({', '.join(KINDS)}):kind>", who="resident")
def by_kind(kind: str) -> ResponseReturnValue:
    """The resident's first account of a kind, or the form that links one."""
    found = linked_accounts(signed_in_resident())
    link = next((one for one in found if one.kind == kind), None)
    if link is None:
        return redirect(f"{ROOT}/link?kind={kind}")
    return redirect(f"{ROOT}/accounts/{link.id}")


@blueprint.page(
    f"{ROOT}/accounts/<uuid:link_id>", who="resident", availability=Availability.EXISTING_BUSINESS
)
def account(link_id: uuid.UUID) -> ResponseReturnValue:
    """One linked account: what is due, usage, tiers, history."""
    resident = signed_in_resident()
    fresh, link, found = _up_to_date(resident, link_id)
    every, owed = household_bills(resident, link)
    supplier = _entry().settings.get("suppliers", {}).get(link.kind, {})
    usage = domain.usage_of(every)
    coming = on_their_way(SERVICE, [str(bill.id) for bill in owed])
    due = [bill for bill in owed if str(bill.id) not in coming]
    year = today_in(request_city().timezone, current_time()).year
    return _render(
        "utility_bills/account.html",
        link=link,
        links=found,
        accounts={one.account_id: one for one in found},
        household=_household(link, found),
        nicknames=list(dict.fromkeys(one.nickname for one in found)),
        due=due,
        coming=[(bill, coming[str(bill.id)]) for bill in owed if str(bill.id) in coming],
        receipts=_receipts(every),
        paying=_paying(due),
        fresh=fresh,
        bills=every if request.args.get("all") else every[:6],
        bill_count=len(every),
        supplier=supplier,
        usage=usage,
        chart=_chart(usage),
        tiers=domain.tiers_used(supplier.get("tiers", ()), every, year),
        year_usage=sum(b.usage for b in every if b.period.year == year) / THOUSANDTHS,
        entry=_entry(),
    )


def _up_to_date(
    resident: SignedInResident, link_id: uuid.UUID
) -> tuple[bool, LinkedAccount, list[LinkedAccount]]:
    """Whether all that is known of a link's household is fresh, the link, and all links: after the
    back office was asked, where there is one. Another holder may have ended the link by then."""
    found = linked_accounts(resident)
    link = chosen(found, link_id)
    if not has_back_office(_entry()):
        return True, link, found
    fresh = all(bring_up_to_date(_entry(), one, current_time()) for one in _household(link, found))
    found = linked_accounts(resident)
    return fresh, chosen(found, link_id), found


def _household(link: LinkedAccount, found: list[LinkedAccount]) -> list[LinkedAccount]:
    """The accounts that a resident calls by the same name."""
    return [one for one in found if one.nickname == link.nickname]


@blueprint.page(f"{ROOT}/pay", who="resident", methods=("POST",))
def pay() -> ResponseReturnValue:
    """Go and pay the chosen bills."""
    chosen = request.form.getlist("bill")
    if not chosen:
        raise Invalid(_("Choose at least one bill."))
    return redirect(begin_checkout(SERVICE, chosen).page, 303)


@blueprint.page(f"{ROOT}/link", who="resident")
def link_form() -> ResponseReturnValue:
    """The form that links an account."""
    kind = request.args.get("kind", "")
    kinds = _entry().settings["kinds"]
    return _link_page({"kind": kind if kind in kinds else kinds[0]}, {})


@blueprint.page(f"{ROOT}/link", who="resident", methods=("POST",))
def link() -> ResponseReturnValue:
    """Link an account."""
    typed = {name: request.form.get(name, "") for name in ("kind", "number", "holder", "nickname")}
    try:
        made = domain.link_account(
            signed_in_resident(), _entry(), domain.LinkRequest(**typed), current_time()
        )
    except FieldErrors as error:
        return _link_page(typed, error.fields), 422
    return redirect(f"{ROOT}/accounts/{made.id}")


@blueprint.page(
    f"{ROOT}/accounts/<uuid:link_id>/unlink",
    who="resident",
    availability=Availability.EXISTING_BUSINESS,
)
def unlink_question(link_id: uuid.UUID) -> ResponseReturnValue:
    """Ask before a link is removed."""
    link = linked_account(signed_in_resident(), link_id)
    return _render("utility_bills/unlink.html", link=link)


@blueprint.page(
    f"{ROOT}/accounts/<uuid:link_id>/unlink",
    who="resident",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
)
def unlink(link_id: uuid.UUID) -> ResponseReturnValue:
    """Remove a link."""
    domain.unlink_account(signed_in_resident(), link_id, current_time())
    return redirect("/me")


def _link_page(typed: dict[str, str], errors: dict[str, Any]) -> str:
    return _render(
        "utility_bills/link.html", settings=_entry().settings, typed=typed, errors=errors
    )


def _paying(due: list[Bill]) -> PayTerms | None:
    """What the amount card needs: how one can pay here; None where nothing is due, or one cannot."""
    return open_terms(request_city(), due, current_time()) if _entry().is_open else None


def _receipts(bills: list[Bill]) -> set[uuid.UUID]:
    """The payments of some bills that the resident made; others of the household have theirs."""
    paid_by = {bill.payment_id for bill in bills if bill.payment_id is not None}
    return own_payments(signed_in_resident(), paid_by) if paid_by else set()


def _chart(usage: domain.Usage) -> Any:
    return bar_chart(
        [
            (
                str(month.month),
                now / THOUSANDTHS if now is not None else None,
                before / THOUSANDTHS if before is not None else None,
            )
            for month, now, before in usage.months
        ]
    )


def _render(template: str, **values: Any) -> str:
    return render_template(
        template,
        kind_names=KIND_NAMES,
        icons=ICONS,
        units=UNITS,
        root=ROOT,
        masked=domain.masked,
        thousandths=THOUSANDTHS,
        **values,
    )


def _entry() -> CatalogEntry:
    city = request_city()
    found: CatalogEntry = city.catalog[SERVICE]
    return found
