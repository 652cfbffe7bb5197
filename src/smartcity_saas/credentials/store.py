"""Secrets of the current city: stored by name, read by whoever serves the city."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask_babel import lazy_gettext as _
from sqlalchemy import bindparam, delete, select, update

from smartcity_saas.audit import Actor, record
from smartcity_saas.configuration.fields import CREDENTIAL_NAME
from smartcity_saas.configuration.secret_uses import SecretUse
from smartcity_saas.credentials.keyring import KEY_BYTES, Keyring, seal, unseal
from smartcity_saas.credentials.models import CityKey, Credential
from smartcity_saas.credentials.usage import note_use
from smartcity_saas.database import (
    CITY,
    db,
    insert_once,
    load,
    one_or_404,
    run,
    table_of,
    transaction,
)
from smartcity_saas.errors import FieldErrors, Invalid, SmartCityError
from smartcity_saas.logs import get_logger
from smartcity_saas.tenancy.current import current_city
from smartcity_saas.tenant_context import current_city_id

LONGEST_SECRET = 8_000
_KEYS = table_of(CityKey)
_KEY = select(_KEYS.c.wrapped, _KEYS.c.master_mark).where(_KEYS.c.city_id == CITY)
_credential = table_of(Credential)
_ONE = (
    select(
        _credential.c.sealed,
        _credential.c.bound_to,
        _credential.c.before,
        _credential.c.before_until,
        _KEYS.c.wrapped,
        _KEYS.c.master_mark,
    )
    .join_from(_credential, _KEYS, _KEYS.c.city_id == _credential.c.city_id)
    .where(
        _credential.c.city_id == CITY,
        _KEYS.c.city_id == CITY,
        _credential.c.name == bindparam("name"),
    )
)
"""A secret with the key of its city, without which there is none."""
_CREDENTIALS = select(_credential).where(_credential.c.city_id == CITY).order_by(_credential.c.name)
_USES = select(_credential.c.name, _credential.c.bound_to).where(_credential.c.city_id == CITY)

log = get_logger(__name__)


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
    uses: Iterable[SecretUse] | None = None,
) -> None:
    """Keep a secret, in place of the one that the name had, for its uses and no others.

    Args:
        keyring: Opens the city's key.
        actor: Who sets it.
        name: What documents call it.
        value: The secret.
        now: The time.
        overlap: How long the value before is still accepted from others (webhooks that are still
            signed with it); only where its uses stay.
        uses: What it is entered for; by default what the city's documents name now.

    Raises:
        Invalid: The name is odd, the value empty or too long, or there is no use for it.
        CredentialError: The city's key cannot be opened.
    """
    check_secret(name, value)
    named = current_city().secret_uses if uses is None else uses
    bound_to = bound_of(name, named)
    with transaction() as session:
        _make_key(keyring, now)
        sealed = seal(AESGCM(_data_key(keyring)), value.encode(), _place(name))
        row = session.scalars(
            select(Credential).where(Credential.name == name).with_for_update()
        ).one_or_none()
        if row is None:
            row = Credential(name=name)
            session.add(row)
        elif overlap and _all_within(bound_to, row.bound_to):
            row.before, row.before_until = row.sealed, now + overlap
        else:
            row.before = row.before_until = None
        row.sealed, row.updated_at, row.updated_by = sealed, now, actor.name
        row.bound_to = bound_to
        row.probed_at, row.probe_ok, row.probe_detail = None, None, ""
        record(actor, "credential.set", name, {"overlap": bool(overlap)}, now)


def check_secret(name: str, value: str) -> None:
    """Refuse an odd name or value.

    Raises:
        FieldErrors: Which of the two, as ``name`` or ``secret``.
    """
    errors: dict[str, Any] = {}
    if not CREDENTIAL_NAME.fullmatch(name):
        errors["name"] = _("A secret's name can only have lowercase letters, digits and _.")
    if not value or len(value) > LONGEST_SECRET or "\0" in value:
        errors["secret"] = _("Enter a secret of 1 to 8,000 characters.")
    if errors:
        raise FieldErrors(errors)


def bound_of(name: str, uses: Iterable[SecretUse]) -> list[list[str]]:
    """The uses of a secret among some, as they are stored.

    Raises:
        Invalid: There is none, or it would serve payments and something else.
    """
    own = sorted(use for use in uses if use.name == name)
    if not own:
        raise Invalid(
            _(
                "No configuration uses a secret “%(name)s” yet. Save the configuration that uses it first: a secret is entered for one use and cannot serve another.",
                name=name,
            )
        )
    if len({use.pays for use in own}) > 1:
        raise Invalid(
            _("“%(name)s” is a payments secret. It cannot be used for anything else.", name=name)
        )
    return [use.bound for use in own]


def refuse_other_use(use: SecretUse, bound_to: list[Any]) -> None:
    """Keep a secret from a use that it was not entered for.

    Raises:
        CredentialError: It was entered for others.
    """
    if use.bound not in bound_to:
        log.error("secret_of_another_use", name=use.name, path=use.path, goes_to=use.destination)
        raise CredentialError(
            _("The secret “%(name)s” was entered for another use. Enter it again.", name=use.name)
        )


def _all_within(bound_to: list[list[str]], before: list[Any]) -> bool:
    return all(one in before for one in bound_to)


def remove_credential(actor: Actor, name: str, now: datetime) -> None:
    """Forget a secret.

    Raises:
        NotFound: There is none of that name.
    """
    with transaction():
        one_or_404(delete(Credential).where(Credential.name == name).returning(Credential.id))
        record(actor, "credential.remove", name, {}, now)


def read_credential(keyring: Keyring, use: SecretUse) -> str:
    """A secret's value, for one use of it.

    Raises:
        CredentialError: It has not been set, was entered for another use, or cannot be opened.
    """
    row = _row(use)
    return _opened(keyring, use.name, row.sealed, row)


def accepted_values(keyring: Keyring, use: SecretUse, now: datetime) -> list[str]:
    """The values that others may still use: the present one, and during an overlap the one before.

    Raises:
        CredentialError: As ``read_credential`` does.
    """
    row = _row(use)
    found = [_opened(keyring, use.name, row.sealed, row)]
    if row.before is not None and row.before_until is not None and row.before_until > now:
        found.append(_opened(keyring, use.name, row.before, row))
    return found


def credentials() -> list[Credential]:
    """This city's secrets by name; their rows hold no value that reads."""
    return load(Credential, _CREDENTIALS)


