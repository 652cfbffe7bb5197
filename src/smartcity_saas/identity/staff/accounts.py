"""Accounts of staff: making and changing them, closing them.

Whoever manages accounts does so within their own reach, and gives no role that reaches further.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import bindparam, delete, func, select, update

from smartcity_saas.audit import PLATFORM_REACH, Actor, record
from smartcity_saas.configuration.models import Document
from smartcity_saas.configuration.repository import live_documents
from smartcity_saas.database import db, run, table_of, transaction
from smartcity_saas.errors import FieldErrors, Invalid, NotAllowed, NotFound
from smartcity_saas.identity.rate_limits import DAY, count_attempt, give_back
from smartcity_saas.identity.staff.models import (
    Staff,
    StaffAttempt,
    StaffFactor,
    StaffIdentity,
    StaffInvitation,
    StaffRecoveryCode,
    StaffSession,
)
from smartcity_saas.identity.staff.passwords import hashed, matches, refuse_weak
from smartcity_saas.identity.staff.roles import Place, StaffMember, document_at, split
from smartcity_saas.identity.tokens import token_hash

MOST_TRIES = 5
MOST_TRIES_A_DAY = 100
"""Wrong passwords for one account within a day, from all unknown devices together."""


class WrongPassword(Invalid):
    """The name or the password is wrong; which of the two is not said."""


def create_staff(
    actor: Actor,
    username: str,
    name: str,
    roles: Sequence[str],
    password: str | None,
    *,
    mail: str | None = None,
    province: str | None = None,
    city: str | None = None,
    demo: bool = False,
    now: datetime,
) -> StaffMember:
    """Make an account; without a password one comes in by one's province's provider alone.

    Raises:
        NotAllowed: The roles reach further than the actor.
        FieldErrors: The name is taken or odd, the password weak, or roles and place do not fit.
    """
    typed = username
    errors: dict[str, Any] = {}
    try:
        username = read_username(typed)
    except FieldErrors as error:
        errors.update(error.fields)
    province, city = check_roles(actor, roles, province, city)
    if not name.strip() or len(name) > 60:
        errors["name"] = _("Enter a name of 1 to 60 characters.")
    if password is not None and not demo:
        try:
            _refuse_weak(password, username, name, mail)
        except FieldErrors as error:
            errors.update(error.fields)
    if errors:
        raise FieldErrors(errors)
    with transaction() as session:
        if session.scalars(select(Staff).where(Staff.username == username)).one_or_none():
            raise FieldErrors({"username": _("“%(name)s” is taken.", name=username)})
        row = Staff(
            username=username,
            name=name.strip(),
            mail=mail,
            roles=[*roles],
            province=province,
            city=city,
            password_hash=hashed(password) if password is not None else "",
            demo=demo,
            created_at=now,
        )
        session.add(row)
        session.flush()
        _note(actor, "create", row, now, {"roles": [*roles]})
    return member_of(row)


def read_username(typed: str) -> str:
    """A user name as it is kept.

    Raises:
        FieldErrors: It is odd, as ``username``.
    """
    username = typed.strip().lower()
    if not re.fullmatch(r"[a-z][a-z0-9._-]{1,39}", username):
        raise FieldErrors(
            {"username": _("Enter a username of 2 to 40 characters: a-z, 0-9, dots, - and _.")}
        )
    return username


def change_roles(actor: Actor, username: str, roles: Sequence[str], now: datetime) -> None:
    """Give an account other roles at its place; whoever is signed in with it is out at once.

    Raises:
        NotAllowed: The account, or a role, is beyond the actor.
        NotFound: There is no such account within the actor's reach.
        FieldErrors: The roles do not fit the place, as ``roles``.
    """
    with transaction() as session:
        row = managed(actor, username)
        if check_roles(actor, roles, row.province, row.city) != (row.province, row.city):
            said = _("These roles belong to another level. Send a new invitation.")
            raise FieldErrors({"roles": said})
        row.roles = [*roles]
        _end_invitations(username, now)
        session.execute(delete(StaffSession).where(StaffSession.staff_id == row.id))
        _note(actor, "roles", row, now, {"roles": [*roles]})


def change_password(
    member: StaffMember, old: str, new: str, keep: str | None, now: datetime
) -> None:
    """Change one's own password; every session but the one of the token ``keep`` ends.

    Raises:
        WrongPassword: The old one is wrong.
        Throttled: It was wrong too often.
        FieldErrors: The new one is weak, as ``password``.
    """
    count_own_password(member.id, now)
    with transaction() as session:
        row = session.get_one(Staff, member.id)
        if not matches(row.password_hash, old):
            raise WrongPassword(_("The old password is wrong."))
        _refuse_weak(new, row.username, row.name, row.mail)
        row.password_hash = hashed(new)
        give_back(StaffAttempt, f"password-day:{row.id}")
        session.execute(
            delete(StaffSession).where(
                StaffSession.staff_id == row.id, StaffSession.token_hash != token_hash(keep or "")
            )
        )
        _note(member.actor, "password", row, now)


def count_own_password(staff_id: uuid.UUID, now: datetime) -> None:
    """Count a guess at the password of somebody who is signed in, within minutes and a day: a
    session may be a thief's.

    Raises:
        Throttled: There were too many.
    """
    count_attempt(StaffAttempt, f"password:{staff_id}", MOST_TRIES, now)
    count_attempt(StaffAttempt, f"password-day:{staff_id}", MOST_TRIES_A_DAY, now, DAY)


def renew_account(staff_id: uuid.UUID, password: str | None, now: datetime) -> StaffMember:
    """A new way in to an account: its old password, link and sessions are void, its second factors
    stay. Without a password one comes in by one's province's provider alone.

    Raises:
        NotFound: It has been disabled.
        Invalid: The password is weak.
    """
    with transaction() as session:
        row = session.get_one(Staff, staff_id, with_for_update=True)
        if row.disabled_at is not None:
            raise NotFound(_("This account has been disabled."))
        if password is not None:
            _refuse_weak(password, row.username, row.name, row.mail)
        row.password_hash = hashed(password) if password is not None else ""
        for model in (StaffSession, StaffIdentity):
            session.execute(delete(model).where(model.staff_id == row.id))
        _note(member_of(row).actor, "renew", row, now)
        return member_of(row)


def has_password(member: StaffMember) -> bool:
    """Whether somebody may come in by a password."""
    return bool(db.session.get_one(Staff, member.id).password_hash)


def province_of(member: StaffMember) -> str | None:
    """The province of somebody's place; None for the platform."""
    return province_at(member.province, member.city)


