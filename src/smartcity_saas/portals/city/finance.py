"""Finance: payments, refunds, held money, days to close, the CSV for the books."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _

from smartcity_saas.audit import record
from smartcity_saas.clock import read_day, today_in
from smartcity_saas.configuration.city import City
from smartcity_saas.database import transaction
from smartcity_saas.errors import Invalid
from smartcity_saas.identity.authorization import signed_in_member
from smartcity_saas.outbox import failed_tasks, run_task, try_failed_again
from smartcity_saas.payments import queries
from smartcity_saas.payments.accounts import PaymentsClosed
from smartcity_saas.payments.attention import CLOSABLE_DAYS
from smartcity_saas.payments.disputes import decide_dispute, disputes_of
from smartcity_saas.payments.ledger import (
    balances,
    entries_between,
    entries_of,
    payment_numbers,
    totals_by_span,
)
from smartcity_saas.payments.providers import ProviderUnreachable
from smartcity_saas.payments.queries import Wanted
from smartcity_saas.payments.reconciliation import (
    Reconciled,
    close_day,
    closing_of,
    day_span,
    reconcile,
)
from smartcity_saas.payments.refunds import book_held, reason_fault, refundable, request_refund
from smartcity_saas.payments.repository import items_of, payment_of, refunds_of
from smartcity_saas.payments.settlement import abandon
from smartcity_saas.payments.states import DisputeDecision
from smartcity_saas.payments.webhooks import unmatched_events
from smartcity_saas.portals.change_labels import (
    DISPUTE_STATES,
    HELD_REASONS,
    METHOD_NAMES,
    NO_PAGE_REASONS,
    REFUND_FAILURES,
)
from smartcity_saas.portals.city.blueprint import ROOT, blueprint, shell
from smartcity_saas.product import product
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.current import city_by_slug, current_time
from smartcity_saas.web.csv_output import csv_response
from smartcity_saas.web.money import parse_money, plain_money
from smartcity_saas.web.numbers import NotPlain

MONEY = f"{ROOT}/payments"
LEDGER_COLUMNS = (
    "posted_at",
    "entry",
    "payment",
    "debit",
    "credit",
    "amount",
    "currency",
    "provider_reference",
)


@blueprint.page(MONEY, permission="city.finance")
def payments(city: str) -> ResponseReturnValue:
    """Payments by what finance looks for, and what waits for a decision."""
    served = city_by_slug(city)
    wanted = Wanted.of(request.args)
    with tenant_context(served.id):
        values = {
            "found": queries.find_payments(wanted, served.timezone),
            "held": queries.count_held(),
            "failed": failed_tasks(),
            "unmatched": unmatched_events(),
            "balances": sorted(balances().items()),
        }
    return render_template(
        "city/payments.html", wanted=wanted, most=queries.PAGE, **values, **shell(city)
    )


@blueprint.page(f"{MONEY}/ledger.csv", permission="city.finance")
def ledger_csv(city: str) -> ResponseReturnValue:
    """The ledger of some days as CSV: one row a transfer, amounts as decimals."""
    served = city_by_slug(city)
    since, until = _span(served)
    with tenant_context(served.id):
        entries = entries_between(since, until)
        numbers = payment_numbers(since, until)
        rows = [
            (
                entry.at.astimezone(ZoneInfo(served.timezone)).isoformat(timespec="seconds"),
                entry.key,
                numbers[entry.payment_id],
                entry.debit,
                entry.credit,
                plain_money(entry.amount, entry.currency),
                entry.currency,
                entry.provider_reference,
            )
            for entry in entries
        ]
    name = f"{city}-ledger-{since:%Y%m%d}-{until - timedelta(seconds=1):%Y%m%d}.csv"
    return csv_response(name, LEDGER_COLUMNS, rows)


@blueprint.page(f"{MONEY}/closings", permission="city.finance")
def closings(city: str) -> ResponseReturnValue:
    """Days with their totals: closed ones, and those that can be closed; with ``closed`` in the
    address, what that day's comparison finds now."""
    served, day = city_by_slug(city), read_day(request.args.get("closed", ""))
    result = None
    with tenant_context(served.id):
        if day and closing_of(day):
            with suppress(PaymentsClosed, ProviderUnreachable):
                result = reconcile(served, *day_span(served, day))
    return _closings_page(city, day, result)


@blueprint.page(f"{MONEY}/closings", permission="city.finance", methods=("POST",))
def close(city: str) -> ResponseReturnValue:
    """Compare a day with the provider, then close it."""
    served = city_by_slug(city)
    actor, day = signed_in_member().actor, _day(request.form.get("day", ""))
    with tenant_context(served.id):
        result = reconcile(served, *day_span(served, day))
        close_day(actor, served, day, current_time(), len(result.differences))
    return redirect(f"/cities/{city}/payments/closings?closed={day}", 303)


@blueprint.page(f"{MONEY}/<uuid:payment_id>", permission="city.finance")
def finance_payment(city: str, payment_id: uuid.UUID) -> ResponseReturnValue:
    """One payment with everything that is known of it. That one of somebody who has left was
    opened stands in the audit log."""
    served, actor = city_by_slug(city), signed_in_member().actor
    with tenant_context(served.id):
        payment = payment_of(payment_id)
        if queries.is_locked_away(payment):
            with transaction():
                record(actor, "payment.open_kept", payment.number, {}, current_time())
    return _payment_page(city, payment_id)


