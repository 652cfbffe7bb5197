"""Bookings and taken webhooks in bare SQL: psycopg, and no more than the statements that write."""

from __future__ import annotations

import hashlib
import json
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Self

import psycopg
import uuid_utils.compat


class Connections:
    """One connection a thread."""

    def __init__(self, url: str) -> None:
        self.url = url.replace("+psycopg", "")
        self.local = threading.local()
        self.made: list[psycopg.Connection[Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        for connection in self.made:
            connection.close()

    def mine(self) -> psycopg.Connection[Any]:
        """The present thread's own."""
        if not hasattr(self.local, "connection"):
            self.local.connection = psycopg.connect(self.url)
            self.made.append(self.local.connection)
        found: psycopg.Connection[Any] = self.local.connection
        return found


def book_in_sql(pool: Connections, one: Any) -> None:
    """A booking with all that the product writes of one: place, appointment, counts, the resident's
    message, the act and its link in the city's audit log."""

    def rest(connection: psycopg.Connection[Any], appointment: uuid.UUID) -> None:
        _count(connection, one[0])
        _tell(connection, one[0], one[1].id, appointment)
        _note(connection, one[0], appointment)

    book_bare(pool, one, rest)


def book_bare(
    pool: Connections,
    one: Any,
    rest: Callable[[psycopg.Connection[Any], uuid.UUID], object] = lambda connection, key: None,
) -> None:
    """The least that a booking is: hold the patient, take a place, write the appointment. ``rest`` is
    done in the same transaction before its end."""
    city_id, resident, patient_id, session_id = one
    connection = pool.mine()
    connection.execute(f"SET LOCAL app.city_id = '{int(city_id)}'")
    connection.execute(
        "SELECT id FROM patient WHERE city_id = %s AND id = %s FOR UPDATE", (city_id, patient_id)
    )
    row = connection.execute(
        "UPDATE clinic_place SET state = 'taken' WHERE city_id = %s AND id = (SELECT id"
        " FROM clinic_place WHERE city_id = %s AND session_id = %s AND state = 'free'"
        " ORDER BY starts_at, number LIMIT 1 FOR UPDATE SKIP LOCKED)"
        " RETURNING id, number, starts_at",
        (city_id, city_id, session_id),
    ).fetchone()
    assert row is not None
    place_id, number, starts_at = row
    key = uuid_utils.compat.uuid7()
    connection.execute(
        "INSERT INTO appointment (city_id, id, place_id, session_id, patient_id, resident_id,"
        " number, starts_at, code, state, booked_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, 'booked', now())",
        (city_id, key, place_id, session_id, patient_id, resident.id, number, starts_at, str(key)),
    )
    rest(connection, key)
    connection.commit()


def take_event_bare(pool: Connections, city_id: int) -> None:
    """The least that taking an event is: keep it, write a task and when it is due, which is after the
    run: no runner of the product is to stumble over it."""
    connection, key = pool.mine(), uuid_utils.compat.uuid7()
    connection.execute(f"SET LOCAL app.city_id = '{int(city_id)}'")
    connection.execute(
        "INSERT INTO provider_event (city_id, id, provider, event_id, type, received_at)"
        " VALUES (%s, %s, 'bare', %s, 'x', now())",
        (city_id, key, str(key)),
    )
    connection.execute(
        "INSERT INTO outbox_task (city_id, id, kind, key, payload, created_at, attempts)"
        " VALUES (%s, %s, 'bare', %s, '{}', now(), 0)",
        (city_id, key, str(key)),
    )
    connection.execute(
        "INSERT INTO city_due (city_id, task_id, due_at) VALUES (%s, %s, now() + interval '1 day')",
        (city_id, key),
    )
    connection.commit()


def _count(connection: psycopg.Connection[Any], city_id: int) -> None:
    row = "(%s, current_date, 9, 'hospital_appointments', 'web', %s, %s, 1)"
    connection.execute(
        "INSERT INTO measure_event (city_id, day, hour, service, channel, measure, detail, value)"
        f" VALUES {row}, {row}, {row}",
        (city_id, "done", "", city_id, "begun", "", city_id, "wait", "604800"),
    )


def _tell(
    connection: psycopg.Connection[Any], city_id: int, resident: uuid.UUID, appointment: uuid.UUID
) -> None:
    text = json.dumps({"zh": "已预约", "en": "Booked"})
    path = f"/services/hospital-appointments/appointments/{appointment}"
    connection.execute(
        "INSERT INTO message (city_id, id, resident_id, key, title, body, path, created_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, now())",
        (city_id, uuid_utils.compat.uuid7(), resident, f"x:{appointment}", text, text, path),
    )


def _note(connection: psycopg.Connection[Any], city_id: int, appointment: uuid.UUID) -> None:
    """The act, linked to the one before it, and the head of the chain moved to it."""
    number, previous = connection.execute(
        "SELECT number, hash FROM audit_head WHERE city_id = %s FOR UPDATE", (city_id,)
    ).fetchone() or (0, "")
    act = uuid_utils.compat.uuid7()
    linked = hashlib.sha256(f"{previous}{act}{appointment}".encode()).hexdigest()
    connection.execute(
        "INSERT INTO city_audit_event (city_id, id, reason, at, actor, action, subject, detail,"
        " origin, number, previous, hash)"
        " VALUES (%s, %s, '', %s, 'x', 'book', %s, '{}', 'x', %s, %s, %s)",
        (city_id, act, datetime.now(UTC), str(appointment), number + 1, previous, linked),
    )
    connection.execute(
        "UPDATE audit_head SET number = %s, hash = %s WHERE city_id = %s",
        (number + 1, linked, city_id),
    )
