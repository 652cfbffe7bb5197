"""The demo's way in: press a sample resident's name. It exists in demo mode alone."""

from __future__ import annotations

from typing import Any

from flask import current_app
from flask_babel import lazy_gettext as _

from smartcity_saas.configuration.city import City
from smartcity_saas.identity.channels import Channel

RESIDENTS: dict[str, dict[str, str]] = {
    "household": {"zh": "示例住户甲", "en": "Sample resident A"},
    "parents": {"zh": "示例住户乙", "en": "Sample resident B"},
    "newcomer": {"zh": "示例新住户", "en": "Sample newcomer"},
}
"""Subject → name. None of them is a person."""


def _offered(city: City) -> bool:
    return bool(current_app.config["DEMO"])


def _choices(city: City) -> list[tuple[str, Any]]:
    return list(RESIDENTS.items()) if _offered(city) else []


def _vouch(city: City, subject: str) -> str | None:
    return RESIDENTS[subject]["zh"] if _offered(city) and subject in RESIDENTS else None


channel = Channel(
    name="demo",
    title=_("Sample residents"),
    settings=None,
    offered=_offered,
    origins=lambda city: (),
    choices=_choices,
    vouch=_vouch,
    demo=True,
)
