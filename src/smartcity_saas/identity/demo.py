"""The demo's channels, known at the sandbox with their secrets stored; and its sample residents."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from smartcity_saas.audit import system
from smartcity_saas.configuration.city import City
from smartcity_saas.configuration.secret_uses import SecretUse
from smartcity_saas.connectors.http_client import call_once
from smartcity_saas.connectors.outbound_calls import outbound
from smartcity_saas.credentials import CredentialError, read_credential, store_credential
from smartcity_saas.errors import NotSignedIn
from smartcity_saas.identity.federation.channels.demo import sample
from smartcity_saas.identity.residents import accounts
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.identity.tokens import new_token
from smartcity_saas.product import product


def connect_channels(city: City, now: datetime) -> None:
    """Make the current city known at the sandbox, with secrets of its own."""
    known: dict[str, str] = {}
    for name, values in city.channels.items():
        for app_id, use in _applications(values):
            known[app_id] = _kept(use, name == "alipay", now)
    if known:
        url = f"{product().settings.channel_base}/control/clients"
        headers = {"Content-Type": "application/json"}
        with outbound(url):
            call_once("POST", url, json.dumps(known).encode(), headers)


def sample_resident(subject: str, now: datetime) -> SignedInResident:
    """A sample resident of the current city, as somebody signed in; the session ends.

    Raises:
        KeyError: There is none of that name.
        NotSignedIn: The sample's account has been closed.
    """
    token = accounts.sign_in("demo", sample(subject), now=now)
    resident = accounts.signed_in(token, now)
    accounts.sign_out(token)
    if resident is None:
        raise NotSignedIn
    return resident


def _applications(values: Mapping[str, Any]) -> Iterator[tuple[str, SecretUse]]:
    app_id = values.get("app_id") or values.get("client_id")
    for name in ("private_key", "app_secret", "secret", "client_secret"):
        if app_id and name in values:
            yield app_id, values[name]
    if "website" in values:
        yield from _applications(values["website"])


def _kept(use: SecretUse, is_key: bool, now: datetime) -> str:
    """What the sandbox gets to know: the secret, or of a key its public half."""
    keyring = product().keyring
    try:
        value = read_credential(keyring, use)
    except CredentialError:
        value = _new_key() if is_key else new_token()
        store_credential(keyring, system("demo"), use.name, value, now)
    return _public_half(value) if is_key else value


def _new_key() -> str:
    key = rsa.generate_private_key(65537, 2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _public_half(private_key: str) -> str:
    key = load_pem_private_key(private_key.encode(), None).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
