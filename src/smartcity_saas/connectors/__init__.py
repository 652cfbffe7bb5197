"""Links to a city's back offices: one outbound client with limits, breaker and address guard."""

from smartcity_saas.connectors.asking import Answer, ask, has_back_office, kept_fresh, tell
from smartcity_saas.connectors.client import (
    BackOffice,
    BackOfficeDown,
    BackOfficeRefused,
    office_of,
)
from smartcity_saas.connectors.settings import HttpConnectorSettings

__all__ = [
    "Answer",
    "BackOffice",
    "BackOfficeDown",
    "BackOfficeRefused",
    "HttpConnectorSettings",
    "ask",
    "has_back_office",
    "kept_fresh",
    "office_of",
    "tell",
]
