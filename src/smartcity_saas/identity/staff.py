"""Accounts of staff: making them, signing in and out, disabling them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from datetime import timedelta
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask_babel import lazy_gettext as _
from sqlalchemy import delete, select

from smartcity_saas.audit import PLATFORM_REACH, Actor, record
from smartcity_saas.clock import Clock, utc_now
from smartcity_saas.configuration.stored import live_documents
from smartcity_saas.database import command, db
from smartcity_saas.errors import Invalid, NotAllowed, NotFound
from smartcity_saas.identity.access import (
    CITY_STAFF,
    OPERATOR,
    PROVINCE_ADMIN,
    StaffMember,
)
from smartcity_saas.identity.models import Staff, StaffAttempt, StaffSession
from smartcity_saas.identity.throttle import attempt, forget, give_back
from smartcity_saas.identity.tokens import new_token, token_hash

SESSION_LENGTH = timedelta(hours=12)
SHORTEST_PASSWORD = 12
MOST_TRIES = 5
MOST_TRIES_FROM_ADDRESS = 30
MOST_TRIES_OF_ACCOUNT = 60

_hasher = PasswordHasher()


class WrongPassword(Invalid):
    """The name or the password is wrong; which of the two is not said."""


def sign_in(username: str, password: str, address: str, clock: Clock = utc_now) -> str:
    """Sign in; returns the session's token.

    Raises:
        WrongPassword: Also for an unknown name and a disabled account.
        Throttled: Too many attempts for this name, or from this address.
    """
    name = username.strip().lower()[:64]
    now = clock()
    network = _network(address)
    attempt(StaffAttempt, f"address:{network}", MOST_TRIES_FROM_ADDRESS, now)
    attempt(StaffAttempt, f"name:{name}|{network}", MOST_TRIES, now)
    attempt(StaffAttempt, f"account:{name}", MOST_TRIES_OF_ACCOUNT, now)
    found = db.session.scalars(select(Staff).where(Staff.username == name)).one_or_none()
    if not _matches(found.password_hash if found else _nobodys(), password):
        raise WrongPassword(_("The name or the password is wrong."))
    if found is None or found.disabled_at is not None:
        raise WrongPassword(_("The name or the password is wrong."))
    forget(StaffAttempt, f"name:{name}|{network}")
    give_back(StaffAttempt, f"address:{network}")
    token = new_token()
    with command() as session:
        session.add(
            StaffSession(
                token_hash=token_hash(token),
                staff_id=found.id,
                created_at=now,
                expires_at=now + SESSION_LENGTH,
            )
        )
        record(_member(found).actor, "staff.sign_in", f"staff:{found.username}", {}, now)
    return token


def signed_in(token: str, clock: Clock = utc_now) -> StaffMember | None:
    """Who holds a token; None if it has expired or the account is disabled."""
    row = db.session.execute(
        select(Staff, StaffSession)
        .join(StaffSession, StaffSession.staff_id == Staff.id)
        .where(StaffSession.token_hash == token_hash(token))
    ).one_or_none()
    if row is None or row[0].disabled_at is not None or row[1].expires_at <= clock():
        return None
    return _member(row[0])


def sign_out(token: str) -> None:
    """End a session."""
    with command() as session:
        session.execute(delete(StaffSession).where(StaffSession.token_hash == token_hash(token)))


def create_staff(
    actor: Actor,
    username: str,
    name: str,
    role: str,
    password: str,
    *,
    province: str | None = None,
    city: str | None = None,
    demo: bool = False,
    clock: Clock = utc_now,
) -> StaffMember:
    """Make an account.

    Raises:
        NotAllowed: The actor does not reach the whole platform.
        Invalid: The name is taken or odd, the password short, or the place does not exist.
    """
    _refuse_beyond(actor)
    username = username.strip().lower()
    _refuse_odd(username, name, role, password, province, city)
    with command() as session:
        if session.scalars(select(Staff).where(Staff.username == username)).one_or_none():
            raise Invalid(_("“%(name)s” is taken.", name=username))
        row = Staff(
            username=username,
            name=name.strip(),
            role=role,
            province=province if role == PROVINCE_ADMIN else None,
            city=city if role == CITY_STAFF else None,
            password_hash=_hasher.hash(password),
            demo=demo,
            created_at=clock(),
        )
        session.add(row)
        record(
            actor,
            "staff.create",
            f"staff:{username}",
            {"role": role, "at": province or city or ""},
            clock(),
        )
    return _member(row)


def disable_staff(actor: Actor, username: str, clock: Clock = utc_now) -> None:
    """Close an account and end its sessions at once.

    Raises:
        NotAllowed: The actor does not reach the whole platform.
        NotFound: There is no such account.
    """
    _refuse_beyond(actor)
    with command() as session:
        row = session.scalars(select(Staff).where(Staff.username == username)).one_or_none()
        if row is None:
            raise NotFound(_("There is no account “%(name)s”.", name=username))
        row.disabled_at = clock()
        session.execute(delete(StaffSession).where(StaffSession.staff_id == row.id))
        record(actor, "staff.disable", f"staff:{username}", {}, clock())


def all_staff(actor: Actor) -> list[Staff]:
    """Every account, for an operator.

    Raises:
        NotAllowed: The actor does not reach the whole platform.
    """
    _refuse_beyond(actor)
    return list(db.session.scalars(select(Staff).order_by(Staff.role, Staff.username)))


def names_of_staff(actors: Iterable[str]) -> dict[str, str]:
    """The names of people behind actors such as ``staff:wu.min``, by account."""
    accounts = {actor.partition(":")[2] for actor in actors if actor.startswith("staff:")}
    rows = db.session.execute(
        select(Staff.username, Staff.name).where(Staff.username.in_(accounts))
    )
    return {username: name for username, name in rows.all()}  # noqa: C416 -- rows are no pairs


def has_demo_staff() -> bool:
    """Whether an account of the demo exists, which a production start refuses."""
    return db.session.scalars(select(Staff.id).where(Staff.demo).limit(1)).first() is not None


@cache
def _nobodys() -> str:
    """A hash to compare with where there is no account, so that it takes as long."""
    return _hasher.hash("a password that nobody has")


def _network(address: str) -> str:
    """What one person has: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    return str(ipaddress.ip_network((found, 64 if found.version == 6 else 32), strict=False))


