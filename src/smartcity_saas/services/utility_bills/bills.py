"""Accounts, links and bills of the current city: the domain of the service."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _
from flask_babel import lazy_ngettext
from sqlalchemy import delete, func, or_, select

from smartcity_saas.audit import record
from smartcity_saas.configuration.city import CatalogEntry
from smartcity_saas.database import db, transaction
from smartcity_saas.errors import FieldErrors
from smartcity_saas.identity.rate_limits import count_attempt
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.identity.residents.models import ResidentAttempt
from smartcity_saas.services.utility_bills.back_office import find_account, number_of
from smartcity_saas.services.utility_bills.linked_accounts import Bill, linked_account
from smartcity_saas.services.utility_bills.models import (
    UtilityAccount,
    UtilityBill,
    UtilityLink,
)
from smartcity_saas.web.money import format_sums
from smartcity_saas.web.name_folding import folded_name

MOST_LINKS = 20
MOST_LINK_TRIES = 10
THOUSANDTHS = 1000


@dataclass(frozen=True)
class TierUse:
    """One tier of a tariff and how much of it this year's usage has filled.

    ``lower`` and ``upper`` are in units (``upper`` None for the last), ``share`` 0 to 1.
    """

    number: int
    lower: int
    upper: int | None
    price: Decimal
    share: float
    current: bool


@dataclass(frozen=True)
class Usage:
    """Up to twelve calendar months of usage in thousandths, with the same months a year before;
    None for a month without a bill."""

    months: tuple[tuple[date, int | None, int | None], ...]

    @property
    def total(self) -> int:
        """All bills of these months together."""
        return sum(now or 0 for _month, now, _before in self.months)

    @property
    def gaps(self) -> tuple[date, ...]:
        """The months without a bill."""
        return tuple(month for month, now, _before in self.months if now is None)

    @property
    def difference(self) -> int | None:
        """More (positive) or less than a year before; None unless the same months have bills."""
        same = all((now is None) == (before is None) for _m, now, before in self.months)
        if not same or all(before is None for _m, _n, before in self.months):
            return None
        return self.total - sum(before or 0 for _m, _n, before in self.months)


@dataclass(frozen=True)
class LinkRequest:
    """What a resident writes to link an account: as typed, ``nickname`` being their own word."""

    kind: str
    number: str
    holder: str
    nickname: str


def link_account(
    resident: SignedInResident, entry: CatalogEntry, typed: LinkRequest, now: datetime
) -> UtilityLink:
    """Link an account to a resident, who knows its number and its holder's name.

    Raises:
        FieldErrors: A number of the wrong form, no such account, or another holder's.
        Throttled: Too many attempts, so that numbers cannot be walked.
        BackOfficeDown: The city's back office is asked and does not answer.
    """
    wanted = LinkRequest(
        typed.kind, number_of(typed.number), typed.holder.strip(), typed.nickname.strip()
    )
    _refuse_malformed(entry.settings, wanted)
    count_attempt(ResidentAttempt, f"link:{resident.id}", MOST_LINK_TRIES, now)
    account = find_account(entry, wanted.kind, wanted.number, now)
    with transaction() as session:
        account = _held(account)
        if account is None or account.holder_key != folded_name(wanted.holder):
            raise FieldErrors(
                {
                    "number": _(
                        "We cannot find an account with this number and holder. Check both against a bill."
                    )
                }
            )
        held = session.scalars(
            select(UtilityLink).where(UtilityLink.resident_id == resident.id)
        ).all()
        found = next((link for link in held if link.account_id == account.id), None)
        if found is not None:
            return found
        if len(held) >= MOST_LINKS:
            raise FieldErrors({"number": _("You have linked 20 accounts, the maximum.")})
        link = UtilityLink(
            resident_id=resident.id,
            account_id=account.id,
            nickname=wanted.nickname,
            created_at=now,
        )
        session.add(link)
        session.flush()
        record(resident.actor, "utility_bills.link", str(account.id), {}, now)
    return link


def _held(account: UtilityAccount | None) -> UtilityAccount | None:
    """An account as it stands now, held so that its holder does not change meanwhile."""
    if account is None:
        return None
    query = select(UtilityAccount).where(UtilityAccount.id == account.id)
    fresh = query.with_for_update(read=True).execution_options(populate_existing=True)
    return db.session.scalars(fresh).one_or_none()


def unlink_account(resident: SignedInResident, link_id: uuid.UUID, now: datetime) -> None:
    """Remove a link; the account and its bills stay with the supplier.

    Raises:
        NotFound: It is no link of this resident's.
    """
    with transaction() as session:
        link = linked_account(resident, link_id)
        session.execute(delete(UtilityLink).where(UtilityLink.id == link.id))
        record(resident.actor, "utility_bills.unlink", str(link.account_id), {}, now)


def usage_of(bills: Sequence[Bill]) -> Usage:
    """The twelve calendar months up to the newest bill's, fewer where the first bill is younger,
    with the same months a year before."""
    by_month = {bill.period: bill.usage for bill in bills}
    if not by_month:
        return Usage(())
    last, first = max(by_month), min(by_month)
    months = [month for month in _months_until(last, 12) if month >= first]
    return Usage(
        tuple(
            (month, by_month.get(month), by_month.get(month.replace(year=month.year - 1)))
            for month in months
        )
    )


def _months_until(last: date, count: int) -> list[date]:
    """Calendar months up to one, the oldest first, each by its first day."""
    places = range(last.year * 12 + last.month - count, last.year * 12 + last.month)
    return [date(place // 12, place % 12 + 1, 1) for place in places]


def tiers_used(
    tiers: Sequence[Mapping[str, Any]], bills: Sequence[Bill], year: int
) -> list[TierUse]:
    """How far a calendar year's usage has come through the tiers of a tariff."""
    used = sum(bill.usage for bill in bills if bill.period.year == year) / THOUSANDTHS
    found: list[TierUse] = []
    lower = 0
    for place, tier in enumerate(tiers):
        upper = tier.get("up_to")
        inside = max(0.0, used - lower)
        share = min(1.0, inside / (upper - lower)) if upper else min(1.0, inside / max(lower, 1))
        current = (
            used >= lower
            and (upper is None or used <= upper)
            and not any(tier.current for tier in found)
        )
        found.append(TierUse(place + 1, lower, upper, tier["price"], share, current))
        lower = upper or lower
    return found


