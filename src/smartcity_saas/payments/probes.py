"""Probes: whether a city's secrets work, asked of the other side: the account at Stripe, an
OpenID provider's discovery, a back office."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask_babel import force_locale
from flask_babel import lazy_gettext as _

from smartcity_saas.configuration.city import CatalogEntry, City
from smartcity_saas.configuration.merge import merge
from smartcity_saas.configuration.secret_uses import SecretUse
from smartcity_saas.connectors.http_client import call_once
from smartcity_saas.connectors.outbound_calls import CallRefused, outbound
from smartcity_saas.credentials import CredentialError, note_probe, read_credential
from smartcity_saas.database import db
from smartcity_saas.errors import SmartCityError
from smartcity_saas.lazy_imports import LazyLibrary
from smartcity_saas.payments.accounts import provider_of
from smartcity_saas.product import product

if TYPE_CHECKING:
    import httpx
else:
    httpx = LazyLibrary("httpx", without="rich")


@dataclass(frozen=True, order=True)
class Use:
    """Where a city's documents name a secret: as a dotted path, and in which document."""

    name: str
    path: str
    document: str
    secret: SecretUse


@dataclass(frozen=True)
class Probed:
    """What a probe found; ``ok`` is None where the other side cannot be asked."""

    ok: bool | None
    detail: str


def uses_of(city: City) -> list[Use]:
    """Every place of a city's merged document that names a secret."""
    origins = _origins(city)
    return sorted(
        Use(use.name, use.path, origins.get((*use.path.split("."), "credential"), city.slug), use)
        for use in city.secret_uses
    )


def _origins(city: City) -> Mapping[Any, str]:
    """From which document each leaf of a city's merged document comes."""
    layers = product().registry.snapshot.layers(city.slug)
    return merge([found.layer for found in layers]).origins


def probe(city: City, name: str, now: datetime) -> Probed:
    """Ask every other side that a secret of the current city is for, and keep the answer,
    in English: whoever reads it has it translated."""
    with force_locale("en"):
        found = [_ask(city, use, now) for use in city.secret_uses if use.name == name]
        unknown = next(
            (one for one in found if one.detail), Probed(None, str(_("cannot be tested")))
        )
    asked = [one for one in found if one.ok is not None]
    refused = next((one for one in asked if not one.ok), None)
    result = refused or (asked[0] if asked else unknown)
    note_probe(name, result.ok, result.detail, now)
    return result


def _ask(city: City, use: SecretUse, now: datetime) -> Probed:
    path = use.path.split(".")
    try:
        if path[0] == "payments":
            return _ask_provider(city)
        if path[0] == "channels":
            channel = product().channels.get(path[1])
            if channel is None or channel.probe is None:
                return Probed(None, "")
            db.session.rollback()
            return Probed(True, channel.probe(channel.values(city)))
        if path[0] == "services" and path[2] == "connector":
            return _ask_back_office(city.catalog[path[1]], use, now)
    except CredentialError as error:
        return Probed(False, str(error.detail))
    except SmartCityError as error:  # that it does not answer says nothing of the secret
        return Probed(None if error.status == 503 else False, str(error.title))
    return Probed(None, "")


def _ask_provider(city: City) -> Probed:
    provider, keyring = provider_of(city), product().keyring
    if provider is None or provider.probe is None:
        return Probed(None, "")
    values: Mapping[str, Any] = city.payments or {}
    return Probed(True, provider.probe(values, lambda use: read_credential(keyring, use)))


def _ask_back_office(entry: CatalogEntry, use: SecretUse, now: datetime) -> Probed:
    service = product().services.get(entry.name)
    asks = service.probes.get(entry.connector["kind"]) if service is not None else None
    if asks is not None:
        return Probed(True, asks(entry, now))
    return _ping(entry.connector["base_url"], read_credential(product().keyring, use))


def _ping(base_url: str, token: str) -> Probed:
    """Any answer but “who are you?” and a fault will do: the contracts have no page of their own
    for this."""
    db.session.rollback()
    headers = {"Authorization": f"Bearer {token}"}
    try:
        with outbound(base_url):
            status, _body = call_once("GET", base_url, None, headers)
    except CallRefused as error:
        return Probed(None, error.reason)
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        return Probed(None, type(error).__name__)
    if status >= 500:
        return Probed(None, f"HTTP {status}")
    return Probed(status not in (401, 403), f"HTTP {status}")
