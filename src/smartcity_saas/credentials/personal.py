"""Personal numbers of the city that we are in: found by a keyed index, never stored as they are."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

from smartcity_saas.credentials.keyring import Keyring
from smartcity_saas.credentials.store import city_secret


def personal_index(keyring: Keyring, purpose: str, number: str, now: datetime) -> str:
    """The index of a number: the same number at another city, or for another purpose, has
    another one, and nobody without the city's key can try numbers.

    Raises:
        CredentialError: The city's key cannot be opened.
    """
    key = city_secret(keyring, f"index:{purpose}", now)
    return hmac.new(key, number.encode(), hashlib.sha256).hexdigest()
