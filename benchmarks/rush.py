"""The rush: one clinic's 200 places, and two thousand people who press at the same moment, over
HTTP against the product as it is served. Every one of them is answered, and truthfully."""

from __future__ import annotations

import http.client
import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from flask import session
from flask_wtf.csrf import generate_csrf
from sqlalchemy import func, select

from benchmarks.work import _clinic, _inside
from smartcity_saas.database import db, transaction
from smartcity_saas.identity.residents.accounts import SESSION_LENGTH
from smartcity_saas.identity.residents.models import ResidentSession
from smartcity_saas.identity.tokens import new_token, token_hash
from smartcity_saas.services.hospital_appointments.models import Appointment, ClinicPlace
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.flask_app import SiteFlask

PLACES, PEOPLE, CLIENTS = 200, 2_000, 32
HOST = "hangzhou.localhost"


def rush(app: SiteFlask, port: int, environment: dict[str, str]) -> None:
    """Serve with two workers and let everyone press."""
    people = _clinic(app, "hangzhou", PEOPLE)
    clinic = people[0][3]
    with app.app_context(), tenant_context(people[0][0]), transaction() as rows:
        places = rows.scalars(select(ClinicPlace).where(ClinicPlace.session_id == clinic))
        for place in places:
            if place.number > PLACES:
                place.state = "shut"
    presses = _presses(app, people)
    server = subprocess.Popen(
        [sys.executable, "-m", "granian", "--interface", "asginl", "--factory", "--port", str(port),
         "--workers", "2", "--http", "1", "smartcity_saas.asgi:create_asgi"],
        env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait(port)
        begun = time.perf_counter()
        with ThreadPoolExecutor(CLIENTS) as pool:
            found = list(pool.map(lambda one: _press(port, clinic, one), presses))
        seconds = time.perf_counter() - begun
    finally:
        server.terminate()
        server.wait(30)
    answers = Counter(status for status, _spent in found)
    spent = sorted(one for _status, one in found)
    booked: list[int] = []
    _inside(app, lambda: _count(people[0][0], clinic, booked))
    sys.stdout.write(
        f"  {PEOPLE:,} presses on {PLACES} places in {seconds:.1f} s "
        f"({PEOPLE / seconds * 60:,.0f} a minute): {answers[302]} booked, {answers[409]} told that "
        f"it is full, {sum(answers.values()) - answers[302] - answers[409]} otherwise; "
        f"{booked[0]} appointments stored; the median waited {statistics.median(spent):.2f} s, "
        f"the last of a hundred {spent[int(len(spent) * 0.99)]:.2f} s behind {CLIENTS} at once\n"
    )


def _presses(app: SiteFlask, people: list[Any]) -> list[tuple[str, str]]:
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


def _press(port: int, clinic: Any, press: tuple[str, str]) -> tuple[int, float]:
    cookie, body = press
    begun = time.perf_counter()
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
        status = connection.getresponse().status
    finally:
        connection.close()
    return status, time.perf_counter() - begun


def _count(city_id: int, clinic: Any, into: list[int]) -> None:
    with tenant_context(city_id):
        query = select(func.count(Appointment.id)).where(Appointment.session_id == clinic)
        into.append(int(db.session.scalar(query) or 0))


def _wait(port: int) -> None:
    for _try in range(200):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/readyz", headers={"Host": HOST})
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise RuntimeError("the server did not become ready")
