"""Residents of the current city: signing in through a channel, linking another, and
out."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, bindparam, delete, select

from smartcity_saas.audit import Actor, record
from smartcity_saas.credentials.personal_encryption import open_personal, own_index, seal_personal
from smartcity_saas.database import CITY, db, insert_once, run, table_of, transaction
from smartcity_saas.errors import Conflict, NotFound
from smartcity_saas.identity.federation.channels import AuthenticatedIdentity
from smartcity_saas.identity.residents.consents import PRIVACY, give
from smartcity_saas.identity.residents.models import Resident, ResidentIdentity, ResidentSession
from smartcity_saas.identity.tokens import new_token, token_hash

SESSION_LENGTH = timedelta(days=7)
NAMELESS = {"zh": "居民", "en": "Resident"}
"""What somebody is called whom the channel gives no name."""
_resident, _session = table_of(Resident), table_of(ResidentSession)
_SIGNED_IN = (
    select(
        *(_resident.c[name] for name in ("id", "name", "demo", "assurance", "consented")),
        _resident.c.closed_at,
        *(_session.c[name] for name in ("token_hash", "expires_at")),
        *(_session.c[name] for name in ("acting", "acting_by", "acting_why")),
    )
    .join_from(_resident, _session, _session.c.resident_id == _resident.c.id)
    .where(
        _resident.c.city_id == CITY,
        _session.c.city_id == CITY,
        _session.c.token_hash == bindparam("token_hash"),
    )
)
"""Who holds a token: asked for every signed-in page."""


@dataclass(frozen=True)
class Acting:
    """Somebody of the staff who acts for a resident at the counter: their account
    (``staff:wu.min``), the hash of their session on the console, and why."""

    name: str
    session_hash: str
    why: str


@dataclass(frozen=True)
class SignedInResident:
    """A resident of this city, signed in. ``assurance`` and ``consented`` as on ``Resident``;
    ``session_hash`` names the session, ``acting`` who acts for the resident at the counter, and
    ``services`` those that they may act for; None is all, as for the resident themselves."""

    id: uuid.UUID
    name: str
    demo: bool
    assurance: str = "none"
    consented: str | None = None
    session_hash: str = ""
    acting: Acting | None = None
    services: frozenset[str] | None = None

    def sees(self, service: str) -> bool:
        """Whether what the resident has in a service is shown: at one service's counter nothing of
        another's is."""
        return self.services is None or service in self.services

    @property
    def actor(self) -> Actor:
        """This person in the city's audit log, by key alone: it holds no personal data. At the
        counter it is the member of staff who acts."""
        name = self.acting.name if self.acting else f"resident:{self.id}"
        return Actor(name, "resident", "nothing")


class TakenIdentity(Conflict):
    """Somebody else of this city comes in that way; ``other`` is whom."""

    def __init__(self, other: uuid.UUID) -> None:
        super().__init__(_("Another account in this city uses this sign-in method."))
        self.other = other


def sign_in(
    channel: str, vouched: AuthenticatedIdentity, *, now: datetime, device: str = ""
) -> str:
    """Sign in someone whom a channel vouches for, known or new; returns the session's token.

    Two who come in the same moment for the first time, as the same person, are one account.
    """
    vouched = replace(vouched, name=_shown(vouched.name))
    with transaction() as session:
        resident = find_resident(channel, *vouched.subjects)
        if resident is None:
            resident = Resident(
                name=vouched.name or NAMELESS["zh"], demo=vouched.demo, created_at=now
            )
            session.add(resident)
            session.flush()
            if not _add_identity(resident.id, channel, vouched.subjects[0], vouched.name, now):
                session.delete(resident)  # somebody was quicker by a moment
                session.flush()
                resident = find_resident(channel, *vouched.subjects) or resident
        for subject in vouched.subjects:
            _add_identity(resident.id, channel, subject, vouched.name, now)
        if vouched.demo:
            give(resident.id, PRIVACY, now)
        id_token = seal_personal("id_token", vouched.id_token, now) if vouched.id_token else None
        token = new_session(resident.id, channel, now, device=device, id_token=id_token)
        record(_signed_in(resident).actor, "resident.sign_in", channel, {}, now)
    return token


def program_session(resident: SignedInResident, device: str, now: datetime) -> tuple[str, datetime]:
    """A session for a program of a resident's own, which ends with the way in that it came by;
    its token, and until when it is good."""
    with transaction() as session:
        way = session.scalars(
            select(ResidentSession.channel).where(
                ResidentSession.token_hash == resident.session_hash
            )
        ).first()
        token = new_session(resident.id, way or "", now, device=device)
        record(resident.actor, "resident.token", f"resident:{resident.id}", {}, now)
    return token, now + SESSION_LENGTH


def new_session(
    resident_id: uuid.UUID,
    channel: str,
    now: datetime,
    *,
    device: str = "",
    length: timedelta = SESSION_LENGTH,
    id_token: bytes | None = None,
    acting: Acting | None = None,
) -> str:
    """A session of a resident's, with the way in that it came by; returns its token."""
    token = new_token()
    with transaction() as session:
        session.add(
            ResidentSession(
                token_hash=token_hash(token),
                resident_id=resident_id,
                created_at=now,
                expires_at=now + length,
                channel=channel,
                device=device,
                id_token=id_token,
                acting=acting.name if acting else None,
                acting_by=acting.session_hash if acting else None,
                acting_why=acting.why if acting else "",
            )
        )
    return token