def usable_secrets() -> frozenset[SecretUse]:
    """Every use for which this city has a secret."""
    return frozenset(SecretUse(row.name, *place) for row in run(_USES) for place in row.bound_to)


def note_probe(name: str, ok: bool | None, detail: str, now: datetime) -> None:
    """Keep what a probe of a secret found."""
    with transaction() as session:
        session.execute(
            update(Credential)
            .where(Credential.name == name)
            .values(probed_at=now, probe_ok=ok, probe_detail=detail[:200])
        )


def rewrap(keyring: Keyring) -> bool:
    """Wrap the key of the current city with the present master key; False if it is already
    (or there is none). What it encrypts stays as it is.

    Raises:
        CredentialError: No master key that we have opens it.
    """
    with transaction() as session:
        row = session.scalars(select(CityKey).with_for_update()).one_or_none()
        if row is None or row.master_mark == keyring.mark:
            return False
        row.wrapped = keyring.wrap(current_city_id(), _data_key(keyring))
        row.master_mark = keyring.mark
    return True


def opens(keyring: Keyring) -> bool:
    """Whether a keyring opens the key of the current city; a city without one is fine."""
    row = db.session.scalars(select(CityKey)).one_or_none()
    try:
        if row is not None:
            keyring.data_key(current_city_id(), row.wrapped, row.master_mark)
    except InvalidTag:
        return False
    return True


def city_secret(keyring: Keyring, purpose: str, now: datetime) -> bytes:
    """A key of the city's own for one purpose, derived from its data key (RFC 5869).

    Raises:
        CredentialError: The city's key cannot be opened.
    """
    if (row := _key_row()) is None:
        with transaction():
            _make_key(keyring, now)
            row = _key_row()
    return HKDF(SHA256(), KEY_BYTES, None, purpose.encode()).derive(_opened_key(keyring, row))


def _make_key(keyring: Keyring, now: datetime) -> None:
    insert_once(
        CityKey,
        (),
        wrapped=keyring.new_data_key(current_city_id()),
        master_mark=keyring.mark,
        created_at=now,
    )


def _data_key(keyring: Keyring) -> bytes:
    return _opened_key(keyring, _key_row())


def _key_row() -> Any:
    return run(_KEY).one_or_none()


def _opened_key(keyring: Keyring, row: Any) -> bytes:
    if row is None:
        raise CredentialError(_("This city has no secrets yet."))
    try:
        return keyring.data_key(current_city_id(), row.wrapped, row.master_mark)
    except InvalidTag:
        log.error("city_key_does_not_open", another_master=row.master_mark != keyring.mark)
        raise CredentialError(
            _(
                "The city's key cannot be decrypted with this SMARTCITY_MASTER_KEY. Check that it is the right one."
            )
        ) from None


def _place(name: str) -> str:
    return f"credential:{current_city_id()}:{name}"


def _row(use: SecretUse) -> Any:
    """A secret as it is stored: ``sealed``, ``bound_to``, ``before``, ``before_until``, with
    its city's key: ``wrapped``, ``master_mark``."""
    row = run(_ONE, {"name": use.name}).one_or_none()
    if row is None:
        raise CredentialError(_("The secret “%(name)s” has not been set.", name=use.name))
    refuse_other_use(use, row.bound_to)
    note_use(use.name)
    return row


def _opened(keyring: Keyring, name: str, sealed: bytes, key: Any) -> str:
    try:
        return unseal(AESGCM(_opened_key(keyring, key)), sealed, _place(name)).decode()
    except InvalidTag:
        log.error("credential_does_not_open", name=name)
        raise CredentialError(
            _("We could not decrypt the secret “%(name)s”. Set it again.", name=name)
        ) from None
