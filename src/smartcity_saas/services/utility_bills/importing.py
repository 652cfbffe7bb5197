"""Bills from a supplier's CSV: faults by line; good rows go in, or none if so chosen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from smartcity_saas.audit import Actor, record
from smartcity_saas.catalog.importing import Cells, file_mark, refuse_twice
from smartcity_saas.catalog.service import Imported
from smartcity_saas.configuration.city import City
from smartcity_saas.configuration.csv_input import Line, read_csv
from smartcity_saas.configuration.problems import Problem
from smartcity_saas.database import command, db
from smartcity_saas.services.utility_bills.models import UtilityAccount, UtilityBill
from smartcity_saas.services.utility_bills.names import SERVICE
from smartcity_saas.services.utility_bills.source import locked_bills, store_bill

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

    @property
    def key(self) -> tuple[str, str, date]:
        """The account and the month."""
        return self.kind, self.number, self.period


def import_bills(
    actor: Actor,
    city: City,
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
    settings = city.catalog[SERVICE].settings
    rows: list[_Row] = []
    for line in read_csv(data, name, REQUIRED):
        row = _parsed(line, settings, city.currency, name, result.problems)
        if row is not None:
            rows.append(row)
    refuse_twice(
        rows,
        name,
        result.problems,
        "period",
        lambda line: _("This account and month stand on line %(line)s too.", line=line),
    )
    if result.problems and all_or_nothing:
        return result
    with command():
        _store(rows, result, city.currency, now, sample)
        record(
            actor,
            "utility_bills.import",
            file_mark(data),
            {"added": result.added, "changed": result.changed, "faults": len(result.problems)},
            now,
            reason=name,
        )
    return result


def _parsed(
    line: Line, settings: Mapping[str, Any], currency: str, name: str, problems: list[Problem]
) -> _Row | None:
    reader = Cells(line, name, problems)
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
        amount=reader.money("amount", currency),
        issued_on=reader.day("issued_on"),
        due_on=reader.day("due_on"),
        paid_on=reader.day("paid_on") if line.values.get("paid_on") else None,
    )
    if not reader.faulty and row.due_on < row.issued_on:
        reader.fault("due_on", _("A bill cannot be due before it is issued."))
    return None if reader.faulty else row


def _store(rows: list[_Row], result: Imported, currency: str, now: datetime, sample: bool) -> None:
    accounts = _accounts(rows, now, sample)
    keys = {account.id for account in accounts.values()}
    bills = locked_bills(keys)
    for row in rows:
        account = accounts[row.kind, row.number]
        bill = bills.get((account.id, row.period))
        if bill is None:
            result.added += 1
        elif _differs(bill, row):
            result.changed += 1
        else:
            result.same += 1
            continue
        store_bill(bill, account.id, {**asdict(row), "currency": currency})


def _differs(bill: UtilityBill, row: _Row) -> bool:
    """Whether a file says anything new. What was paid here stays as it was paid."""
    now = (bill.usage, bill.issued_on, bill.due_on, bill.amount, bill.paid_on)
    new = (row.usage, row.issued_on, row.due_on, row.amount, row.paid_on)
    return now[:3] != new[:3] if bill.payment_id is not None else now != new


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
