"""Rate limit and idempotency of API calls.

An ``Idempotency-Key`` (draft-ietf-httpapi-idempotency-key-header) belongs to whoever sends it, in
one city, for a day. The same key with another body is refused; while the first is still being done,
the second is told so.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from flask import Response, current_app, g, request
from flask_babel import lazy_gettext as _
from sqlalchemy import delete, select, update

from smartcity_saas.addresses import network_of
from smartcity_saas.database import insert_once, transaction
from smartcity_saas.errors import Conflict, Invalid, Throttled
from smartcity_saas.identity.api_clients.call_limits import count_call
from smartcity_saas.identity.api_clients.clients import SignedInClient
from smartcity_saas.identity.api_clients.models import ApiAnswer
from smartcity_saas.identity.rate_limits import RateLimit
from smartcity_saas.identity.residents.accounts import SignedInResident

MINUTE = timedelta(minutes=1)
LIMITS = {"client": 600, "resident": 240, "address": 120}
"""Calls a minute: of a client, of a resident, of an address that is nobody."""
KEPT = timedelta(hours=24)
HELD = timedelta(minutes=1)
LONGEST_KEY = 200
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
REPLAYED = "Idempotency-Replayed"


def owner_of(client: SignedInClient | None, resident: SignedInResident | None) -> str:
    """Whose a call is."""
    if client is not None:
        return f"client:{client.client_id}"
    return f"resident:{resident.id}" if resident else f"address:{network_of(request.remote_addr)}"


def count_request(owner: str, now: datetime) -> None:
    """Count a call.

    Raises:
        Throttled: There were too many within the minute.
    """
    limits = current_app.config.get("API_LIMITS", LIMITS)
    most = limits[owner.partition(":")[0]]
    try:
        g.allowance = count_call(f"api:{owner}", most, now, MINUTE)
    except Throttled as error:
        g.allowance = RateLimit(most, 0, error.retry_after)
        raise


def replayed_answer(owner: str, now: datetime) -> Response | None:
    """The answer that the present write's key had before; None if it is new, or has no key.

    Raises:
        Conflict: The first one is still being done.
        Invalid: The key was used for something else, or is none.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None or request.method not in WRITES:
        return None
    if not 1 <= len(key) <= LONGEST_KEY or not key.isprintable():
        raise Invalid(_("An Idempotency-Key must have 1 to 200 visible characters."))
    mark = hashlib.sha256(
        f"{request.method} {request.path}\n".encode() + request.get_data(cache=True)
    ).hexdigest()
    with transaction() as session:
        session.execute(delete(ApiAnswer).where(ApiAnswer.expires_at <= now))
        made = insert_once(
            ApiAnswer,
            ("owner", "key"),
            owner=owner,
            key=key,
            mark=mark,
            body="",
            held_until=now + HELD,
            expires_at=now + KEPT,
        )
        row = session.scalars(
            select(ApiAnswer)
            .where(ApiAnswer.owner == owner, ApiAnswer.key == key)
            .with_for_update()
        ).one()
        if made is None and row.mark == mark and row.status is None and row.held_until <= now:
            row.held_until, made = now + HELD, row.id  # whoever did it has died
    if row.mark != mark:
        raise Invalid(_("This Idempotency-Key was used for another request. Use a new one."))
    if made is not None:
        g.api_answer = row.id
        return None
    if row.status is None:
        raise Conflict(_("The same request is still being processed. Try again in a moment."))
    response = Response(row.body, row.status, content_type="application/json")
    response.headers[REPLAYED] = "true"
    return response


def keep_answer(response: Response) -> Response:
    """Say how many calls are left, and keep the answer to a write with a key."""
    allowance: RateLimit | None = g.pop("allowance", None)
    if allowance is not None:
        response.headers["RateLimit-Limit"] = str(allowance.most)
        response.headers["RateLimit-Remaining"] = str(allowance.left)
        response.headers["RateLimit-Reset"] = str(allowance.reset)
    answer_id = g.pop("api_answer", None)
    if answer_id is None:
        return response
    with transaction() as session:
        if response.status_code < 300 and not g.get("secret_answer"):
            session.execute(
                update(ApiAnswer)
                .where(ApiAnswer.id == answer_id)
                .values(status=response.status_code, body=response.get_data(as_text=True))
            )
        else:  # what was refused may be sent again, mended; a secret is kept nowhere
            session.execute(delete(ApiAnswer).where(ApiAnswer.id == answer_id))
    return response
