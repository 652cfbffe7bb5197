"""Links to a city's back offices: one outbound client with limits, breaker and address guard.

Its modules load when they are needed: ``settings`` describes a part of documents, and reading
documents needs no client.
"""

from typing import TYPE_CHECKING

from smartcity_saas.lazy_imports import lazily

if TYPE_CHECKING:
    from smartcity_saas.connectors.back_office import (
        Answer,
        ask,
        has_back_office,
        refresh_if_stale,
        send_event,
    )
    from smartcity_saas.connectors.http_client import (
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
    "office_of",
    "refresh_if_stale",
    "send_event",
]

__getattr__ = lazily(
    __name__,
    {
        "back_office": ("Answer", "ask", "has_back_office", "refresh_if_stale", "send_event"),
        "http_client": ("BackOffice", "BackOfficeDown", "BackOfficeRefused", "office_of"),
        "settings": ("HttpConnectorSettings",),
    },
)
