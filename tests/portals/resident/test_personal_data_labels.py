"""My data, in people's words: every column of every table that belongs to a resident."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from flask_babel import force_locale
from sqlalchemy import JSON, BigInteger, Boolean, Date, DateTime, Integer, inspect

from smartcity_saas.audit import CityAuditEvent
from smartcity_saas.identity.personal_data.declaration import AUDIT_LOG, SUMS, PersonalData
from smartcity_saas.identity.personal_data.records import personal_models
from smartcity_saas.portals.resident.personal_data_labels import said
from tests.support.world import World

CODED = re.compile(r"(^|_)(state|status|kind|relation|channel|assurance|purpose|clinic|half)$")
CODE = re.compile(r"\b[a-z]+(_[a-z]+)+\b|\d{4}-\d{2}|T\d{2}:|\bNone\b|\{|\[")


def column_of(model: Any, path: str) -> Any:
    """The column that a path of ``shown`` leads to; None for a property."""
    *steps, name = path.split(".")
    for step in steps:
        model = inspect(model).relationships[step].mapper.class_
    return inspect(model).columns.get(name)


def samples(held: PersonalData, path: str, column: Any) -> list[Any]:
    """Values that a column may hold."""
    if path in held.words:
        return [*held.words[path]]
    kind = None if column is None else column.type
    if isinstance(kind, Boolean):
        return [True, False]
    if isinstance(kind, DateTime) or kind.__class__.__name__ == "Timestamp":
        return [datetime(2026, 12, 31, 17, 5, tzinfo=UTC)]
    if isinstance(kind, Date):
        return [date(2026, 2, 1)]
    if isinstance(kind, (Integer, BigInteger)):
        return [4350]
    if isinstance(kind, JSON):
        return [{"zh": "样例", "en": "Sample"}]
    special = {
        "service": ["utility_bills", "traffic_tickets"],
        "page": ["me.data"],
        "actor": ["staff:sample"],
    }
    return special.get(path, ["样例 Sample 12"])


def rows(held: PersonalData, model: Any) -> list[tuple[str, Any, Any]]:
    """Each shown column with its type and a row that holds each value that it may."""
    found = []
    for path in held.shown:
        column = column_of(model, path)
        for value in samples(held, path, column):
            inner: Any = value
            for step in reversed(path.split(".")):
                inner = SimpleNamespace(**{"currency": "CNY", "reason": "", step: inner})
            found.append((path, column, inner))
    return found


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_column_is_said_in_words(world: World, language: str) -> None:
    """Promise, over every table and column that the page shows: money with its sign, dates as
    people write them in the city's zone, codes and names of the program in the reader's words."""
    tables = [(model, model.personal_data) for model in personal_models()]  # type: ignore[attr-defined]
    seen = 0
    with (
        world.app.test_request_context("/", base_url="http://hangzhou.localhost"),
        force_locale(language),
    ):
        for model, held in [*tables, (CityAuditEvent, AUDIT_LOG)]:
            for path, column, row in rows(held, model):
                if path in ("action", "page"):
                    continue  # in the words of the audit log, which has its own test
                text = said(held, row, path)
                where = f"{model.__name__}.{path}: {text}"
                assert text, where
                assert not CODE.search(text), where
                if column is not None and isinstance(column.type, (Integer, BigInteger)):
                    money = path.rpartition(".")[2] in SUMS
                    assert text == ("¥43.50" if money else "4350"), where
                if isinstance(getattr(row, path, None), datetime):
                    assert "2027" in text, f"{where}: not the city's day"
                if CODED.search(path):
                    assert path in held.words, f"{where}: say what its codes mean"
                seen += 1
    assert seen > 60


def test_the_page_speaks_of_what_is_linked(world: World) -> None:
    """Promise: a title or label names no minor unit and no unit of the program."""
    assert len(personal_models()) > 10
    for model in personal_models():
        held: PersonalData = model.personal_data  # type: ignore[attr-defined]
        for label in (held.title, *held.shown.values()):
            assert "分）" not in label["zh"]
            assert "minor" not in label["en"]


def test_a_persons_name_is_called_so() -> None:
    """Promise: what a person is called stands under 姓名; 名称 is what they call a thing."""
    found = {
        (model.__tablename__, column): words["zh"]
        for model in personal_models()
        for column, words in model.personal_data.shown.items()
        if column.rpartition(".")[2] in {"name", "real_name", "nickname"}
    }
    things = {key for key, words in found.items() if words == "名称"}
    assert things == {("utility_link", "nickname")}
