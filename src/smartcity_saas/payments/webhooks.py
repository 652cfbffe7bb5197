"""Webhooks: the signature is checked, the event kept once, and what it is about is looked at."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, Select, bindparam, select

from smartcity_saas.configuration.city import City
from smartcity_saas.database import (
    CITY,
    db,
    insert_once,
    load,
    run,
    send_together,
    table_of,
    transaction,
)
from smartcity_saas.errors import NotFound
from smartcity_saas.outbox import enqueue
from smartcity_saas.payments.accounts import account_of, provider_of
from smartcity_saas.payments.models import Payment, ProviderEvent
from smartcity_saas.payments.providers import Notice
from smartcity_saas.payments.repository import locked
from smartcity_saas.payments.settlement import FOLLOW

MATCH = "payments.match"
_payment = table_of(Payment)
_KEY = select(_payment.c.id).where(_payment.c.city_id == CITY)
_BY_PAGE = _KEY.where(_payment.c.checkout_id == bindparam("named"))
_BY_REFERENCE = _KEY.where(_payment.c.provider_reference == bindparam("named"))
_BY_KEY = _KEY.where(_payment.c.id == bindparam("named"))

_event = table_of(ProviderEvent)
_UNMATCHED = (
    select(_event)
    .where(_event.c.city_id == CITY, _event.c.payment_id.is_(None))
    .order_by(_event.c.received_at.desc())
    .limit(bindparam("most", type_=Integer()))
)


def receive(
    city: City, provider: str, body: bytes, headers: Mapping[str, str], now: datetime
) -> bool:
    """Take one event: one transaction, nothing asked of anybody, so that it is quick.

    Returns:
        Whether it is new.

    Raises:
        NotFound: The city does not use this provider.
        BadSignature: The provider did not sign these bytes for this city.
    """
    found = provider_of(city)
    if found is None or found.name != provider:
        raise NotFound
    notice = account_of(city).read_notice(body, headers, now)
    with transaction():
        payment_id, by_page = _payment_id(notice)
        made = insert_once(
            ProviderEvent,
            ("provider", "event_id"),
            provider=provider,
            event_id=notice.event_id,
            type=notice.type,
            object_id=notice.object_id,
            payment_id=payment_id,
            received_at=now,
        )
        send_together()
        if made is not None and payment_id is not None:
            payload = {"payment": str(payment_id)}
            if by_page:
                payload["page"] = str(notice.checkout_id)
            else:
                _keep_lost_page(payment_id, notice)
            enqueue(FOLLOW, payload, now, key=f"event:{notice.event_id}")
        elif made is not None and notice.charge is not None and notice.reference is None:
            payload = {"event": str(made), "charge": notice.charge}
            enqueue(MATCH, payload, now, key=f"event:{notice.event_id}")
    return made is not None


def match(city: City, event: uuid.UUID, charge: str, now: datetime) -> None:
    """Ask the provider which payment an event is about that names a charge alone, and follow that.

    Raises:
        ProviderUnreachable: The provider does not answer.
    """
    reference = account_of(city).reference_of(charge)
    if reference is None:
        return
    with transaction():
        payment_id = _one(_BY_REFERENCE, reference)
        if payment_id is not None:
            query = select(ProviderEvent).where(ProviderEvent.id == event)
            db.session.scalars(query).one().payment_id = payment_id
            enqueue(FOLLOW, {"payment": str(payment_id)}, now, key=f"match:{event}")


def unmatched_events(limit: int = 50) -> list[ProviderEvent]:
    """Events about no payment of ours, the newest first: for finance to look at."""
    return load(ProviderEvent, _UNMATCHED, {"most": limit})


def _keep_lost_page(payment_id: uuid.UUID, notice: Notice) -> None:
    """Take up a page whose opening was never heard of here, so that its money is followed."""
    payment = locked(payment_id)
    if payment.checkout_id is None and notice.checkout_id is not None:
        payment.checkout_id = notice.checkout_id


def _payment_id(notice: Notice) -> tuple[uuid.UUID | None, bool]:
    """The payment that an event is about, by what we asked or what the provider named; and whether its
    page, which is so known here, told."""
    if notice.checkout_id is not None:
        found = _one(_BY_PAGE, notice.checkout_id)
        if found is not None:
            return found, True
    return _payment_named(notice), False


def _payment_named(notice: Notice) -> uuid.UUID | None:
    if notice.reference is not None:
        found = _one(_BY_REFERENCE, notice.reference)
        if found is not None:
            return found
    try:
        return _one(_BY_KEY, uuid.UUID(notice.payment_id or ""))
    except ValueError:
        return None


def _one(statement: Select[Any], named: Any) -> uuid.UUID | None:
    found: uuid.UUID | None = run(statement, {"named": named}).scalars().first()
    return found
