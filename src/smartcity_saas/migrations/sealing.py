"""What a migration needs to seal what stood open in a city's rows, as ``credentials.personal`` does,
in the migration's own transaction."""

from __future__ import annotations

import hashlib
import hmac
from copy import copy
from datetime import UTC, datetime

import sqlalchemy as sa
import uuid_utils.compat
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from smartcity_saas.credentials.keyring import KEY_BYTES, Keyring, seal, unseal
from smartcity_saas.errors import SettingsError

_KEY = sa.table(
    "city_key",
    sa.column("city_id", sa.BigInteger()),
    sa.column("id", sa.Uuid()),
    sa.column("wrapped", sa.LargeBinary()),
    sa.column("master_mark", sa.String()),
    sa.column("created_at", sa.DateTime(timezone=True)),
)


class CityKeys:
    """A city's keys for personal data; made where it has none yet.

    Raises:
        SettingsError: There is no master key, or it is not the one that wrapped the city's.
    """

    def __init__(self, bind: sa.Connection, keyring: Keyring, city_id: int) -> None:
        keyring = copy(keyring)
        keyring.guard = lambda ring: None  # the database may not keep a master key's mark yet
        self.city_id = city_id
        row = bind.execute(
            sa.select(_KEY.c.wrapped, _KEY.c.master_mark).where(_KEY.c.city_id == city_id)
        ).one_or_none()
        if row is None:
            wrapped = keyring.new_data_key(city_id)
            bind.execute(
                sa.insert(_KEY).values(
                    city_id=city_id,
                    id=uuid_utils.compat.uuid7(),
                    wrapped=wrapped,
                    master_mark=keyring.mark,
                    created_at=datetime.now(UTC),
                )
            )
            self._data_key = keyring.data_key(city_id, wrapped, keyring.mark)
            return
        try:
            self._data_key = keyring.data_key(city_id, row.wrapped, row.master_mark)
        except InvalidTag:
            raise SettingsError(
                "This SMARTCITY_MASTER_KEY is not the one that wrapped the cities' keys. Nothing "
                "has been changed: set the right one and run this again."
            ) from None

    def seal(self, kind: str, text: str) -> bytes:
        """Seal a text as one kind."""
        return seal(
            AESGCM(self._derived("personal")), text.encode(), f"personal:{self.city_id}:{kind}"
        )

    def unseal(self, kind: str, sealed: bytes) -> str:
        """Open what was sealed as one kind."""
        place = f"personal:{self.city_id}:{kind}"
        return unseal(AESGCM(self._derived("personal")), sealed, place).decode()

    def index(self, purpose: str, number: str) -> str:
        """The index of a number for one purpose."""
        key = self._derived(f"index:{purpose}")
        return hmac.new(key, number.encode(), hashlib.sha256).hexdigest()

    def _derived(self, purpose: str) -> bytes:
        return HKDF(SHA256(), KEY_BYTES, None, purpose.encode()).derive(self._data_key)
