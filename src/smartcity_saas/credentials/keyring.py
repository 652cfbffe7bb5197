"""Keys: the platform's master key wraps each city's data key, which encrypts its secrets.

AES-256-GCM (NIST SP 800-38D) with a fresh 96-bit nonce a message; the master key is stretched
by HKDF-SHA256 (RFC 5869). What is encrypted names its place, so that a ciphertext moved to
another city or another name does not open.
"""

from __future__ import annotations

import hashlib
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_BYTES = 12
KEY_BYTES = 32


class Keyring:
    """Wraps and opens the data keys of cities with the master key."""

    def __init__(self, master_key: str) -> None:
        stretched = HKDF(SHA256(), KEY_BYTES, None, b"smartcity wrapping key").derive(
            master_key.encode()
        )
        self._master = AESGCM(stretched)
        self.mark = hashlib.sha256(b"mark:" + stretched).hexdigest()[:16]
        """Tells master keys apart without giving them away."""

    def seal_platform(self, place: str, plain: bytes) -> bytes:
        """Encrypt something of the platform's own, for one place."""
        return seal(self._master, plain, f"platform:{place}")

    def open_platform(self, place: str, sealed: bytes) -> bytes:
        """Decrypt what was encrypted for a place of the platform.

        Raises:
            cryptography.exceptions.InvalidTag: Another master key or place, or tampered with.
        """
        return unseal(self._master, sealed, f"platform:{place}")

    def new_data_key(self, city_id: int) -> bytes:
        """A fresh data key of a city, wrapped."""
        return seal(self._master, secrets.token_bytes(KEY_BYTES), f"city:{city_id}")

    def data_key(self, city_id: int, wrapped: bytes) -> bytes:
        """A city's data key.

        Raises:
            cryptography.exceptions.InvalidTag: Another master key or city, or tampered with.
        """
        return unseal(self._master, wrapped, f"city:{city_id}")


def seal(key: AESGCM, plain: bytes, place: str) -> bytes:
    """Encrypt for one place: the nonce, then the ciphertext with its tag."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + key.encrypt(nonce, plain, place.encode())


def unseal(key: AESGCM, sealed: bytes, place: str) -> bytes:
    """Decrypt what was encrypted for a place.

    Raises:
        cryptography.exceptions.InvalidTag: Another key, another place, or tampered with.
    """
    if len(sealed) <= NONCE_BYTES:
        raise InvalidTag
    return key.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place.encode())
