"""Adding what was appended to its days: one transaction at a time, on any number of runners."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select

from smartcity_saas.clock import COMMON_ZONE, today_in
from smartcity_saas.database import db, transaction, upsert_into
from smartcity_saas.measures.counting import Measure
from smartcity_saas.measures.models import CityHour, CityMeasure, CityMeasureDay, MeasureEvent

BATCH = 2_000
EVERY = timedelta(seconds=5)
ROWS_AT_ONCE = 100
HOURS_KEPT = timedelta(days=63)
"""Nine weeks: the last eight of a weekday, and today."""
HOURLY = frozenset({Measure.BEGUN, Measure.DONE, Measure.FAILED, Measure.AMOUNT})
"""What is kept by hour as well."""

_DAY_KEY = ("city_id", "day", "service", "channel", "measure", "detail")
_HOUR_KEY = ("city_id", "day", "hour", "service", "measure", "detail")


def fold(batch: int = BATCH) -> int:
    """Add some of what was appended to its days, outside any city; returns how many rows.

    A row is added and deleted in one transaction, and held meanwhile: another runner in the same
    moment passes over it (PostgreSQL), and whoever is killed in between has done nothing.
    """
    with transaction() as session:
        rows = session.scalars(
            select(MeasureEvent)
            .order_by(MeasureEvent.id)
            .limit(batch)
            .with_for_update(skip_locked=True)
        ).all()
        if not rows:
            return 0
        _add(CityMeasure, _DAY_KEY, rows)
        note_days((row.city_id, row.day) for row in rows)
        _add(CityHour, _HOUR_KEY, [row for row in rows if row.measure in HOURLY])
        session.execute(delete(MeasureEvent).where(MeasureEvent.id.in_([row.id for row in rows])))
        for row in rows:
            session.expunge(row)
    return len(rows)


def events_waiting() -> int:
    """How many rows are not folded yet, of all cities; outside any."""
    return db.session.scalar(select(func.count()).select_from(MeasureEvent)) or 0


def fold_all() -> int:
    """Fold until nothing is left; returns how many rows."""
    done = 0
    while here := fold():
        done += here
    return done


def _add(model: Any, key: Sequence[str], rows: Iterable[MeasureEvent]) -> None:
    """Add rows to a table of sums, in the order of its key: two runners lock rows alike."""
    sums: Counter[tuple[Any, ...]] = Counter()
    for row in rows:
        sums[tuple(getattr(row, name) for name in key)] += row.value
    ordered = sorted(sums.items())
    for start in range(0, len(ordered), ROWS_AT_ONCE):
        _add_sums(
            model,
            [
                dict(zip(key, k, strict=True), value=v)
                for k, v in ordered[start : start + ROWS_AT_ONCE]
            ],
        )


def _add_sums(model: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add to some rows of sums, or make them: as many as one statement takes."""
    statement = upsert_into(model).values(list(rows))
    db.session.execute(
        statement.on_conflict_do_update(
            index_elements=[column.name for column in model.__table__.primary_key],
            set_={"value": model.value + statement.excluded.value},
        )
    )


def note_days(days: Iterable[tuple[int, date]]) -> None:
    """Note that some cities' days are added to, in the transaction that does so: whoever writes to
    ``CityMeasure`` says which, or an export of that day would go on passing for the whole of it."""
    ordered = sorted(set(days))
    for start in range(0, len(ordered), ROWS_AT_ONCE):
        statement = upsert_into(CityMeasureDay).values(
            [
                {"city_id": city_id, "day": day, "version": 1}
                for city_id, day in ordered[start : start + ROWS_AT_ONCE]
            ]
        )
        db.session.execute(
            statement.on_conflict_do_update(
                index_elements=["city_id", "day"], set_={"version": CityMeasureDay.version + 1}
            )
        )


class FoldMeasures:
    """Folds every few seconds, and once a day forgets hours that nobody compares any more."""

    def __init__(self) -> None:
        self._next: datetime | None = None
        self._day: date | None = None

    def __call__(self, now: datetime) -> None:
        """Do what is due now, outside any city."""
        if self._next is not None and now < self._next:
            return
        left = fold() == BATCH
        self._next = now if left else now + EVERY
        today = today_in(COMMON_ZONE, now)
        if self._day != today:
            forget_hours(today - HOURS_KEPT)
            self._day = today


def forget_hours(before: date) -> None:
    """Delete the hours of days before one, of all cities; their days stay."""
    with transaction() as session:
        session.execute(delete(CityHour).where(CityHour.day < before))
