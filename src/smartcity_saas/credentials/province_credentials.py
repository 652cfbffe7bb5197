"""Secrets of a province's own document, such as that of its staff's OpenID client. There are few,
and no city's data hangs on them: the master key seals them itself."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from cryptography.exceptions import InvalidTag
from flask_babel import lazy_gettext as _
from sqlalchemy import Select, select, update

from smartcity_saas.audit import Actor, record
from smartcity_saas.configuration.secret_uses import SecretUse
from smartcity_saas.credentials.keyring import Keyring
from smartcity_saas.credentials.models import ProvinceSecret
from smartcity_saas.credentials.reencryption import reencrypt_rows
from smartcity_saas.credentials.store import (
    CredentialError,
    bound_of,
    check_secret,
    refuse_other_use,
)
from smartcity_saas.credentials.usage import EVERY
from smartcity_saas.database import db, transaction
from smartcity_saas.logs import get_logger

log = get_logger(__name__)


def store_province_secret(
    keyring: Keyring,
    actor: Actor,
    province: str,
    name: str,
    value: str,
    now: datetime,
    uses: Iterable[SecretUse],
) -> None:
    """Keep a secret, in place of the one that the name had, for those of ``uses`` that name it.

    Raises:
        Invalid: The name is odd, the value empty or too long, or there is no use for it.
    """
    check_secret(name, value)
    bound_to = bound_of(name, uses)
    with transaction() as session:
        row = session.scalars(_query(province, name).with_for_update()).one_or_none()
        if row is None:
            row = ProvinceSecret(province=province, name=name)
            session.add(row)
        row.sealed = keyring.seal_platform(_place(province, name), value.encode())
        row.updated_at, row.updated_by, row.bound_to = now, actor.name, bound_to
        record(actor, "credential.set", f"province:{province}", {"name": name}, now)


def read_province_secret(keyring: Keyring, province: str, use: SecretUse, now: datetime) -> str:
    """A secret's value, for one use of it; that it was used is noted, once an hour at most.

    Raises:
        CredentialError: It has not been set, was entered for another use, or cannot be opened.
    """
    name = use.name
    row = db.session.scalars(_query(province, name)).one_or_none()
    if row is None:
        raise CredentialError(_("The secret “%(name)s” has not been set.", name=name))
    refuse_other_use(use, row.bound_to)
    try:
        value = keyring.open_platform(_place(province, name), row.sealed).decode()
    except InvalidTag:
        log.error("province_secret_does_not_open", province=province, name=name)
        raise CredentialError(
            _("We could not decrypt the secret “%(name)s”. Set it again.", name=name)
        ) from None
    if row.used_at is None or now - row.used_at >= EVERY:
        with transaction() as session:
            session.execute(
                update(ProvinceSecret).where(ProvinceSecret.id == row.id).values(used_at=now)
            )
    return value


def province_secrets(province: str) -> list[ProvinceSecret]:
    """A province's secrets by name; their rows hold no value that reads."""
    query = select(ProvinceSecret).where(ProvinceSecret.province == province)
    return list(db.session.scalars(query.order_by(ProvinceSecret.name)))


def reencrypt_province_secrets(
    keyring: Keyring, *, only_try: bool = False
) -> tuple[int, list[str]]:
    """As ``reencrypt_rows``, the secrets of every province."""
    secret = ProvinceSecret
    query = select(secret.id, secret.province, secret.name, secret.sealed)
    return reencrypt_rows(
        keyring,
        secret,
        "sealed",
        [
            (key, _place(province, name), f"province:{province} {name}", sealed)
            for key, province, name, sealed in db.session.execute(query).all()
        ],
        only_try=only_try,
    )


def _query(province: str, name: str) -> Select[ProvinceSecret]:
    return select(ProvinceSecret).where(
        ProvinceSecret.province == province, ProvinceSecret.name == name
    )


def _place(province: str, name: str) -> str:
    return f"secret:{province}:{name}"
