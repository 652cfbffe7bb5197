"""What is personal in the current city: sealed with the city's key, numbers found by a keyed
index, never stored as they are."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask_babel import lazy_gettext as _

from smartcity_saas.credentials.keyring import Keyring, seal, unseal
from smartcity_saas.credentials.store import CredentialError, city_secret
from smartcity_saas.product import product
from smartcity_saas.tenant_context import current_city_id


def personal_index(keyring: Keyring, purpose: str, number: str, now: datetime) -> str:
    """The index of a number: the same number at another city, or for another purpose, has
    another one, and nobody without the city's key can try numbers.

    Raises:
        CredentialError: The city's key cannot be opened.
    """
    return personal_indexes(keyring, purpose, [number], now)[number]


def personal_indexes(
    keyring: Keyring, purpose: str, numbers: Iterable[str], now: datetime
) -> dict[str, str]:
    """The indexes of many numbers, with the city's key opened once.

    Raises:
        CredentialError: The city's key cannot be opened.
    """
    key = city_secret(keyring, f"index:{purpose}", now)
    return {one: hmac.new(key, one.encode(), hashlib.sha256).hexdigest() for one in numbers}


def seal_personal(kind: str, text: str, now: datetime) -> bytes:
    """Seal a name, a number or an address; ``kind`` says which, and opens nothing else.

    Raises:
        CredentialError: The city's key cannot be opened.
    """
    return seal_content(kind, text.encode(), now)


def seal_content(kind: str, content: bytes, now: datetime) -> bytes:
    """Seal the content of a file of a person's, as ``seal_personal`` does a text.

    Raises:
        CredentialError: The city's key cannot be opened.
    """
    return seal(_personal_key(now), content, f"personal:{current_city_id()}:{kind}")


def open_personal(kind: str, sealed: bytes, now: datetime) -> str:
    """Open what was sealed as one kind in this city.

    Raises:
        CredentialError: It is another city's or another kind, or was tampered with.
    """
    return open_content(kind, sealed, now).decode()


def open_content(kind: str, sealed: bytes, now: datetime) -> bytes:
    """Open the content of a file that was sealed as one kind in this city.

    Raises:
        CredentialError: It is another city's or another kind, or was tampered with.
    """
    place = f"personal:{current_city_id()}:{kind}"
    try:
        return unseal(_personal_key(now), sealed, place)
    except InvalidTag:
        raise CredentialError(_("We could not decrypt this data.")) from None


def own_index(purpose: str, number: str, now: datetime) -> str:
    """``personal_index`` with the application's own keyring."""
    return personal_index(product().keyring, purpose, number, now)


def _personal_key(now: datetime) -> AESGCM:
    return AESGCM(city_secret(product().keyring, "personal", now))
