"""Inviting staff: a link by mail, good once and for a week, with which people make their account."""

from __future__ import annotations

import re
import smtplib
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import select, update

from smartcity_saas.audit import Actor, record, system
from smartcity_saas.database import db, one_or_404, transaction
from smartcity_saas.errors import FieldErrors, NotFound
from smartcity_saas.identity.staff.accounts import (
    check_roles,
    create_staff,
    managed,
    refuse_beyond,
    renew_account,
)
from smartcity_saas.identity.staff.models import StaffInvitation
from smartcity_saas.identity.staff.roles import StaffMember, document_at, title_of
from smartcity_saas.identity.tokens import new_token, token_hash
from smartcity_saas.logs import get_logger
from smartcity_saas.product import product

LENGTH = timedelta(days=7)
_MAIL = re.compile(r"[^@\s<>\"',;:]+@[^@\s<>\"',;:]+\.[^@\s<>\"',;:.]{2,}")
SendMail = Callable[[str, str, str], bool]

log = get_logger(__name__)


def invite(
    actor: Actor,
    mail: str,
    name: str,
    roles: Sequence[str],
    address: Callable[[str], str],
    *,
    province: str | None = None,
    city: str | None = None,
    now: datetime,
) -> tuple[str, bool]:
    """Invite somebody.

    Args:
        actor: Who invites.
        mail: Where the link goes.
        name: The person's name.
        roles: What they will hold.
        address: Turns a token into the link.
        province: Where, of a province's roles.
        city: Where, of a city's.
        now: The time.

    Returns:
        The link, and whether it went out by mail (if not, whoever invites passes it on).

    Raises:
        NotAllowed: The roles reach further than the actor.
        FieldErrors: What does not fit, by field: ``mail``, ``name``, ``roles`` or ``at``.
    """
    mail, name = mail.strip(), name.strip()
    errors: dict[str, Any] = {}
    if not _MAIL.fullmatch(mail) or len(mail) > 120:
        errors["mail"] = _("Enter an email address.")
    if not name or len(name) > 60:
        errors["name"] = _("Enter a name of 1 to 60 characters.")
    try:
        province, city = check_roles(actor, roles, province, city)
    except FieldErrors as error:
        errors.update(error.fields)
    if errors:
        raise FieldErrors(errors)
    with transaction():
        invited = StaffInvitation(
            mail=mail, name=name, roles=[*roles], province=province, city=city
        )
        token = _kept(invited, actor, now)
        record(actor, "staff.invite", document_at(province, city), {"roles": [*roles]}, now)
    link = address(token)
    return link, _sent(mail, name, roles, link)


def renew(
    actor: Actor, username: str, address: Callable[[str], str], now: datetime
) -> tuple[str, bool]:
    """Send somebody a link for a new way in to the account that they have: their password is lost,
    or the province's provider is another one now. What they have stays good until they use it.

    Returns:
        The link, and whether it went out by mail.

    Raises:
        NotFound: There is no such account within the actor's reach.
        NotAllowed: It is the actor's own.
    """
    with transaction() as session:
        row = managed(actor, username)
        session.execute(
            update(StaffInvitation)
            .where(StaffInvitation.staff_id == row.id, StaffInvitation.ended_at.is_(None))
            .values(ended_at=now)
        )
        invited = StaffInvitation(
            mail=row.mail or "",
            name=row.name,
            roles=row.roles,
            province=row.province,
            city=row.city,
            staff_id=row.id,
        )
        token = _kept(invited, actor, now)
        place, again = document_at(row.province, row.city), {"renew": True}
        record(actor, "staff.invite", f"staff:{username}", again, now, place=place)
        mail, name, roles = row.mail, row.name, row.roles
    link = address(token)
    return link, bool(mail) and _sent(str(mail), name, roles, link)


def invitations_at(
    actor: Actor, province: str | None, city: str | None, now: datetime
) -> list[StaffInvitation]:
    """Invitations at a place that wait to be taken up.

    Raises:
        NotAllowed: The place is beyond the actor.
    """
    refuse_beyond(actor, province, city, reading=True)
    query = select(StaffInvitation).where(
        StaffInvitation.ended_at.is_(None), StaffInvitation.expires_at > now
    )
    if city is not None:
        query = query.where(StaffInvitation.city == city)
    elif province is not None:
        query = query.where(StaffInvitation.province == province)
    return list(db.session.scalars(query.order_by(StaffInvitation.created_at.desc())))


def take_back(actor: Actor, invitation_id: uuid.UUID, now: datetime) -> None:
    """Take an invitation back.

    Raises:
        NotFound: There is none that waits.
        NotAllowed: It is beyond the actor.
    """
    with transaction():
        row = one_or_404(
            select(StaffInvitation).where(
                StaffInvitation.id == invitation_id, StaffInvitation.ended_at.is_(None)
            )
        )
        refuse_beyond(actor, row.province, row.city)
        row.ended_at = now
        record(actor, "staff.uninvite", document_at(row.province, row.city), {}, now)


def open_invitation(token: str, now: datetime) -> StaffInvitation:
    """The invitation of a link.

    Raises:
        NotFound: It is unknown, used, taken back or too old.
    """
    return one_or_404(
        select(StaffInvitation).where(
            StaffInvitation.token_hash == token_hash(token),
            StaffInvitation.ended_at.is_(None),
            StaffInvitation.expires_at > now,
        ),
        _("This invitation has been used, revoked or has expired. Ask for a new one."),
    )


def accept(token: str, username: str, password: str | None, now: datetime) -> StaffMember:
    """Make the account that an invitation is for, or come in anew to the one that it names. Roles,
    name and place are the invitation's own, or the account's.

    Raises:
        NotFound: As ``open_invitation`` does.
        FieldErrors: The user name is taken or odd, or the password weak.
    """
    with transaction() as session:
        found = open_invitation(token, now)
        used = session.scalars(
            update(StaffInvitation)
            .where(StaffInvitation.id == found.id, StaffInvitation.ended_at.is_(None))
            .values(ended_at=now)
            .returning(StaffInvitation.id)
        ).all()
        if not used:
            raise NotFound
        if found.staff_id is not None:
            return renew_account(found.staff_id, password, now)
        return create_staff(
            system("invitation"),
            username,
            found.name,
            found.roles,
            password,
            mail=found.mail,
            province=found.province,
            city=found.city,
            now=now,
        )


def _kept(invited: StaffInvitation, actor: Actor, now: datetime) -> str:
    """Keep an invitation; returns the token of its link."""
    token = new_token()
    invited.token_hash, invited.invited_by = token_hash(token), actor.name
    invited.created_at, invited.expires_at = now, now + LENGTH
    db.session.add(invited)
    return token


def _sent(mail: str, name: str, roles: Sequence[str], link: str) -> bool:
    send = product().send_staff_mail
    title = gettext("Your account for the city services console")
    body = "\n\n".join(
        (
            gettext(
                "%(name)s, you have been invited as: %(roles)s.", name=name, roles=title_of(roles)
            ),
            gettext("Create your account within 7 days: %(link)s", link=link),
            gettext("If you were not expecting this, ignore it."),
        )
    )
    try:
        return send(mail, title, body)
    except (OSError, smtplib.SMTPException) as error:
        log.warning("invitation.not_sent", error=type(error).__name__)
        return False
