"""The rush: people who press at the same moment, over HTTP against the product as it is served.
Every one of them is answered, and truthfully. The clients run on the same cores as the server."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import session
from flask_wtf.csrf import generate_csrf
from sqlalchemy import func, select, update

from benchmarks.table import absolute
from benchmarks.work import Booker, clinic_of, inside
from smartcity_saas.database import db, transaction
from smartcity_saas.identity.residents.accounts import SESSION_LENGTH
from smartcity_saas.identity.residents.models import ResidentSession
from smartcity_saas.identity.tokens import new_token, token_hash
from smartcity_saas.services.hospital_appointments.models import Appointment, ClinicPlace
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.flask_app import SiteFlask

WARM, BOOKINGS = 100, 1_000
PACE = 5_000
"""Presses a minute at which the aim's 95th percentile is asked for. Clients that press again at once wait for
each other instead: 32 of them at 5,000 a minute wait 384 ms in the mean, whatever a booking takes (Little's law).
"""
PLACES, PEOPLE, LATE, CLIENTS = 200, 1_000, 500, 32
HOST = "hangzhou.localhost"


def rush(app: SiteFlask, port: int, environment: dict[str, str]) -> None:
    """Two workers; a clinic with a place for everyone, one with few, and then nothing but refusals."""
    booked = clinic_of(app, "hangzhou", WARM + BOOKINGS)
    paced = clinic_of(app, "hangzhou", BOOKINGS)
    hot = clinic_of(app, "hangzhou", PEOPLE + LATE)
    _shut(app, hot, PLACES)
    with _served(port, environment) as server:
        _crowd(app, port, booked[:WARM])
        _tell("bookings into one clinic", app, booked[WARM:], _crowd(app, port, booked[WARM:]))
        _tell(f"bookings at {PACE:,} a minute", app, paced, _crowd(app, port, paced, PACE / 60))
        _tell(f"presses on {PLACES} places", app, hot[:PEOPLE], _crowd(app, port, hot[:PEOPLE]))
        before = _cpu_seconds(server)
        refused = _crowd(app, port, hot[PEOPLE:])
        spent = (_cpu_seconds(server) - before) / LATE
    assert {status for status, _seconds in refused.answers} == {409}
    absolute("told that it is full, CPU of the server", [spent * 1000], "ms", "≤ 2 ms")


@dataclass(frozen=True)
class Crowd:
    """What became of presses: the status of each and the seconds that it waited, and all in seconds."""

    answers: list[tuple[int, float]]
    seconds: float


def _tell(name: str, app: SiteFlask, people: list[Booker], crowd: Crowd) -> None:
    """A crowd's rows: its rate, how long it waited, and that everyone was told the truth."""
    found = Counter(status for status, _seconds in crowd.answers)
    waited = sorted(seconds for _status, seconds in crowd.answers)
    stored: list[int] = []
    inside(app, lambda: stored.append(_stored(people)))
    over = f"{name}, over HTTP, {CLIENTS} clients"
    absolute(over, [len(people) / crowd.seconds * 60], "per minute", "≥ 5,000")
    absolute(f"{over}, 95th percentile", [waited[int(len(waited) * 0.95)] * 1000], "ms", "≤ 250 ms")
    wrong = sum(count for status, count in found.items() if status not in (302, 409))
    absolute(f"{over}, other answers", [wrong], "times", "0")
    absolute(f"{over}, places told but not stored", [abs(found[302] - stored[0])], "times", "0")


def _shut(app: SiteFlask, people: list[Booker], places: int) -> None:
    """Leave some places of a clinic."""
    with app.app_context(), tenant_context(people[0][0]), transaction() as rows:
        beyond = (ClinicPlace.session_id == people[0][3]) & (ClinicPlace.number > places)
        rows.execute(update(ClinicPlace).where(beyond).values(state="shut"))


@contextmanager
def _served(port: int, environment: dict[str, str]) -> Iterator[int]:
    """The product as it is served; the server's process."""
    server = subprocess.Popen(
        [sys.executable, "-m", "granian", "--interface", "asginl", "--factory", "--port", str(port),
         "--workers", "2", "--http", "1", "smartcity_saas.asgi:create_asgi"],
        env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait(port)
        yield server.pid
    finally:
        server.terminate()
        server.wait(30)


def _cpu_seconds(server: int) -> float:
    """What the server and its workers have taken since they began."""
    ticks = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (folder / "stat").read_text().rpartition(")")[2].split()
            if server in (int(folder.name), int(words[1])):
                ticks += int(words[11]) + int(words[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _crowd(app: SiteFlask, port: int, people: list[Booker], pace: float | None = None) -> Crowd:
    """Everyone presses, so many at once: as soon as a client is free, or at a pace.

    Args:
        app: For the presses' cookies and forms.
        port: Where the product is served.
        people: Who presses.
        pace: Presses a second; each waits from the moment at which it was due, whether a client was free
            then or not. None for no pause.
    """
    presses, clinic = _presses(app, people), people[0][3]
    begun = time.perf_counter()

    def press(numbered: tuple[int, tuple[str, str]]) -> tuple[int, float]:
        number, one = numbered
        due = time.perf_counter() if pace is None else begun + number / pace
        time.sleep(max(0.0, due - time.perf_counter()))
        status = _press(port, clinic, one)
        return status, time.perf_counter() - due

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(press, enumerate(presses)))
    return Crowd(answers, time.perf_counter() - begun)


def _presses(app: SiteFlask, people: list[Booker]) -> list[tuple[str, str]]:
    """Each person's cookie and the form that they send."""
    now = datetime.now(UTC)
    tokens = [new_token() for _person in people]
    with app.app_context(), tenant_context(people[0][0]), transaction() as rows:
        rows.add_all(
            ResidentSession(
                token_hash=token_hash(token),
                resident_id=one[1].id,
                created_at=now,
                expires_at=now + SESSION_LENGTH,
            )
            for token, one in zip(tokens, people, strict=True)
        )
    with app.test_request_context("/", base_url=f"http://{HOST}"):
        form_token = generate_csrf()
        mark = session["csrf_token"]
        serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
        return [
            (
                f"session={serializer.dumps({'resident': token, 'csrf_token': mark})}",
                urlencode({"csrf_token": form_token, "patient": str(one[2])}),
            )
            for token, one in zip(tokens, people, strict=True)
        ]


def _press(port: int, clinic: Any, press: tuple[str, str]) -> int:
    cookie, body = press
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request(
            "POST",
            f"/services/hospital-appointments/sessions/{clinic}/book",
            body,
            {
                "Host": HOST,
                "Cookie": cookie,
                "Content-Type": "application/x-www-form-urlencoded",
            },
        )
        return connection.getresponse().status
    finally:
        connection.close()


def _stored(people: list[Booker]) -> int:
    with tenant_context(people[0][0]):
        query = select(func.count(Appointment.id)).where(
            Appointment.session_id == people[0][3],
            Appointment.patient_id.in_([one[2] for one in people]),
        )
        return int(db.session.scalar(query) or 0)


def _wait(port: int) -> None:
    for _try in range(1_000):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/readyz", headers={"Host": HOST})
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise RuntimeError("the server did not become ready")