def province_at(province: str | None, city: str | None) -> str | None:
    """The province of a place: its own, or that of the city."""
    return province or (_province_of(city) if city else "") or None


def disable_staff(actor: Actor, username: str, now: datetime) -> None:
    """Close an account and end its sessions at once.

    Raises:
        NotAllowed: It is the actor's own.
        NotFound: There is no such account within the actor's reach.
    """
    with transaction() as session:
        row = managed(actor, username)
        row.disabled_at = now
        _end_invitations(username, now)
        session.execute(delete(StaffSession).where(StaffSession.staff_id == row.id))
        _note(actor, "disable", row, now)


def enable_staff(actor: Actor, username: str, now: datetime) -> None:
    """Open a closed account again.

    Raises:
        NotFound: There is no such account within the actor's reach.
    """
    with transaction():
        row = managed(actor, username)
        row.disabled_at = None
        _note(actor, "enable", row, now)


def reset_factors(actor: Actor, username: str, now: datetime) -> None:
    """Take away the second factors of somebody who has lost them; at the next sign-in they set
    up new ones.

    Raises:
        NotFound: There is no such account within the actor's reach.
    """
    with transaction() as session:
        row = managed(actor, username)
        for model in (StaffFactor, StaffRecoveryCode, StaffSession):
            session.execute(delete(model).where(model.staff_id == row.id))
        _note(actor, "reset_factors", row, now)


def staff_within(actor: Actor, province: str | None, city: str | None) -> list[Staff]:
    """The accounts at a place, for whoever manages it; with neither, every account.

    Raises:
        NotAllowed: The place is beyond the actor.
    """
    refuse_beyond(actor, province, city, reading=True)
    query = select(Staff).order_by(Staff.disabled_at.is_not(None), Staff.username)
    if city is not None:
        query = query.where(Staff.city == city)
    elif province is not None:
        inside = select(Document.name).where(Document.province == province, Document.kind == "city")
        query = query.where((Staff.province == province) | Staff.city.in_(inside))
    return list(db.session.scalars(query))


def staff_called(text: str) -> frozenset[str]:
    """The actors (``staff:wu.min``) whose name has a text in it."""
    fits = func.lower(Staff.name).contains(text.lower(), autoescape=True)
    return frozenset(
        f"staff:{one}" for one in db.session.scalars(select(Staff.username).where(fits))
    )


def names_of_staff(actors: Iterable[str]) -> dict[str, str]:
    """The names of people behind actors such as ``staff:wu.min``, by account."""
    accounts = {actor.partition(":")[2] for actor in actors if actor.startswith("staff:")}
    rows = db.session.execute(
        select(Staff.username, Staff.name).where(Staff.username.in_(accounts))
    )
    return {username: name for username, name in rows.all()}  # noqa: C416 -- rows are no pairs


def has_staff() -> bool:
    """Whether anybody can sign in on the console."""
    return db.session.scalars(select(Staff.id).limit(1)).first() is not None