def counts_of_city() -> tuple[int, int]:
    """How many accounts and bills the current city holds."""
    accounts = db.session.scalar(select(func.count()).select_from(UtilityAccount)) or 0
    bills = db.session.scalar(select(func.count()).select_from(UtilityBill)) or 0
    return accounts, bills


def find_accounts(text: str, limit: int = 50) -> list[tuple[UtilityAccount, int, str]]:
    """Accounts by number or holder, each with how many bills are due and their sum as people
    read it, empty for none."""
    accounts = list(
        db.session.scalars(
            select(UtilityAccount)
            .where(
                or_(
                    UtilityAccount.number == number_of(text),
                    UtilityAccount.holder_key == folded_name(text),
                )
            )
            .order_by(UtilityAccount.kind, UtilityAccount.number)
            .limit(limit)
        )
    )
    rows = db.session.execute(
        select(
            UtilityBill.account_id,
            func.count(UtilityBill.id),
            func.sum(UtilityBill.amount),
            UtilityBill.currency,
        )
        .where(
            UtilityBill.account_id.in_([account.id for account in accounts]),
            UtilityBill.due,
        )
        .group_by(UtilityBill.account_id, UtilityBill.currency)
        .order_by(UtilityBill.currency)
    )
    counts: Counter[uuid.UUID] = Counter()
    owed: dict[uuid.UUID, list[tuple[int, str]]] = {}
    for key, found, total, currency in rows:
        counts[key] += int(found)
        owed.setdefault(key, []).append((int(total), currency))
    return [(one, counts[one.id], format_sums(owed.get(one.id, ()))) for one in accounts]


def bills_with_accounts(
    *, unpaid: bool, limit: int = 100_000
) -> list[tuple[UtilityBill, UtilityAccount]]:
    """Bills with their accounts, for a file; only those that are due if so wished."""
    query = (
        select(UtilityBill, UtilityAccount)
        .join(UtilityAccount, UtilityAccount.id == UtilityBill.account_id)
        .order_by(UtilityAccount.kind, UtilityAccount.number, UtilityBill.period)
        .limit(limit)
    )
    if unpaid:
        query = query.where(UtilityBill.due)
    return [(*row,) for row in db.session.execute(query)]


def masked(number: str) -> str:
    """The last four characters of a number, the rest hidden."""
    return "•" * max(0, len(number) - 4) + number[-4:]


def _refuse_malformed(settings: Mapping[str, Any], wanted: LinkRequest) -> None:
    errors: dict[str, Any] = {}
    supplier = settings["suppliers"].get(wanted.kind) if wanted.kind in settings["kinds"] else None
    if supplier is None:
        errors["kind"] = _("Choose water, electricity or gas.")
    elif not re.fullmatch(supplier["number"]["pattern"], wanted.number[:64]):
        errors["number"] = _form_of(supplier["number"], wanted.number)
    if not wanted.holder or len(wanted.holder) > 60:
        errors["holder"] = _("Enter the holder's name as on the bill.")
    if not wanted.nickname or len(wanted.nickname) > 20:
        errors["nickname"] = _("Enter a name of 1 to 20 characters, such as “home”.")
    if errors:
        raise FieldErrors(errors)


def _form_of(number: Mapping[str, Any], given: str) -> Any:
    if not given:
        return _(
            "Enter the account number, for example %(example)s.",
            example=number.get("example", ""),
        )
    digits = re.fullmatch(r"(?:\[0-9\]|\\d)\{(\d+)\}", number["pattern"])
    if digits is None or not given.isdecimal():
        return _(
            "The account number is not in the right format. For example: %(example)s.",
            example=number.get("example", ""),
        )
    return lazy_ngettext(
        "You entered %(num)s character. It must have %(needed)s digits.",
        "You entered %(num)s characters. It must have %(needed)s digits.",
        len(given),
        needed=int(digits[1]),
    )