def find_resident(channel: str, *subjects: str) -> Resident | None:
    """The resident whom a channel knows by the first of some subjects that anybody has."""
    rows = db.session.execute(
        select(ResidentIdentity.subject, Resident)
        .join(Resident, Resident.id == ResidentIdentity.resident_id)
        .where(
            ResidentIdentity.channel == channel,
            ResidentIdentity.subject.in_(subjects),
            Resident.closed_at.is_(None),
        )
    )
    found = {subject: resident for subject, resident in rows.all()}  # noqa: C416 -- rows
    return next((found[subject] for subject in subjects if subject in found), None)


def subject_of_number(number: str, now: datetime) -> str:
    """By what key a resident is known who comes in by a number: never the number itself."""
    return own_index("phone subject", number, now)


def signed_in(token: str, now: datetime) -> SignedInResident | None:
    """Who holds a token at this city's site; None if it has expired or the account is closed."""
    row = run(_SIGNED_IN, {"token_hash": token_hash(token)}).one_or_none()
    if row is None or row.expires_at <= now or row.closed_at is not None:
        return None
    acting = None
    if row.acting is not None:
        acting = Acting(row.acting, row.acting_by or "", row.acting_why)
    return SignedInResident(
        row.id, row.name, row.demo, row.assurance, row.consented, row.token_hash, acting
    )


def sign_out(token: str) -> None:
    """End a session."""
    end_sessions_where(ResidentSession.token_hash == token_hash(token))


def session_of(token: str) -> ResidentSession | None:
    """The row of a session."""
    query = select(ResidentSession).where(ResidentSession.token_hash == token_hash(token))
    return db.session.scalars(query).one_or_none()


def id_token_of(session: ResidentSession, now: datetime) -> str | None:
    """The ID token that a session began with, if it was an OpenID provider's."""
    return open_personal("id_token", session.id_token, now) if session.id_token else None


def sessions_of(resident: SignedInResident, now: datetime) -> list[ResidentSession]:
    """Where a resident is signed in, the newest first."""
    query = select(ResidentSession).where(
        ResidentSession.resident_id == resident.id, ResidentSession.expires_at > now
    )
    return list(db.session.scalars(query.order_by(ResidentSession.created_at.desc())))


def end_session(resident: SignedInResident, session_id: uuid.UUID, now: datetime) -> None:
    """End one of a resident's sessions.

    Raises:
        NotFound: It is none of theirs.
    """
    with transaction():
        ended = end_sessions_where(
            ResidentSession.id == session_id, ResidentSession.resident_id == resident.id
        )
        if not ended:
            raise NotFound
        record(resident.actor, "resident.end_session", f"resident:{resident.id}", {}, now)


def end_sessions_where(*conditions: ColumnElement[bool]) -> int:
    """End sessions; returns how many."""
    with transaction() as session:
        ended = session.scalars(
            delete(ResidentSession).where(*conditions).returning(ResidentSession.id)
        ).all()
    return len(ended)


def identities_of(resident: SignedInResident) -> dict[str, list[ResidentIdentity]]:
    """The ways in of a resident, by channel: several subjects of a channel are one way."""
    query = select(ResidentIdentity).where(ResidentIdentity.resident_id == resident.id)
    found: dict[str, list[ResidentIdentity]] = {}
    for row in db.session.scalars(query.order_by(ResidentIdentity.id)):
        found.setdefault(row.channel, []).append(row)
    return found


def link(
    resident: SignedInResident, channel: str, vouched: AuthenticatedIdentity, now: datetime
) -> None:
    """Let a resident come in by another channel too.

    Raises:
        TakenIdentity: Another account does.
    """
    with transaction() as session:
        session.execute(select(Resident.id).where(Resident.id == resident.id).with_for_update())
        other = find_resident(channel, *vouched.subjects)
        if other is not None and other.id != resident.id:
            raise TakenIdentity(other.id)
        for subject in vouched.subjects:
            _add_identity(resident.id, channel, subject, vouched.name, now)
        record(resident.actor, "resident.link", channel, {}, now)


def unlink(resident: SignedInResident, channel: str, now: datetime) -> None:
    """Let a channel lead to a resident no longer.

    Raises:
        NotFound: It does not.
        Conflict: It is the only way in.
    """
    with transaction() as session:
        session.execute(select(Resident.id).where(Resident.id == resident.id).with_for_update())
        ways = identities_of(resident)
        if channel not in ways:
            raise NotFound
        if len(ways) == 1:
            raise Conflict(
                _("This is your only sign-in method. Link another one before you unlink it.")
            )
        session.execute(
            delete(ResidentIdentity).where(
                ResidentIdentity.resident_id == resident.id, ResidentIdentity.channel == channel
            )
        )
        end_sessions_where(
            ResidentSession.resident_id == resident.id,
            ResidentSession.channel == channel,
            ResidentSession.token_hash != resident.session_hash,
        )
        record(resident.actor, "resident.unlink", channel, {}, now)


def _shown(name: str) -> str:
    """A name from elsewhere, without what does not show."""
    return "".join(one for one in name if one.isprintable()).encode("utf-8", "ignore").decode()


def _add_identity(
    resident_id: uuid.UUID, channel: str, subject: str, name: str, now: datetime
) -> bool:
    made = insert_once(
        ResidentIdentity,
        ("channel", "subject"),
        resident_id=resident_id,
        channel=channel,
        subject=subject,
        name=name,
        created_at=now,
    )
    return made is not None


def _signed_in(row: Resident) -> SignedInResident:
    return SignedInResident(row.id, row.name, row.demo, row.assurance, row.consented)
