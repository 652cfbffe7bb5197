"""Sessions of staff on the console: begun by a password or a provider, half way until a second
factor has come, ended at once."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidTag
from flask_babel import lazy_gettext as _
from sqlalchemy import bindparam, delete, select, update

from smartcity_saas.addresses import network_of
from smartcity_saas.credentials import Keyring, reencrypt_rows
from smartcity_saas.database import db, run, table_of, transaction
from smartcity_saas.errors import NotAllowed
from smartcity_saas.identity.rate_limits import DAY, count_attempt, forget, give_back
from smartcity_saas.identity.staff.accounts import (
    MOST_TRIES,
    MOST_TRIES_A_DAY,
    WrongPassword,
    count_own_password,
    member_of,
    note_staff_act,
)
from smartcity_saas.identity.staff.models import Staff, StaffAttempt, StaffFactor, StaffSession
from smartcity_saas.identity.staff.passwords import matches
from smartcity_saas.identity.staff.roles import StaffMember, needs_second_factor
from smartcity_saas.identity.tokens import new_token, token_hash
from smartcity_saas.product import product

SESSION_LENGTH = timedelta(hours=12)
HALF_WAY = timedelta(minutes=15)
"""How long somebody has between the password and the second factor."""
PROOF_LENGTH = timedelta(minutes=10)
"""How long a sign-in, or a password typed anew, counts as a proof of who one is."""
MOST_TRIES_FROM_ADDRESS = 30
MOST_TRIES_OF_ACCOUNT = 60
_staff, _session = table_of(Staff), table_of(StaffSession)
_SIGNED_IN = (
    select(
        *(_staff.c[name] for name in ("id", "username", "name", "roles", "province", "city")),
        *(_staff.c[name] for name in ("demo", "disabled_at")),
        *(_session.c[name] for name in ("complete", "proved_at", "expires_at")),
        _session.c.province.label("by_province"),
    )
    .join_from(_staff, _session, _session.c.staff_id == _staff.c.id)
    .where(_session.c.token_hash == bindparam("token_hash"))
)
"""Who holds a token: asked for every page of the console."""


@dataclass(frozen=True)
class SignedIn:
    """What a session's token stands for: who, whether a second factor is still to come, when they
    last proved who they are, and by which province's provider they came in."""

    member: StaffMember
    complete: bool
    has_factor: bool
    proved_at: datetime
    province: str | None

    def has_just_proved(self, now: datetime) -> bool:
        """Whether that is recent enough to change how one signs in."""
        return now - self.proved_at < PROOF_LENGTH


@dataclass(frozen=True)
class Provided:
    """By which province's provider somebody comes in, its ID token, and when it last asked who
    they are."""

    province: str
    id_token: str
    proved_at: datetime


def sign_in(
    username: str,
    password: str,
    address: str,
    now: datetime,
    *,
    known_device: str | None = None,
    device: str = "",
) -> str:
    """Sign in; returns the session's token, which may still need a second factor.

    Attempts from unknown devices are counted by address, by name from that address, and by name,
    within minutes and within a day: anybody could make them, so they do not count for a browser by which
    its owner has come in before. That one (``known_device``, its mark) is counted by itself.

    Raises:
        WrongPassword: Also for an unknown name and a disabled account.
        Throttled: Too many attempts for this name, or from this address.
    """
    name = username.strip().lower()[:64]
    network = network_of(address)
    mine = f"device:{known_device}|{name}" if known_device else f"name:{name}|{network}"
    if known_device:  # marks can be collected, so all of a name's count together as well
        count_attempt(StaffAttempt, f"known:{name}", MOST_TRIES_OF_ACCOUNT, now)
    else:
        count_attempt(StaffAttempt, f"address:{network}", MOST_TRIES_FROM_ADDRESS, now)
        count_attempt(StaffAttempt, f"account:{name}", MOST_TRIES_OF_ACCOUNT, now)
    count_attempt(StaffAttempt, mine, MOST_TRIES, now)
    if not known_device:
        count_attempt(StaffAttempt, f"account-day:{name}", MOST_TRIES_A_DAY, now, DAY)
    found = db.session.scalars(select(Staff).where(Staff.username == name)).one_or_none()
    fits = matches(found.password_hash if found else None, password)
    if found is None or found.disabled_at is not None or not fits:
        raise WrongPassword(_("The username or password is wrong."))
    forget(StaffAttempt, mine)
    for key in [f"known:{name}"] if known_device else [f"address:{network}", f"account-day:{name}"]:
        give_back(StaffAttempt, key)
    return begin_session(member_of(found), now, device=device)


def begin_session(
    member: StaffMember, now: datetime, *, device: str = "", provided: Provided | None = None
) -> str:
    """A session of whoever has just shown to be somebody; returns its token. It is half way where
    a second factor is set, or needed."""
    complete = not _has_factor(member.id) and not _needs_factor(member)
    token = new_token()
    with transaction() as session:
        session.add(
            StaffSession(
                token_hash=token_hash(token),
                staff_id=member.id,
                complete=complete,
                device=device,
                created_at=now,
                proved_at=provided.proved_at if provided else now,
                expires_at=now + (SESSION_LENGTH if complete else HALF_WAY),
                province=provided.province if provided else None,
                id_token=_sealed(member, provided.id_token) if provided else None,
            )
        )
        if complete:
            _note_sign_in(member, provided.province if provided else None, now)
    return token


