"""Reminders before a bill is due, once a bill and resident."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from smartcity_saas.clock import today_in
from smartcity_saas.database import db
from smartcity_saas.notifications import notify
from smartcity_saas.services.utility_bills.models import (
    BILL_NAMES,
    UtilityAccount,
    UtilityBill,
    UtilityLink,
)
from smartcity_saas.services.utility_bills.names import ROOT, SERVICE
from smartcity_saas.tenancy.current import current_city
from smartcity_saas.web.formats import day
from smartcity_saas.web.languages import both
from smartcity_saas.web.money import format_money

MOST_AT_ONCE = 5_000


def remind(now: datetime) -> None:
    """Remind every resident who linked an account of what is due within the city's days."""
    city = current_city()
    entry = city.catalog[SERVICE]
    days = entry.settings.get("remind_days")
    if entry.is_closed or not days:
        return
    today = today_in(city.timezone, now)
    rows = db.session.execute(
        select(UtilityBill, UtilityAccount, UtilityLink)
        .join(UtilityAccount, UtilityAccount.id == UtilityBill.account_id)
        .join(UtilityLink, UtilityLink.account_id == UtilityAccount.id)
        .where(
            UtilityBill.due,
            UtilityBill.due_on >= today,
            UtilityBill.due_on <= today + timedelta(days=days),
        )
        .order_by(UtilityBill.due_on)
        .limit(MOST_AT_ONCE)
    ).all()
    for bill, account, link in rows:
        _remind_of(bill, account, link, now)


def _remind_of(
    bill: UtilityBill, account: UtilityAccount, link: UtilityLink, now: datetime
) -> None:
    amount = format_money(bill.amount, bill.currency)
    notify(
        link.resident_id,
        f"bill-due:{bill.id}",
        both(
            lambda: _(
                "%(kind)s of %(amount)s is due by %(day)s",
                kind=BILL_NAMES[account.kind],
                amount=amount,
                day=day(bill.due_on, bill.due_on.year),
            )
        ),
        both(lambda: _("For “%(name)s”. View and pay it here.", name=link.nickname)),
        f"{ROOT}/accounts/{link.id}",
        now,
    )