@blueprint.page(f"{MONEY}/<uuid:payment_id>/refunds", permission="city.finance", methods=("POST",))
def refund(city: str, payment_id: uuid.UUID) -> ResponseReturnValue:
    """Send money back, a part or all."""
    served, actor = city_by_slug(city), signed_in_member().actor
    typed = {name: request.form.get(name, "").strip() for name in ("amount", "reason")}
    fault = reason_fault(typed["reason"])
    errors = {"reason": fault} if fault else {}
    try:
        with tenant_context(served.id):
            payment = payment_of(payment_id)
            amount = _amount(typed["amount"], payment.paid_currency)
            if not errors:
                task = request_refund(actor, payment_id, amount, typed["reason"], current_time())
                run_task(product().tasks, task, current_time())
    except Invalid as error:
        errors = {"amount": error.detail, **errors}
    if errors:
        return _payment_page(city, payment_id, typed=typed, errors=errors), 422
    return redirect(f"/cities/{city}/payments/{payment_id}")


@blueprint.page(f"{MONEY}/<uuid:payment_id>/book", permission="city.finance", methods=("POST",))
def book(city: str, payment_id: uuid.UUID) -> ResponseReturnValue:
    """Let held money count as paid."""
    actor = signed_in_member().actor
    with tenant_context(city_by_slug(city).id):
        book_held(actor, payment_id, current_time())
    return redirect(f"/cities/{city}/payments/{payment_id}")


@blueprint.page(
    f"{MONEY}/<uuid:payment_id>/disputes/<uuid:dispute_id>",
    permission="city.finance",
    methods=("POST",),
)
def decide(city: str, payment_id: uuid.UUID, dispute_id: uuid.UUID) -> ResponseReturnValue:
    """Decide what becomes of a payment whose dispute was lost."""
    actor, wanted = signed_in_member().actor, request.form.get("decision")
    decision = next((one for one in DisputeDecision if one == wanted), None)
    if decision is None:
        raise Invalid(_("Choose what to do with it."))
    with tenant_context(city_by_slug(city).id):
        decide_dispute(actor, payment_id, dispute_id, decision, current_time())
    return redirect(f"/cities/{city}/payments/{payment_id}")


@blueprint.page(f"{MONEY}/<uuid:payment_id>/end", permission="city.finance", methods=("POST",))
def end(city: str, payment_id: uuid.UUID) -> ResponseReturnValue:
    """End a payment that the provider does not know."""
    actor, served = signed_in_member().actor, city_by_slug(city)
    with tenant_context(served.id):
        abandon(actor, served, payment_id, current_time())
    return redirect(f"/cities/{city}/payments/{payment_id}")


@blueprint.page(f"{MONEY}/tasks", permission="city.finance", methods=("POST",))
def try_tasks_again(city: str) -> ResponseReturnValue:
    """Put work that was given up back in line: payments, reports to back offices, messages."""
    with tenant_context(city_by_slug(city).id):
        try_failed_again(current_time())
    return redirect(f"/cities/{city}/payments")


def _payment_page(city: str, payment_id: uuid.UUID, **values: Any) -> str:
    with tenant_context(city_by_slug(city).id):
        payment = payment_of(payment_id)
        values = {
            "payment": payment,
            "items": items_of(payment_id),
            "entries": entries_of(payment_id),
            "refunds": refunds_of(payment_id),
            "left": refundable(payment) if payment.has_money else 0,
            "reason": HELD_REASONS.get(payment.held_reason or ""),
            "no_page": NO_PAGE_REASONS.get(payment.refusal or ""),
            "failures": REFUND_FAILURES,
            "disputes": disputes_of(payment_id),
            "dispute_states": DISPUTE_STATES,
            "decisions": payment.dispute_decisions,
            "method": METHOD_NAMES.get(payment.method or "", payment.method or ""),
            "typed": {},
            "errors": {},
            "locked_away": queries.is_locked_away(payment),
            **values,
        }
    values["left_text"] = plain_money(values["left"], payment.paid_currency)
    return render_template("city/payment.html", **values, **shell(city))


def _closings_page(city: str, just_closed: date | None, result: Reconciled | None) -> str:
    served = city_by_slug(city)
    today = today_in(served.timezone, current_time())
    with tenant_context(served.id):
        closed = {row.day: row for row in queries.closings()}
        shown = [today - timedelta(days=back) for back in range(CLOSABLE_DAYS + 1)]
        open_days = _totals(served, shown[::-1])
    days = [
        (day, closed.get(day), closed[day].totals if day in closed else open_days[day])
        for day in shown
    ]
    return render_template(
        "city/closings.html",
        days=days,
        today=today,
        closing=just_closed and closed.get(just_closed),
        result=result,
        **shell(city),
    )


def _totals(served: City, days: Sequence[date]) -> dict[date, dict[str, dict[str, int]]]:
    """The totals of days that follow each other, as the ledger stands now."""
    begins = [day_span(served, day)[0] for day in days]
    found = totals_by_span([*begins, day_span(served, days[-1])[1]])
    return dict(zip(days, found, strict=True))


def _span(served: City) -> tuple[datetime, datetime]:
    today = today_in(served.timezone, current_time())
    wanted = Wanted.of(request.args)
    since, until = wanted.since or today.replace(day=1), wanted.until or today
    return day_span(served, since)[0], day_span(served, max(since, until))[1]


def _amount(text: str, currency: str) -> int:
    try:
        return parse_money(text, currency)
    except NotPlain as error:
        raise Invalid(error.message) from None


def _day(text: str) -> date:
    found = read_day(text)
    if found is None:
        raise Invalid(_("Enter a date, such as 2026-11-30."))
    return found
