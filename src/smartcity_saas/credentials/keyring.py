"""Keys: the platform's master key wraps each city's data key, which encrypts its secrets.

AES-256-GCM (NIST SP 800-38D) with a fresh 96-bit nonce a message; the master key is stretched
by HKDF-SHA256 (RFC 5869). What is encrypted names its place, so that a ciphertext moved to
another city or another name does not open.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from smartcity_saas.errors import SettingsError

NONCE_BYTES = 12
KEY_BYTES = 32
MARK_LENGTH = 16


class Keyring:
    """Wraps and opens keys and secrets with the master key.

    While the master key is being changed, older ones still open what they wrapped; whatever is
    wrapped anew is wrapped with the present one. Each wrapping carries the mark of its master key.
    Without a master key what seals or wraps raises ``SettingsError``.
    """

    def __init__(self, master_key: str, *older: str) -> None:
        self._masters: dict[str, AESGCM] = {}
        self._has_present = bool(master_key)
        for key in (master_key, *(one for one in older if one)):
            stretched = HKDF(SHA256(), KEY_BYTES, None, b"smartcity wrapping key").derive(
                key.encode()
            )
            self._masters.setdefault(_mark(stretched), AESGCM(stretched))
        self.mark = next(iter(self._masters))
        """Tells master keys apart without giving them away."""
        self.guard: Callable[[Keyring], None] = lambda ring: None
        """Called before anything is sealed; raises where this key is not to seal."""

    @property
    def marks(self) -> frozenset[str]:
        """The marks of every master key that is set."""
        return frozenset(self._masters) if self.can_seal else frozenset()

    @property
    def can_seal(self) -> bool:
        """Whether there is a present master key at all."""
        return self._has_present

    def new_data_key(self, city_id: int) -> bytes:
        """A fresh data key of a city, wrapped."""
        return self.wrap(city_id, secrets.token_bytes(KEY_BYTES))

    def wrap(self, city_id: int, data_key: bytes) -> bytes:
        """A city's data key, wrapped with the present master key."""
        return seal(self._present(), data_key, f"city:{city_id}")

    def data_key(self, city_id: int, wrapped: bytes, mark: str) -> bytes:
        """A city's data key, wrapped with the master key of a mark.

        Raises:
            cryptography.exceptions.InvalidTag: Another master key or city, or tampered with.
        """
        return unseal(self._master(mark), wrapped, f"city:{city_id}")

    def seal_platform(self, place: str, plain: bytes) -> bytes:
        """Encrypt something of the platform's own, for one place; the mark stands before it."""
        sealed = seal(self._present(), plain, f"platform:{place}")
        return self.mark.encode() + sealed

    def open_platform(self, place: str, sealed: bytes) -> bytes:
        """Decrypt what was encrypted for a place of the platform.

        Raises:
            cryptography.exceptions.InvalidTag: Another master key or place, or tampered with.
        """
        mark, rest = sealed[:MARK_LENGTH].decode("ascii", "replace"), sealed[MARK_LENGTH:]
        return unseal(self._master(mark), rest, f"platform:{place}")

    def reencrypt_platform(self, place: str, sealed: bytes) -> bytes | None:
        """The same encrypted with the present master key; None if it is already.

        Raises:
            cryptography.exceptions.InvalidTag: No master key that we have opens it.
        """
        if sealed[:MARK_LENGTH] == self.mark.encode():
            return None
        return self.seal_platform(place, self.open_platform(place, sealed))

    def _present(self) -> AESGCM:
        if not self._has_present:
            raise SettingsError(
                "SMARTCITY_MASTER_KEY is not set. Without it nothing is sealed: set the one that "
                "the installation serves with."
            )
        self.guard(self)
        return self._masters[self.mark]

    def _master(self, mark: str) -> AESGCM:
        found = self._masters.get(mark)
        if found is None:
            raise InvalidTag
        return found


def _mark(stretched: bytes) -> str:
    return hashlib.sha256(b"mark:" + stretched).hexdigest()[:MARK_LENGTH]


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
