"""Counting what happens in the current city, in the transaction of its cause."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from flask import g, has_request_context
from flask.globals import app_ctx
from sqlalchemy import insert

from smartcity_saas.clock import local_time, today_in
from smartcity_saas.database import insert_rows, table_of, transaction
from smartcity_saas.measures.buckets import bucket_of
from smartcity_saas.measures.models import MeasureEvent
from smartcity_saas.tenancy.current import current_city

NO_CHANNEL = "none"
OUTAGE_MINUTES = 5
"""An outage is counted in spans of this many minutes; a failure in one makes it a span without answer."""
_APPEND = insert(table_of(MeasureEvent)).inline()  # nobody asks for the keys


class Measure(StrEnum):
    """What is counted.

    ``begun``: an act began. ``done``: it ended as it should; ``late`` counts those of them that did
    not keep the time that was promised. ``failed`` ended without result by no choice of the
    resident's, ``called_off`` by theirs. ``refused`` did not begin; ``detail`` says why, a word of
    the service's own list. ``amount`` is money that came in, in minor units, by currency (refunds
    below zero). ``wait`` is a waiting time by its bucket (``buckets.BOUNDS``). ``rating`` is an
    answer to "how was it", 1 to 5; ``not_solved`` and ``reopened`` belong to it. ``call_failed``
    counts calls of a back office that failed, ``outage`` its spans of five minutes without answer
    (``detail`` is when the span began); ``data_age`` is how old the data was that residents were
    shown then, by bucket. ``offered`` says that the service was open that day, so that a day
    without acts is a zero and any other is missing. ``sign_in`` is of no service.
    """

    BEGUN = "begun"
    DONE = "done"
    LATE = "late"
    FAILED = "failed"
    CALLED_OFF = "called_off"
    REFUSED = "refused"
    AMOUNT = "amount"
    WAIT = "wait"
    RATING = "rating"
    NOT_SOLVED = "not_solved"
    REOPENED = "reopened"
    CALL_FAILED = "call_failed"
    OUTAGE = "outage"
    DATA_AGE = "data_age"
    OFFERED = "offered"
    SIGN_IN = "sign_in"


@dataclass(frozen=True)
class Count:
    """One thing to count. ``channel`` is the present request's by default."""

    service: str
    measure: Measure
    detail: str = ""
    value: int = 1
    channel: str | None = None


def count(
    service: str,
    measure: Measure,
    now: datetime,
    *,
    detail: str = "",
    value: int = 1,
    waited: timedelta | None = None,
    channel: str | None = None,
    at_once: bool = False,
) -> None:
    """Count one thing done in the current city, and how long it took, in one trip.

    Args:
        service: In which service; empty for none.
        measure: What.
        now: The time; it belongs to the city's own day and hour.
        detail: A word of a short list. Never anything of a person.
        value: How many, or minor units of money.
        waited: How long the resident waited for it.
        channel: How they came in; that of the present request by default.
        at_once: It began by that as well: ``begun`` is counted with it.
    """
    counts = [Count(service, measure, detail, value, channel)]
    if at_once:
        counts.append(Count(service, Measure.BEGUN, "", 1, channel))
    if waited is not None:
        counts.append(waiting(service, waited, channel))
    count_all(counts, now)


def waiting(service: str, waited: timedelta, channel: str | None = None) -> Count:
    """How long a resident waited for something of a service, as what is counted."""
    return Count(service, Measure.WAIT, bucket_of(waited.total_seconds()), 1, channel)


def count_all(counts: Iterable[Count], now: datetime) -> None:
    """Count several things at once, in one trip to the database."""
    zone = current_city().timezone
    day, hour = today_in(zone, now), local_time(now, zone).hour
    rows = [
        {
            "day": day,
            "hour": hour,
            "service": one.service,
            "channel": one.channel or _channel(),
            "measure": one.measure.value,
            "detail": one.detail,
            "value": one.value,
        }
        for one in counts
    ]
    if rows:
        with transaction():
            insert_rows(_APPEND, rows)


REFUSALS = {
    403: "not_allowed",
    409: "conflict",
    422: "bad_input",
    429: "too_many_tries",
    502: "provider_unreachable",
    503: "unavailable",
}
"""Why something was refused, by the status of the answer that told it: the bounded list."""
FINER_REFUSALS = frozenset({"full"})
"""What a service may say instead, where a status says too little."""


def note_refusal(reason: str) -> None:
    """Say more exactly why the present request is about to be refused.

    Raises:
        ValueError: ``reason`` is none of ``FINER_REFUSALS``: what is counted stays bounded.
    """
    if reason not in FINER_REFUSALS:
        raise ValueError(f"{reason!r} is no reason of the list")
    if has_request_context():
        g.measured_refusal = reason


def count_refused(service: str, status: int, now: datetime) -> None:
    """Count new business that the present request was refused, after its transaction is over.

    Args:
        service: Which was asked for.
        status: The HTTP status of the answer; one that refuses nothing is not counted.
        now: The time.
    """
    reason = REFUSALS.get(status)
    if reason is not None:
        count(service, Measure.REFUSED, now, detail=g.get("measured_refusal", reason))


def count_rating(
    service: str, level: int, now: datetime, *, not_solved: bool = False, reopened: bool = False
) -> None:
    """Count a resident's answer to "how was it", in the transaction that keeps it.

    Args:
        service: What was rated.
        level: 5 (very satisfied) to 1 (very dissatisfied).
        now: The time.
        not_solved: The resident says that the matter is not solved.
        reopened: It was opened again for that.

    Raises:
        ValueError: There is no such level.
    """
    if level not in range(1, 6):
        raise ValueError(f"a rating is 1 to 5, not {level}")
    counts = [Count(service, Measure.RATING, str(level))]
    if not_solved:
        counts.append(Count(service, Measure.NOT_SOLVED))
    if reopened:
        counts.append(Count(service, Measure.REOPENED))
    count_all(counts, now)


def count_offered(now: datetime) -> None:
    """Note which services the current city offers today: a day on which nothing was done is a zero
    then, and any other is missing. Done again on the same day it changes nothing that is told."""
    open_now = [name for name, entry in current_city().catalog.items() if entry.is_open]
    count_all([Count(name, Measure.OFFERED) for name in open_now], now)


class Outage(StrEnum):
    """Why a back office gave no answer that could be used."""

    NO_ANSWER = "no_answer"
    REFUSED = "refused"
    CREDENTIAL = "credential"


def count_outage(service: str, now: datetime, reason: Outage, age: timedelta | None = None) -> None:
    """Count a call of a back office that failed, and the span of five minutes without answer.

    Args:
        service: Whose back office.
        now: The time.
        reason: Why, a word of a bounded list.
        age: How old the data is that residents are shown instead.
    """
    local = local_time(now, current_city().timezone)
    began = local.minute - local.minute % OUTAGE_MINUTES
    counts = [
        Count(service, Measure.CALL_FAILED, reason.value),
        Count(service, Measure.OUTAGE, f"{local.hour:02}:{began:02}"),
    ]
    if age is not None:
        counts.append(Count(service, Measure.DATA_AGE, bucket_of(age.total_seconds())))
    count_all(counts, now)


def in_channel(name: Callable[[], str]) -> None:
    """Say what tells how the present request came in (``web``, an app's channel, ``api``,
    ``counter``); it is asked when something is counted."""
    g.measured_channel = name


def _channel() -> str:
    name: Callable[[], str] | None = g.get("measured_channel") if app_ctx else None
    return name() if name is not None else NO_CHANNEL
