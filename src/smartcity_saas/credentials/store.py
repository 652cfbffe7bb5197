"""Secrets of the city that we are in: stored by name, read by whoever serves the city."""

from __future__ import annotations

from datetime import datetime

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask_babel import lazy_gettext as _
from sqlalchemy import select

from smartcity_saas import scope
from smartcity_saas.audit import Actor, record
from smartcity_saas.configuration.fields import CREDENTIAL_NAME
from smartcity_saas.credentials.keyring import KEY_BYTES, Keyring, seal, unseal
from smartcity_saas.credentials.models import CityKey, Credential
from smartcity_saas.database import command, db, insert_once
from smartcity_saas.errors import Invalid, SmartCityError

LONGEST_SECRET = 8_000

log = structlog.get_logger(__name__)


class CredentialError(SmartCityError):
    """A secret is not there or cannot be opened; what needs it is not available."""

    status = 503


def store_credential(keyring: Keyring, actor: Actor, name: str, value: str, now: datetime) -> None:
    """Keep a secret, in place of the one that the name had.

    Raises:
        Invalid: The name is odd, the value empty or too long.
        CredentialError: The city's key cannot be opened.
    """
    if not CREDENTIAL_NAME.fullmatch(name):
        raise Invalid(_("A credential's name has small letters, digits and _."))
    if not value or len(value) > LONGEST_SECRET or "\0" in value:
        raise Invalid(_("A secret has 1 to 8,000 characters."))
    with command() as session:
        _make_key(keyring, now)
        sealed = seal(AESGCM(_data_key(keyring)), value.encode(), _place(name))
        row = session.scalars(select(Credential).where(Credential.name == name)).one_or_none()
        if row is None:
            row = Credential(name=name)
            session.add(row)
        row.sealed, row.updated_at = sealed, now
        record(actor, "credential.set", name, {}, now)


def read_credential(keyring: Keyring, name: str) -> str:
    """A secret's value.

    Raises:
        CredentialError: It has not been set, or cannot be opened.
    """
    row = db.session.scalars(select(Credential).where(Credential.name == name)).one_or_none()
    if row is None:
        raise CredentialError(_("The secret “%(name)s” has not been set.", name=name))
    try:
        return unseal(AESGCM(_data_key(keyring)), row.sealed, _place(name)).decode()
    except InvalidTag:
        log.error("credential_does_not_open", name=name)
        raise CredentialError(
            _("The secret “%(name)s” cannot be opened. Set it again.", name=name)
        ) from None


def credential_names() -> dict[str, datetime]:
    """The names of this city's secrets with when each was set; never a value."""
    rows = db.session.execute(select(Credential.name, Credential.updated_at))
    return {name: at for name, at in sorted(rows.all())}  # noqa: C416 -- rows are no pairs to mypy


def city_secret(keyring: Keyring, purpose: str, now: datetime) -> bytes:
    """A key of the city's own for one purpose, derived from its data key (RFC 5869).

    Raises:
        CredentialError: The city's key cannot be opened.
    """
    if db.session.scalars(select(CityKey.id)).one_or_none() is None:
        with command():
            _make_key(keyring, now)
    return HKDF(SHA256(), KEY_BYTES, None, purpose.encode()).derive(_data_key(keyring))


def _make_key(keyring: Keyring, now: datetime) -> None:
    insert_once(
        CityKey,
        (),
        wrapped=keyring.new_data_key(scope.city_id()),
        master_mark=keyring.mark,
        created_at=now,
    )


def _data_key(keyring: Keyring) -> bytes:
    row = db.session.scalars(select(CityKey)).one_or_none()
    if row is None:
        raise CredentialError(_("This city has no secrets yet."))
    try:
        return keyring.data_key(scope.city_id(), row.wrapped)
    except InvalidTag:
        log.error("city_key_does_not_open", another_master=row.master_mark != keyring.mark)
        raise CredentialError(
            _("The city's key does not open with this SMARTCITY_MASTER_KEY. Is it the right one?")
        ) from None


def _place(name: str) -> str:
    return f"credential:{scope.city_id()}:{name}"
