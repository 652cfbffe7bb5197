"""The page that tells a crowd that nothing is left, made once for all who press at the same clinic.

Of anybody it holds nothing: what their form sent, which its switches carry, is put in for each. Whoever is
served at the counter, or came from another page, has theirs made for them.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from flask import get_template_attribute, render_template, request

from smartcity_saas.identity.authorization import signed_in_resident
from smartcity_saas.identity.user_agents import channel_in_app
from smartcity_saas.product import product
from smartcity_saas.services.hospital_appointments.booking import Full
from smartcity_saas.services.hospital_appointments.names import ROOT
from smartcity_saas.tenancy.current import request_city
from smartcity_saas.web.languages import page_language
from smartcity_saas.web.preferences import TEXT_COOKIE

MOST_KEPT = 500
_CARRIED = "\0carried\0"
"""Where in a kept page the fields stand that it carries: no text has a NUL in it."""

_kept: dict[tuple[Any, ...], tuple[Any, Any, str]] = {}


def full_page(refusal: Full, session_id: uuid.UUID, slot: datetime | None) -> str:
    """Tell whoever pressed that no place is left.

    Args:
        refusal: What is told.
        session_id: The session that is full.
        slot: The slot that was asked for; None for the earliest of the session.
    """
    if signed_in_resident().acting or not _came_from_here():
        return _made(refusal, session_id, slot)
    city = request_city()
    key = (
        city.id,
        page_language(),
        request.cookies.get(TEXT_COOKIE) == "large",
        channel_in_app() is not None,
        request.full_path,
        refusal.others,
        slot,
    )
    kept = _kept.get(key)
    if kept is None or kept[0] is not product() or kept[1] is not city:
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        made = _made(refusal, session_id, slot, carried=_CARRIED)
        kept = _kept[key] = product(), city, made
    return kept[2].replace(_CARRIED, _carried_fields())


def _came_from_here() -> bool:
    """Whether the form stood at the address that it was sent to: where the switches lead is the same
    for everybody then."""
    before = request.headers.get("Referer", "")
    parts = urlsplit(before)
    here = request.full_path.rstrip("?")
    return not before or (
        parts.netloc == request.host
        and parts.path + (f"?{parts.query}" if parts.query else "") == here
    )


def _carried_fields() -> str:
    return str(get_template_attribute("components/switches.html", "carried_fields")())


def _made(
    refusal: Full, session_id: uuid.UUID, slot: datetime | None, carried: str | None = None
) -> str:
    return render_template(
        "hospital_appointments/full.html",
        root=ROOT,
        tab="services",
        refusal=refusal,
        session_id=session_id,
        slot=slot,
        carried=carried,
    )
