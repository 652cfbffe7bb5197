"""Bills from a supplier's table: faults by line; good rows go in, or none if so chosen."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from smartcity_saas.catalog.csv_import import Cells, CsvImporter
from smartcity_saas.catalog.service import Imported, ImportRequest
from smartcity_saas.database import db
from smartcity_saas.services.utility_bills.back_office import (
    locked_bills,
    number_of,
    store_account,
    store_bill,
)
from smartcity_saas.services.utility_bills.models import UtilityAccount, UtilityBill
from smartcity_saas.services.utility_bills.names import SERVICE
from smartcity_saas.tenancy.current import current_city
from smartcity_saas.web.money import format_money
from smartcity_saas.web.name_folding import folded_name

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
OPTIONAL = ("paid_on",)


@dataclass(frozen=True)
class _Row:
    """A row. ``bill`` is what it says of its bill, with ``paid_on`` only where the table has that
    column."""

    line: int
    kind: str
    number: str
    holder: str
    address: str
    bill: Mapping[str, Any]

    @property
    def account(self) -> tuple[str, str]:
        """What tells one account from another."""
        return self.kind, self.number

    @property
    def key(self) -> tuple[str, str, date]:
        """The account and the month."""
        return self.kind, self.number, self.bill["period"]


def import_bills(request: ImportRequest) -> Imported:
    """Take a table of bills into the current city. Importing it again changes nothing.

    Raises:
        Invalid: The file as a whole cannot be read.
    """
    return BillImporter(request).run()


class BillImporter(CsvImporter[_Row]):
    """One supplier's table on its way in."""

    act = "utility_bills.import"
    required = REQUIRED
    optional = OPTIONAL
    key_column = "period"

    def stands_twice(self, line: int) -> Any:
        """Two rows are of one account and month."""
        return _("This account and month are also on line %(line)s.", line=line)

    def parse(self, cells: Cells) -> _Row:
        """A bill and its account."""
        kind, number = _account(cells, self.city.catalog[SERVICE].settings)
        row = _Row(
            line=cells.line.number,
            kind=kind,
            number=number,
            holder=cells.text("holder", 60),
            address=cells.text("address", 120),
            bill={
                "period": cells.past_month("period"),
                "usage": cells.decimal("usage", 3),
                "amount": cells.money("amount", self.city.currency),
                "issued_on": cells.past_day("issued_on"),
                "due_on": cells.near_day("due_on"),
                **cells.given(cells.past_day, "paid_on"),
            },
        )
        if not cells.faulty and row.bill["due_on"] < row.bill["issued_on"]:
            cells.fault("due_on", _("A bill cannot be due before it is issued."))
        return row

    def about(self, row: _Row) -> Iterator[tuple[Any, Mapping[str, Any]]]:
        """A file gives an account one holder, however the name is padded."""
        yield row.account, {"holder": folded_name(row.holder)}

    def write(self, rows: list[_Row]) -> None:
        """Bring accounts and bills to what the rows say."""
        accounts = self._accounts(rows)
        bills = locked_bills({account.id for account in accounts.values()})
        for row in rows:
            account = accounts[row.account]
            self._write_bill(row, account, bills.get((account.id, row.bill["period"])))

    def _accounts(self, rows: list[_Row]) -> dict[tuple[str, str], UtilityAccount]:
        """The accounts of some rows, made or brought up to date, in one order for all writers."""
        query = (
            select(UtilityAccount)
            .where(UtilityAccount.number.in_({row.number for row in rows}))
            .order_by(UtilityAccount.id)
            .with_for_update()
        )
        found = {(one.kind, one.number): one for one in db.session.scalars(query)}
        last = {row.account: row for row in rows}
        for key, row in last.items():
            if key not in found:
                found[key] = UtilityAccount(
                    kind=row.kind, number=row.number, sample=self.request.sample
                )
                db.session.add(found[key])
            self._write_account(row, found[key])
        db.session.flush()
        return found

    def _write_account(self, row: _Row, account: UtilityAccount) -> None:
        before = (account.holder, account.address)
        if store_account(account, row.holder, row.address, self.now):
            self.result.holders_changed += 1
            message = _(
                "The holder has changed. Anyone who had linked this account must link it again."
            )
            self.note(row, "holder", message)
        if before != (account.holder, account.address):
            self.changed.add(row.account)

    def _write_bill(self, row: _Row, account: UtilityAccount, bill: UtilityBill | None) -> None:
        if bill is None:
            store_bill(None, account.id, row.bill)
            self.result.added += 1
            return
        before = _said(bill)
        self._note_paid(row, bill)
        store_bill(bill, account.id, row.bill)
        if before != _said(bill) or row.account in self.changed:
            self.result.changed += 1
        else:
            self.result.same += 1

    def _note_paid(self, row: _Row, bill: UtilityBill) -> None:
        """Say where a row says another thing of a bill that is paid already."""
        currency = current_city().currency
        values = {
            "paid": format_money(bill.amount, bill.currency),
            "amount": format_money(row.bill["amount"], currency),
        }
        differs = (row.bill["amount"], currency) != (bill.amount, bill.currency)
        if bill.is_paid_here and differs:
            message = _(
                "This bill was paid here with %(paid)s and stays paid. This line says %(amount)s.",
                **values,
            )
        elif bill.is_paid_here or not bill.is_paid:
            return
        elif row.bill.get("paid_on", bill.paid_on) is None:
            message = _("This bill was paid. This line makes it due again.")
        elif differs:
            message = _("This bill was paid with %(paid)s. This line says %(amount)s.", **values)
        else:
            return
        self.result.paid_differs += 1
        self.note(row, "amount", message)


def _account(reader: Cells, settings: Mapping[str, Any]) -> tuple[str, str]:
    kind, number = reader.raw("kind"), number_of(reader.raw("account_number"))
    supplier = settings["suppliers"].get(kind) if kind in settings["kinds"] else None
    if supplier is None:
        reader.wrong("kind", _("Enter one of: %(words)s.", words=", ".join(settings["kinds"])))
    elif not re.fullmatch(supplier["number"]["pattern"], number[:64]):
        reader.wrong(
            "account_number",
            _("This is not an account number of this supplier."),
            _("For example: %(example)s.", example=supplier["number"].get("example", "")),
        )
    return kind, number


def _said(bill: UtilityBill) -> tuple[Any, ...]:
    """All that a row may say of a bill."""
    return (bill.usage, bill.amount, bill.currency, bill.issued_on, bill.due_on, bill.paid_on)
