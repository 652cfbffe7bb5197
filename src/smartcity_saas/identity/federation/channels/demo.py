"""The demo's way in: press a sample resident's name. It exists in demo mode alone."""

from __future__ import annotations

from typing import Any

from smartcity_saas.configuration.city import City
from smartcity_saas.identity.federation.channels import AuthenticatedIdentity, Channel
from smartcity_saas.product import product

RESIDENTS: dict[str, dict[str, str]] = {
    "household": {"zh": "示例住户甲", "en": "Sample resident A"},
    "parents": {"zh": "示例住户乙", "en": "Sample resident B"},
    "newcomer": {"zh": "示例新住户", "en": "Sample newcomer"},
}
"""Subject → name. None of them is a person."""
PHONES = {"household": "13900000001", "parents": "13900000002", "newcomer": "13900000003"}
"""Subject → a number that counts as verified. Nothing is sent to it in the demo."""


def _offered(city: City) -> bool:
    return product().settings.demo


def _choices(city: City) -> list[tuple[str, Any]]:
    return list(RESIDENTS.items())


def sample(subject: str) -> AuthenticatedIdentity:
    """A sample resident.

    Raises:
        KeyError: There is none of that name.
    """
    return AuthenticatedIdentity(
        (subject,), RESIDENTS[subject]["zh"], phone=PHONES[subject], demo=True
    )


def _vouch(city: City, subject: str) -> AuthenticatedIdentity | None:
    return sample(subject) if subject in RESIDENTS else None


channel = Channel(
    name="demo",
    title={"zh": "示例居民", "en": "Sample residents"},
    offered=_offered,
    template="resident/sign_in_demo.html",
    choices=_choices,
    vouch=_vouch,
    demo=True,
)
