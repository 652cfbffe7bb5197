"""What must hold after a trial, asked of the database as its superuser."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress

import psycopg

from tests.support.fault_trials.people import Told
from tests.support.fault_trials.processes import COMMAND

PATIENCE = 240
"""Seconds in which what is due must be done once everything works again."""
ONE_EACH = {
    "a place with two appointments": (
        "SELECT place_id FROM appointment WHERE state = 'booked' GROUP BY 1 HAVING count(*) > 1"
    ),
    "a patient with two appointments": (
        "SELECT patient_id FROM appointment WHERE state = 'booked' GROUP BY 1 HAVING count(*) > 1"
    ),
    "a taken place that nobody has": (
        "SELECT id FROM clinic_place p WHERE state = 'taken' AND NOT EXISTS"
        " (SELECT FROM appointment a WHERE a.place_id = p.id AND a.state = 'booked')"
    ),
    "a payment that was posted twice": (
        "SELECT payment_id FROM ledger_entry WHERE credit LIKE 'service:%' GROUP BY 1 HAVING count(*) > 1"
    ),
    "a paid payment that was not posted": (
        "SELECT id FROM payment p WHERE state = 'paid' AND NOT EXISTS"
        " (SELECT FROM ledger_entry l WHERE l.payment_id = p.id)"
    ),
    "a posting of another amount than its payment's": (
        "SELECT l.key FROM ledger_entry l JOIN payment p ON p.city_id = l.city_id AND p.id = l.payment_id"
        " WHERE l.credit LIKE 'service:%' AND (l.amount, l.currency) <> (p.amount, p.currency)"
    ),
    "a bill of a back office that nobody could have believed": (
        "SELECT b.id FROM utility_bill b JOIN document d ON d.id = b.city_id AND d.name = 'ningbo'"
        " WHERE b.amount <> 4350"
    ),
    "an account that is there twice": (
        "SELECT number FROM utility_account GROUP BY city_id, kind, number HAVING count(*) > 1"
    ),
    "a booking that was counted twice, or never": (
        "SELECT counted || ' counted, ' || booked || ' booked' FROM"
        " (SELECT (SELECT coalesce(sum(value), 0) FROM city_measure WHERE service = 'hospital_appointments'"
        " AND measure = 'done')"
        " + (SELECT coalesce(sum(value), 0) FROM measure_event WHERE service = 'hospital_appointments'"
        " AND measure = 'done') AS counted, (SELECT count(*) FROM appointment) AS booked) both_of_them"
        " WHERE counted <> booked"
    ),
    "a task that was given up": "SELECT id FROM outbox_task WHERE failed_at IS NOT NULL",
}
CHAINS = ("hangzhou", "ningbo", "province:zhejiang", "platform")
DUE = (
    "SELECT count(*) FROM city_due d JOIN outbox_task t ON t.city_id = d.city_id AND t.id = d.task_id"
    " WHERE t.done_at IS NULL AND t.failed_at IS NULL AND (d.due_at <= now() OR t.leased_until > now())"
)
"""A task whose worker was killed is due again when its lease is over."""


def wait_until_done(superuser: str) -> bool:
    """Whether all that was due was done in time."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if not _rows(superuser, DUE)[0]:
            return True
        time.sleep(0.5)
    return False


def broken_promises(superuser: str, told: Told) -> list[str]:
    """Each in a line: what was told and is not there, what is there twice, what was not done."""
    found = [
        f"{name}: {row}" for name, query in ONE_EACH.items() for row in _rows(superuser, query)
    ]
    booked = set(
        map(str, _rows(superuser, "SELECT patient_id FROM appointment WHERE state = 'booked'"))
    )
    paid = set(map(str, _rows(superuser, "SELECT id FROM utility_bill WHERE paid_on IS NOT NULL")))
    found += [
        f"told of a place that is not there: {one}" for one in told.booked if one not in booked
    ]
    stored = set(map(str, _rows(superuser, "SELECT number FROM utility_account")))
    found += [f"told of money that did not count: {one}" for one in told.paid if one not in paid]
    found += [
        f"told of a bill that is not there: {one}" for one in told.stored if one not in stored
    ]
    return found


def broken_chains(env: Mapping[str, str]) -> list[str]:
    """Each chain of the audit log that is not whole, as ``smartcity audit verify`` finds it."""
    found = []
    for name in CHAINS:
        done = subprocess.run(
            [*COMMAND, "audit", "verify", name],
            env=dict(env),
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            found.append(f"the audit log of {name}: {done.stdout[-300:]} {done.stderr[-300:]}")
    return found


def is_at_work(superuser: str, name: str) -> bool:
    """Whether a process of this name says that it lives."""
    with suppress(psycopg.OperationalError):
        known = _rows(superuser, "SELECT name FROM runner_process")
        return name in known
    return False


def _rows(superuser: str, query: str) -> list[object]:
    with psycopg.connect(superuser.replace("+psycopg", "")) as connection:
        return [row[0] for row in connection.execute(query)]  # type: ignore[arg-type]
