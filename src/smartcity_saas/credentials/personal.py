"""Personal numbers of the city that we are in: found by a keyed index, never stored as they are."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime

from smartcity_saas.credentials.keyring import Keyring
from smartcity_saas.credentials.store import city_secret


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
