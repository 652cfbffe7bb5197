"""Links to a city's back offices: one outbound client with limits, breaker and address guard."""

from smartcity_saas.connectors.client import (
    BackOffice,
    BackOfficeDown,
    BackOfficeRefused,
    office_of,
)
from smartcity_saas.connectors.settings import HttpConnectorSettings

__all__ = [
    "BackOffice",
    "BackOfficeDown",
    "BackOfficeRefused",
    "HttpConnectorSettings",
    "office_of",
]