def _matches(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password[:1024])
    except (VerificationError, InvalidHashError):
        return False


def _refuse_beyond(actor: Actor) -> None:
    if actor.reach != PLATFORM_REACH:
        raise NotAllowed(_("Only an operator manages accounts."))


def _refuse_odd(
    username: str, name: str, role: str, password: str, province: str | None, city: str | None
) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9._-]{1,39}", username):
        raise Invalid(_("A user name has 2 to 40 of a-z, 0-9, dot, - and _."))
    if not name.strip() or len(name) > 60:
        raise Invalid(_("A person's name has 1 to 60 characters."))
    if len(password) < SHORTEST_PASSWORD:
        raise Invalid(_("A password has at least 12 characters."))
    place: Any = {OPERATOR: None, PROVINCE_ADMIN: province, CITY_STAFF: city}.get(role, "")
    if place == "" or (role != OPERATOR and place is None):
        raise Invalid(_("A province admin needs a province, city staff a city."))
    if role == PROVINCE_ADMIN and not live_documents([f"province:{province}"]):
        raise Invalid(_("There is no province “%(name)s”.", name=province))
    if role == CITY_STAFF and not live_documents([str(city)]):
        raise Invalid(_("There is no city “%(name)s”.", name=city))


def _member(row: Staff) -> StaffMember:
    return StaffMember(row.id, row.username, row.name, row.role, row.province, row.city, row.demo)