_staff = table_of(Staff)
_ONE_AT = (
    select(_staff.c.id)
    .where(_staff.c.city == bindparam("place"), _staff.c.disabled_at.is_(None))
    .limit(1)
)


def has_account_at(city: str) -> bool:
    """Whether anybody's account at a city is open."""
    return run(_ONE_AT, {"place": city}).first() is not None


def has_demo_staff() -> bool:
    """Whether an account of the demo exists, which a production start refuses."""
    return db.session.scalars(select(Staff.id).where(Staff.demo).limit(1)).first() is not None


def refuse_beyond(
    actor: Actor, province: str | None, city: str | None, *, reading: bool = False
) -> None:
    """Refuse to manage accounts beyond one's own reach; ``reading`` needs the reach alone.

    Raises:
        NotAllowed: The place, or managing accounts, is beyond the actor.
    """
    if city is not None:
        within, needed = actor.reaches_city(city, _province_of(city)), "city.staff"
    elif province is not None:
        within, needed = actor.reaches_province(province), "province.staff"
    else:
        within, needed = actor.reach == PLATFORM_REACH, "platform.staff"
    if not within or not (reading or actor.may(needed)):
        raise NotAllowed(_("You cannot manage these accounts."))


def check_roles(
    actor: Actor, roles: Sequence[str], province: str | None, city: str | None
) -> tuple[str | None, str | None]:
    """Where roles are held: all at one place that exists and that the actor manages.

    Returns:
        The province, or the city; neither for the platform.

    Raises:
        FieldErrors: As ``roles``: none, an unknown one, or of several places; as ``at``: no such
            place.
        NotAllowed: The place is beyond the actor.
    """
    found = [split(held) for held in roles]
    places: set[Place] = {role.place for role, _only in found if role is not None}
    odd = any(r is None or (r.per_service != (only is not None)) for r, only in found)
    if odd or len(places) != 1:
        said = _("Choose at least one role. All roles must be at the same level.")
        raise FieldErrors({"roles": said})
    place = places.pop()
    if place == "province" and (province is None or not live_documents([f"province:{province}"])):
        if not province:
            raise FieldErrors({"at": _("Enter the slug of the province for these roles.")})
        raise FieldErrors({"at": _("There is no province “%(name)s”.", name=province)})
    if place == "city" and (city is None or not live_documents([city])):
        if not city:
            raise FieldErrors({"at": _("Enter the slug of the city for these roles.")})
        raise FieldErrors({"at": _("There is no city “%(name)s”.", name=city)})
    province = province if place == "province" else None
    city = city if place == "city" else None
    refuse_beyond(actor, province, city)
    return province, city


def _end_invitations(username: str, now: datetime) -> None:
    """Whoever may no longer invite has invited nobody."""
    db.session.execute(
        update(StaffInvitation)
        .where(
            StaffInvitation.invited_by == f"staff:{username}", StaffInvitation.ended_at.is_(None)
        )
        .values(ended_at=now)
    )


def managed(actor: Actor, username: str) -> Staff:
    """An account within an actor's reach, and not the actor's own.

    Raises:
        NotFound: There is none within the actor's reach.
        NotAllowed: It is the actor's own.
    """
    row = db.session.scalars(
        select(Staff).where(Staff.username == username).with_for_update()
    ).one_or_none()
    missing = NotFound(_("There is no account “%(name)s”.", name=username))
    if row is None:
        raise missing
    try:
        refuse_beyond(actor, row.province, row.city)
    except NotAllowed:
        raise missing from None
    if actor.name == f"staff:{username}":
        raise NotAllowed(
            _("You cannot do this to your own account. Ask another person who manages accounts.")
        )
    return row


def _province_of(city: str) -> str:
    found = live_documents([city])
    return (found[0].province or "") if found else ""


def _refuse_weak(password: str, username: str, name: str, mail: str | None) -> None:
    refuse_weak(password, username, name, (mail or "").partition("@")[0])


def note_staff_act(
    member: StaffMember, act: str, now: datetime, detail: dict[str, Any] | None = None
) -> None:
    """Note what somebody did to their own account, in the audit log of its place."""
    record(
        member.actor,
        f"staff.{act}",
        f"staff:{member.username}",
        detail or {},
        now,
        place=member.document,
    )


def _note(
    actor: Actor, act: str, row: Staff, now: datetime, detail: dict[str, Any] | None = None
) -> None:
    """Note an act on an account, in the audit log of its place."""
    place = document_at(row.province, row.city)
    record(actor, f"staff.{act}", f"staff:{row.username}", detail or {}, now, place=place)


def member_of(row: Any) -> StaffMember:
    """An account (a ``Staff``, or a row of its columns) as somebody signed in with it."""
    roles: Any = tuple(row.roles)
    return StaffMember(row.id, row.username, row.name, roles, row.province, row.city, row.demo)