def complete_session(token: str, now: datetime) -> str:
    """The second factor has come: the session goes on, by another token; returns it.

    Raises:
        NotAllowed: The session has expired meanwhile.
    """
    found, made = session_of(token, now), new_token()
    if found is None:
        raise NotAllowed(_("Sign in first."))
    with transaction() as session:
        session.execute(
            update(StaffSession)
            .where(StaffSession.token_hash == token_hash(token))
            .values(
                token_hash=token_hash(made),
                complete=True,
                created_at=now,
                proved_at=now,
                expires_at=now + SESSION_LENGTH,
            )
        )
        _note_sign_in(found.member, found.province, now)
    return made


def session_of(token: str, now: datetime) -> SignedIn | None:
    """What a token stands for; None if it has expired or the account is disabled."""
    return _session_by(token_hash(token), now)


def signed_in_by(session_hash: str, now: datetime) -> StaffMember | None:
    """Whose session has a hash, as ``signed_in``."""
    found = _session_by(session_hash, now)
    return found.member if found is not None and found.complete else None


def _session_by(session_hash: str, now: datetime) -> SignedIn | None:
    row = run(_SIGNED_IN, {"token_hash": session_hash}).one_or_none()
    if row is None or row.disabled_at is not None or row.expires_at <= now:
        return None
    has_factor = row.complete or _has_factor(row.id)
    return SignedIn(member_of(row), row.complete, has_factor, row.proved_at, row.by_province)


def signed_in(token: str, now: datetime) -> StaffMember | None:
    """Who holds a token; None if a second factor is still to come."""
    return signed_in_by(token_hash(token), now)


def sessions_of(member: StaffMember, now: datetime) -> Sequence[StaffSession]:
    """Where a member of staff is signed in, the newest first; half-way ones too."""
    return db.session.scalars(
        select(StaffSession)
        .where(StaffSession.staff_id == member.id, StaffSession.expires_at > now)
        .order_by(StaffSession.created_at.desc(), StaffSession.token_hash)
    ).all()


def end_sessions(member: StaffMember, session_hashes: Collection[str], now: datetime) -> None:
    """End some of one's own sessions, there and at once; another's are left alone."""
    with transaction() as session:
        ended: Any = session.execute(
            delete(StaffSession).where(
                StaffSession.staff_id == member.id, StaffSession.token_hash.in_(session_hashes)
            )
        )
        if ended.rowcount:
            note_staff_act(member, "end_sessions", now, {"sessions": ended.rowcount})


def sign_out(token: str) -> None:
    """End a session."""
    with transaction() as session:
        session.execute(delete(StaffSession).where(StaffSession.token_hash == token_hash(token)))


def prove(member: StaffMember, password: str, token: str, now: datetime) -> None:
    """Prove anew, by one's password, who one is.

    Raises:
        WrongPassword: It is wrong.
        Throttled: It was wrong too often.
    """
    count_own_password(member.id, now)
    row = db.session.get_one(Staff, member.id)
    if not matches(row.password_hash, password):
        raise WrongPassword(_("The password is wrong."))
    give_back(StaffAttempt, f"password-day:{member.id}")
    note_proof(token, now)


def note_proof(token: str, now: datetime) -> None:
    """Keep that whoever holds a session has just proved who they are."""
    with transaction() as session:
        session.execute(
            update(StaffSession)
            .where(StaffSession.token_hash == token_hash(token))
            .values(proved_at=now)
        )


def id_token_of(token: str) -> tuple[str, str] | None:
    """By which province's provider a session began, and the ID token; None if by none, or if
    another master key has sealed it."""
    row = db.session.get(StaffSession, token_hash(token))
    if row is None or row.province is None or row.id_token is None:
        return None
    try:
        opened = _keyring().open_platform(f"id_token:{row.staff_id}", row.id_token)
    except InvalidTag:
        return None
    return row.province, opened.decode()


def reencrypt_id_tokens(*, only_try: bool = False) -> tuple[int, list[str]]:
    """As ``reencrypt_rows``, the ID tokens that sessions keep for signing out at a provider."""
    query = select(StaffSession.token_hash, StaffSession.staff_id, StaffSession.id_token)
    rows = db.session.execute(query.where(StaffSession.id_token.is_not(None))).all()
    return reencrypt_rows(
        _keyring(),
        StaffSession,
        "id_token",
        [
            (key, f"id_token:{staff_id}", "the ID token of a session", sealed or b"")
            for key, staff_id, sealed in rows
        ],
        only_try=only_try,
    )


def _note_sign_in(member: StaffMember, province: str | None, now: datetime) -> None:
    by = {"by": f"province:{province}"} if province else {}
    note_staff_act(member, "sign_in", now, by)


def _sealed(member: StaffMember, id_token: str) -> bytes:
    return _keyring().seal_platform(f"id_token:{member.id}", id_token.encode())


def _keyring() -> Keyring:
    return product().keyring


def _needs_factor(member: StaffMember) -> bool:
    return needs_second_factor(member.roles) and not member.demo


def _has_factor(staff_id: uuid.UUID) -> bool:
    query = select(StaffFactor.id).where(StaffFactor.staff_id == staff_id).limit(1)
    return db.session.scalars(query).first() is not None
