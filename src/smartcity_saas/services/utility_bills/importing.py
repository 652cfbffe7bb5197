"""Bills from a supplier's CSV: faults by line; good rows go in, or none if so chosen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from smartcity_saas.audit import Actor, record
from smartcity_saas.configuration.csv_input import Line, csv_problem, read_csv
from smartcity_saas.configuration.problems import Problem
from smartcity_saas.database import command, db
from smartcity_saas.services.utility_bills.models import UtilityAccount, UtilityBill

REQUIRED = (
    "kind",
    "account_number",
    "holder",
    "address",
    "period",
    "usage",
    "amount",
    "issued_on",
    "due_on",
)
CURRENCY = "CNY"
LARGEST_AMOUNT = Decimal(1_000_000)


@dataclass
class Imported:
    """What became of a file: rows by outcome, and every fault."""

    added: int = 0
    changed: int = 0
    same: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def stored(self) -> int:
        """Rows that are in the database now."""
        return self.added + self.changed + self.same


@dataclass(frozen=True)
class _Row:
    line: int
    kind: str
    number: str
    holder: str
    address: str
    period: date
    usage: int
    amount: int
    issued_on: date
    due_on: date
    paid_on: date | None


def import_bills(
    actor: Actor,
    settings: Mapping[str, Any],
    data: bytes,
    name: str,
    now: datetime,
    *,
    all_or_nothing: bool = False,
    sample: bool = False,
) -> Imported:
    """Take a file of bills into the city that we are in. Importing it again changes nothing.

    Raises:
        Invalid: The file as a whole cannot be read.
    """
    result = Imported()
    rows: list[_Row] = []
    for line in read_csv(data, name, REQUIRED):
        row = _parsed(line, settings, name, result.problems)
        if row is not None:
            rows.append(row)
    _refuse_twice(rows, name, result.problems)
    if result.problems and all_or_nothing:
        return result
    with command():
        _store(rows, result, now, sample)
        record(
            actor,
            "utility_bills.import",
            name,
            {"added": result.added, "changed": result.changed, "faults": len(result.problems)},
            now,
        )
    return result


def _parsed(
    line: Line, settings: Mapping[str, Any], name: str, problems: list[Problem]
) -> _Row | None:
    reader = _Cells(line, name, problems)
    kind = line.values["kind"]
    supplier = settings["suppliers"].get(kind) if kind in settings["kinds"] else None
    if supplier is None:
        reader.fault("kind", _("Write one of: %(words)s.", words=", ".join(settings["kinds"])))
    number = re.sub(r"[\s-]", "", line.values["account_number"])
    if supplier and not re.fullmatch(supplier["number"]["pattern"], number[:64]):
        reader.fault(
            "account_number",
            _("“%(value)s” is not a number of this supplier.", value=number[:40]),
            _("An example: %(example)s.", example=supplier["number"].get("example", "")),
        )
    row = _Row(
        line=line.number,
        kind=kind,
        number=number,
        holder=reader.text("holder", 60),
        address=reader.text("address", 120),
        period=reader.month("period"),
        usage=reader.decimal("usage", 3),
        amount=reader.decimal("amount", 2),
        issued_on=reader.day("issued_on"),
        due_on=reader.day("due_on"),
        paid_on=reader.day("paid_on") if line.values.get("paid_on") else None,
    )
    if not reader.faulty and row.due_on < row.issued_on:
        reader.fault("due_on", _("A bill cannot be due before it is issued."))
    return None if reader.faulty else row


class _Cells:
    """Reading the cells of one row, noting every fault."""

    def __init__(self, line: Line, name: str, problems: list[Problem]) -> None:
        self.line = line
        self.name = name
        self.problems = problems
        self.faulty = False

    def fault(self, column: str, message: Any, hint: Any = "") -> None:
        self.faulty = True
        self.problems.append(csv_problem(self.name, self.line.number, column, message, hint))

    def text(self, column: str, longest: int) -> str:
        value = self.line.values[column]
        if not 0 < len(value) <= longest:
            self.fault(column, _("Write 1 to %(most)s characters.", most=longest))
        return value

    def day(self, column: str) -> date:
        try:
            found = date.fromisoformat(self.line.values[column])
        except ValueError:
            found = date.min
        if not 2000 <= found.year < 2100:
            self.fault(column, _("Write a date such as 2026-11-30."))
        return found

    def month(self, column: str) -> date:
        value = self.line.values[column]
        try:
            found = date.fromisoformat(f"{value}-01")
        except ValueError:
            found = date.min
        if not 2000 <= found.year < 2100:
            self.fault(column, _("Write a month such as 2026-10."))
        return found

    def decimal(self, column: str, places: int) -> int:
        """A number that is not negative, as a whole number of its smallest part."""
        try:
            value = Decimal(self.line.values[column])
            fits = value.is_finite() and 0 <= value < LARGEST_AMOUNT
            if fits and -int(value.as_tuple().exponent) <= places:
                return int(value.scaleb(places))
        except InvalidOperation:
            pass
        self.fault(
            column,
            _("Write a number from 0 to 999,999 with up to %(places)s decimals.", places=places),
        )
        return 0


def _refuse_twice(rows: list[_Row], name: str, problems: list[Problem]) -> None:
    seen: dict[tuple[str, str, date], int] = {}
    for row in [*rows]:
        key = (row.kind, row.number, row.period)
        first = seen.setdefault(key, row.line)
        if first != row.line:
            rows.remove(row)
            problems.append(
                csv_problem(
                    name,
                    row.line,
                    "period",
                    _("This account and month stand on line %(line)s too.", line=first),
                )
            )


def _store(rows: list[_Row], result: Imported, now: datetime, sample: bool) -> None:
    accounts = _accounts(rows, now, sample)
    keys = {account.id for account in accounts.values()}
    bills = {
        (bill.account_id, bill.period): bill
        for bill in db.session.scalars(select(UtilityBill).where(UtilityBill.account_id.in_(keys)))
    }
    for row in rows:
        account = accounts[row.kind, row.number]
        bill = bills.get((account.id, row.period))
        if bill is None:
            bill = UtilityBill(account_id=account.id, period=row.period, currency=CURRENCY)
            db.session.add(bill)
            result.added += 1
        elif _differs(bill, row):
            result.changed += 1
        else:
            result.same += 1
            continue
        bill.usage, bill.amount = row.usage, row.amount
        bill.issued_on, bill.due_on, bill.paid_on = row.issued_on, row.due_on, row.paid_on


def _differs(bill: UtilityBill, row: _Row) -> bool:
    now = (bill.usage, bill.amount, bill.issued_on, bill.due_on, bill.paid_on)
    return now != (row.usage, row.amount, row.issued_on, row.due_on, row.paid_on)


def _accounts(
    rows: list[_Row], now: datetime, sample: bool
) -> dict[tuple[str, str], UtilityAccount]:
    """The accounts of some rows, made or brought up to date."""
    numbers = {row.number for row in rows}
    found = {
        (account.kind, account.number): account
        for account in db.session.scalars(
            select(UtilityAccount).where(UtilityAccount.number.in_(numbers))
        )
    }
    for row in rows:
        account = found.get((row.kind, row.number))
        if account is None:
            account = UtilityAccount(kind=row.kind, number=row.number, sample=sample)
            db.session.add(account)
            found[row.kind, row.number] = account
        account.holder, account.address, account.updated_at = row.holder, row.address, now
    db.session.flush()
    return found
