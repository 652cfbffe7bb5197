"""What is held of a resident, in people's words: one formatter for every column of every table."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from operator import attrgetter
from typing import Any

from flask_babel import gettext, pgettext

from smartcity_saas.identity.personal_data.declaration import MONTHS, SUMS, PersonalData
from smartcity_saas.identity.personal_data.records import PersonalRecord, opened
from smartcity_saas.portals.change_labels import access_label, act_label
from smartcity_saas.tenancy.city_services import city_service
from smartcity_saas.tenancy.current import request_city
from smartcity_saas.web.formats import full_day, full_moment, month_of_year
from smartcity_saas.web.languages import local
from smartcity_saas.web.money import format_money


def rows_in_words(record: PersonalRecord, now: datetime, most: int) -> list[list[tuple[str, str]]]:
    """A kind's first rows, each as pairs of what a column is called and what it says, with what is
    sealed in the row, masked. The names are read once for all of its rows."""
    declared = record.declaration
    labels = {column: local(label) for column, label in declared.shown.items()}
    sealed = {"real_name": pgettext("person", "Name"), "number": gettext("ID number")}
    found = []
    for row in record.rows[:most]:
        words = [
            (label, value)
            for column, label in labels.items()
            if (value := said(declared, row, column)) is not None
        ]
        masked = opened(record.model, row, now, masked=True).items()
        found.append([*words, *((sealed[name], value) for name, value in masked)])
    return found


def said(declared: PersonalData, row: Any, column: str) -> str | None:
    """What a column of a row says, in the reader's language; None where it says nothing.

    Args:
        declared: The declaration of the row's table.
        row: The row.
        column: A column that the table shows, or a path to one of a row that it refers to.
    """
    value = declared.word(column, attrgetter(column)(row))
    name = column.rpartition(".")[2]
    if value is None or value == "":
        return None
    if name in _IN_WORDS:
        return str(_IN_WORDS[name](value, row))
    if name in SUMS:
        return format_money(value, _currency(row))
    if name in MONTHS:
        return str(month_of_year(value))
    return _by_type(value)


def _by_type(value: Any) -> str:
    if isinstance(value, bool):
        return str(gettext("yes") if value else gettext("no"))
    if isinstance(value, datetime):
        return full_moment(value, request_city().timezone)
    if isinstance(value, date):
        return full_day(value)
    if isinstance(value, Mapping):
        return str(local(value))
    if isinstance(value, (list, tuple)):
        return "、".join(_by_type(one) for one in value)
    return str(value)


def _currency(row: Any) -> str:
    """A sum's currency: the row's own, else the city's."""
    return str(getattr(row, "currency", None) or request_city().currency)


def _service(name: str, row: Any) -> str:
    service = city_service(request_city(), name)
    return local(service.title) if service else name


_IN_WORDS = {
    "action": lambda value, row: act_label(value),
    "page": lambda value, row: access_label(row),
    "actor": lambda value, row: str(value).partition(":")[2],
    "service": _service,
}
