"""What the stored secrets of a document are bound to, for whoever checks a revision of it."""

from __future__ import annotations

from collections.abc import Mapping

from smartcity_saas.configuration.extensions import BoundTo
from smartcity_saas.credentials.province_credentials import province_secrets
from smartcity_saas.credentials.store import credentials
from smartcity_saas.tenancy.context import tenant_context


def bound_secrets(name: str, document_id: int) -> Mapping[str, BoundTo]:
    """The secrets of a city, or of a province's own document, each with the uses that it was entered
    for; the platform's document has none."""
    kind, _colon, slug = name.partition(":")
    if kind == "province":
        return {row.name: _places(row.bound_to) for row in province_secrets(slug)}
    with tenant_context(document_id):
        return {row.name: _places(row.bound_to) for row in credentials()}


def _places(bound_to: list[list[str]]) -> BoundTo:
    return {(path, destination) for path, destination in bound_to}
