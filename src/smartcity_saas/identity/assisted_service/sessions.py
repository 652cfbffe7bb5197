"""Acting for a resident at the counter: found by a number that they show, for a reason that is
written down, for a quarter of an hour; the resident is told, and sees who and why.

Whoever acts may use the services of their desk and pay. What only the resident may do (ways in,
real name, their data) stays shut: a page that does not say otherwise is not for the counter. It
ends with the session on the console from which it began.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _
from sqlalchemy import delete, select

from smartcity_saas.audit import Actor, record
from smartcity_saas.clock import today_in
from smartcity_saas.configuration.city import City
from smartcity_saas.credentials.personal_encryption import own_index
from smartcity_saas.database import db, transaction
from smartcity_saas.errors import FieldErrors, NotFound
from smartcity_saas.identity.federation.login_requests import LoginPurpose, keep, new_login_request
from smartcity_saas.identity.federation.models import LoginRequest
from smartcity_saas.identity.residents.accounts import (
    Acting,
    find_resident,
    new_session,
    subject_of_number,
)
from smartcity_saas.identity.residents.assurance import OWN_WORD
from smartcity_saas.identity.residents.consents import PRIVACY, PURPOSES
from smartcity_saas.identity.residents.identity_numbers import read_number
from smartcity_saas.identity.residents.models import Resident
from smartcity_saas.identity.residents.one_time_codes import read_phone
from smartcity_saas.identity.tokens import token_hash

PURPOSE = "counter"
LENGTH = timedelta(minutes=15)
LINK_LENGTH = timedelta(minutes=2)
SHORTEST_REASON, LONGEST_REASON = 4, 200


def begin_assisted_session(
    actor: Actor, console_token: str, city: City, number: str, reason: str, now: datetime
) -> tuple[str, Resident]:
    """Begin to act for a resident of the current city.

    Args:
        actor: The member of staff.
        console_token: That of their session on the console.
        city: The city.
        number: The mobile number that they come in by, or their resident number where a channel
            has verified it, as typed.
        reason: Why.
        now: The time.

    Returns:
        A token that opens the city's site as the resident, once, within two minutes; and whom.

    Raises:
        FieldErrors: Nobody has the number, only somebody's word says whose it is, or the reason is
            missing.
    """
    reason, errors = reason.strip(), {}
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        errors["reason"] = _("Enter the reason, in 4 to 200 characters. The resident will see it.")
    found = _find(city, number, now)
    if not number.strip():
        errors["number"] = _("Enter the mobile number or ID number they show you.")
    elif found is None:
        errors["number"] = _("Nobody in this city signs in with this number or has verified it.")
    elif not found.by_phone and found.row.verified_by == OWN_WORD:
        errors["number"] = _(
            "An account has this number, but nobody has verified it. Ask for the mobile number that the resident signs in with."
        )
    if errors or found is None:
        raise FieldErrors(errors)
    resident = found.row
    if resident.consented != PURPOSES[PRIVACY].version:
        raise FieldErrors({"number": _("The resident has not agreed to the privacy notice yet.")})
    link = new_login_request()
    with transaction():
        purpose = LoginPurpose(PURPOSE, resident_id=resident.id, why=reason)
        keep(link, console_token, actor.name, purpose, now, length=LINK_LENGTH)
        record(actor, "resident.counter", f"resident:{resident.id}", {}, now, reason=reason)
    return link.state, resident


def open_counter(token: str, now: datetime) -> str:
    """Use the token up; returns that of a session as the resident, for a quarter of an hour.

    Raises:
        NotFound: It was used, or is too old.
    """
    with transaction() as session:
        row = session.scalars(
            delete(LoginRequest)
            .where(
                LoginRequest.state_hash == token_hash(token),
                LoginRequest.purpose == PURPOSE,
                LoginRequest.expires_at > now,
            )
            .returning(LoginRequest)
        ).one_or_none()
        if row is None or row.resident_id is None:
            raise NotFound(
                _("This link has been used or has expired. Make a new one on the console.")
            )
        acting = Acting(row.channel, row.browser_hash, row.why)
        return new_session(row.resident_id, PURPOSE, now, length=LENGTH, acting=acting)


@dataclass(frozen=True)
class _Found:
    """A resident, and whether by the number that they come in by, which they have proved."""

    row: Resident
    by_phone: bool


def _find(city: City, number: str, now: datetime) -> _Found | None:
    if phone := read_phone(number):
        row = find_resident("phone", subject_of_number(phone, now))
        return _Found(row, True) if row else None
    own = read_number(number, today_in(city.timezone, now))
    if own is None:
        return None
    index = own_index("resident number", own, now)
    row = db.session.scalars(
        select(Resident).where(Resident.number_index == index, Resident.closed_at.is_(None))
    ).one_or_none()
    return _Found(row, False) if row else None
