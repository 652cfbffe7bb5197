"""Secrets of the city that we are in: stored by name, read by whoever serves the city."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask_babel import lazy_gettext as _
from sqlalchemy import delete, select, update

from smartcity_saas import scope
from smartcity_saas.audit import Actor, record
from smartcity_saas.configuration.fields import CREDENTIAL_NAME
from smartcity_saas.credentials.keyring import KEY_BYTES, Keyring, seal, unseal
from smartcity_saas.credentials.models import CityKey, Credential
from smartcity_saas.credentials.usage import note_use
from smartcity_saas.database import command, db, insert_once
from smartcity_saas.errors import Invalid, NotFound, SmartCityError

LONGEST_SECRET = 8_000

log = structlog.get_logger(__name__)


class CredentialError(SmartCityError):
    """A secret is not there or cannot be opened; what needs it is not available."""

    status = 503


def store_credential(
    keyring: Keyring,
    actor: Actor,
    name: str,
    value: str,
    now: datetime,
    *,
    overlap: timedelta = timedelta(0),
) -> None:
    """Keep a secret, in place of the one that the name had.

    Args:
        keyring: Opens the city's key.
        actor: Who sets it.
        name: What documents call it.
        value: The secret.
        now: The time.
        overlap: How long the value before is still accepted from others (webhooks that are still
            signed with it).

    Raises:
        Invalid: The name is odd, the value empty or too long.
        CredentialError: The city's key cannot be opened.
    """
    check_secret(name, value)
    with command() as session:
        _make_key(keyring, now)
        sealed = seal(AESGCM(_data_key(keyring)), value.encode(), _place(name))
        row = session.scalars(
            select(Credential).where(Credential.name == name).with_for_update()
        ).one_or_none()
        if row is None:
            row = Credential(name=name)
            session.add(row)
        elif overlap:
            row.before, row.before_until = row.sealed, now + overlap
        else:
            row.before = row.before_until = None
        row.sealed, row.updated_at, row.updated_by = sealed, now, actor.name
        row.probed_at, row.probe_ok, row.probe_detail = None, None, ""
        record(actor, "credential.set", name, {"overlap": bool(overlap)}, now)


def check_secret(name: str, value: str) -> None:
    """Refuse an odd name or value.

    Raises:
        Invalid: Which of the two.
    """
    if not CREDENTIAL_NAME.fullmatch(name):
        raise Invalid(_("A credential's name has small letters, digits and _."))
    if not value or len(value) > LONGEST_SECRET or "\0" in value:
        raise Invalid(_("A secret has 1 to 8,000 characters."))


def remove_credential(actor: Actor, name: str, now: datetime) -> None:
    """Forget a secret.

    Raises:
        NotFound: There is none of that name.
    """
    with command() as session:
        gone = session.scalars(
            delete(Credential).where(Credential.name == name).returning(Credential.id)
        ).one_or_none()
        if gone is None:
            raise NotFound
        record(actor, "credential.remove", name, {}, now)


def read_credential(keyring: Keyring, name: str) -> str:
    """A secret's value.

    Raises:
        CredentialError: It has not been set, or cannot be opened.
    """
    row = _row(name)
    note_use(name)
    return _opened(keyring, name, row.sealed)


def accepted_values(keyring: Keyring, name: str, now: datetime) -> list[str]:
    """The values that others may still use: the present one, and during an overlap the one before.

    Raises:
        CredentialError: It has not been set, or cannot be opened.
    """
    row = _row(name)
    note_use(name)
    found = [_opened(keyring, name, row.sealed)]
    if row.before is not None and row.before_until is not None and row.before_until > now:
        found.append(_opened(keyring, name, row.before))
    return found


def credentials() -> list[Credential]:
    """This city's secrets by name; their rows hold no value that reads."""
    return list(db.session.scalars(select(Credential).order_by(Credential.name)))


def credential_names() -> dict[str, datetime]:
    """The names of this city's secrets with when each was set; never a value."""
    rows = db.session.execute(select(Credential.name, Credential.updated_at))
    return {name: at for name, at in sorted(rows.all())}  # noqa: C416 -- rows are no pairs to mypy


def note_probe(name: str, ok: bool | None, detail: str, now: datetime) -> None:
    """Keep what a probe of a secret found."""
    with command() as session:
        session.execute(
            update(Credential)
            .where(Credential.name == name)
            .values(probed_at=now, probe_ok=ok, probe_detail=detail[:200])
        )


def rewrap(keyring: Keyring) -> bool:
    """Wrap the key of the city that we are in with the present master key; False if it is already
    (or there is none). What it encrypts stays as it is.

    Raises:
        CredentialError: No master key that we have opens it.
    """
    with command() as session:
        row = session.scalars(select(CityKey).with_for_update()).one_or_none()
        if row is None or row.master_mark == keyring.mark:
            return False
        row.wrapped = keyring.wrap(scope.city_id(), _data_key(keyring))
        row.master_mark = keyring.mark
    return True


def opens(keyring: Keyring) -> bool:
    """Whether a keyring opens the key of the city that we are in; a city without one is fine."""
    row = db.session.scalars(select(CityKey)).one_or_none()
    try:
        if row is not None:
            keyring.data_key(scope.city_id(), row.wrapped, row.master_mark)
    except InvalidTag:
        return False
    return True


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
        return keyring.data_key(scope.city_id(), row.wrapped, row.master_mark)
    except InvalidTag:
        log.error("city_key_does_not_open", another_master=row.master_mark != keyring.mark)
        raise CredentialError(
            _("The city's key does not open with this SMARTCITY_MASTER_KEY. Is it the right one?")
        ) from None


def _place(name: str) -> str:
    return f"credential:{scope.city_id()}:{name}"


def _row(name: str) -> Credential:
    row = db.session.scalars(select(Credential).where(Credential.name == name)).one_or_none()
    if row is None:
        raise CredentialError(_("The secret “%(name)s” has not been set.", name=name))
    return row


def _opened(keyring: Keyring, name: str, sealed: bytes) -> str:
    try:
        return unseal(AESGCM(_data_key(keyring)), sealed, _place(name)).decode()
    except InvalidTag:
        log.error("credential_does_not_open", name=name)
        raise CredentialError(
            _("The secret “%(name)s” cannot be opened. Set it again.", name=name)
        ) from None
