"""Login requests: sign-ins at other sites, begun and ended here by one browser, once.

The browser holds a random mark in its session (a cookie of this city's host); the city holds, by
the hash of ``state``, which channel, which browser, and what is to happen. So neither a link that
somebody else began (login CSRF) nor one that is used twice signs anybody in (RFC 9700, section 2.1).
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _
from sqlalchemy import delete

from smartcity_saas.configuration.city import City
from smartcity_saas.database import db, transaction
from smartcity_saas.errors import NotFound, SmartCityError
from smartcity_saas.identity.federation.channels import (
    AuthenticatedIdentity,
    AuthorizationRequest,
    Cancelled,
    Channel,
    ChannelDown,
    ChannelRefused,
)
from smartcity_saas.identity.federation.models import LoginRequest
from smartcity_saas.identity.tokens import new_token, token_hash
from smartcity_saas.logs import get_logger

LENGTH = timedelta(minutes=10)
SIGN_IN, LINK, MERGE = "sign_in", "link", "merge"

log = get_logger(__name__)


class StaleLoginRequest(SmartCityError):
    """It was begun elsewhere, used already, or too long ago."""

    title = _("This sign-in has expired")

    def __init__(self) -> None:
        super().__init__(_("It has been used, has expired, or was started in another browser."))


@dataclass(frozen=True)
class LoginPurpose:
    """What a login request is for: ``kind`` of it, where to go on, whose it is if somebody is known
    (``other_id``: whose account is to become one with theirs), and why, if somebody else asks."""

    kind: str = SIGN_IN
    next: str = "/"
    resident_id: uuid.UUID | None = None
    other_id: uuid.UUID | None = None
    why: str = ""


def new_login_request(redirect_uri: str = "", in_app: bool = False) -> AuthorizationRequest:
    """A login request with marks of its own; without an address to come back to, it is a question
    that a page of this site answers."""
    return AuthorizationRequest(
        secrets.token_hex(24), new_token(), secrets.token_urlsafe(48), redirect_uri, in_app
    )


def begin(
    city: City,
    channel: Channel,
    browser: str,
    redirect_uri: str,
    purpose: LoginPurpose,
    now: datetime,
    *,
    in_app: bool = False,
) -> str:
    """Begin to sign in (or to link a channel); returns the address to send the browser to.

    Raises:
        ChannelDown: The other side cannot be reached, or the city's secret is not there.
    """
    if channel.begin is None:
        raise NotFound
    login_request = new_login_request(redirect_uri, in_app)
    db.session.rollback()  # nothing stays open while the other side takes its time
    url = channel.begin(channel.values(city), login_request)
    keep(login_request, browser, channel.name, purpose, now)
    return url


def keep(
    login_request: AuthorizationRequest,
    browser: str,
    channel: str,
    purpose: LoginPurpose,
    now: datetime,
    *,
    length: timedelta = LENGTH,
) -> None:
    """Remember a login request until it is used or its time has passed."""
    with transaction() as session:
        session.execute(delete(LoginRequest).where(LoginRequest.expires_at <= now))
        session.add(
            LoginRequest(
                state_hash=token_hash(login_request.state),
                browser_hash=token_hash(browser),
                channel=channel,
                purpose=purpose.kind,
                resident_id=purpose.resident_id,
                other_id=purpose.other_id,
                nonce=login_request.nonce,
                verifier=login_request.verifier,
                redirect_uri=login_request.redirect_uri,
                in_app=login_request.in_app,
                next=purpose.next,
                why=purpose.why,
                expires_at=now + length,
            )
        )


def use(
    state: str, channel: str, browser: str | None, now: datetime
) -> tuple[AuthorizationRequest, LoginPurpose]:
    """Use a login request up.

    Raises:
        StaleLoginRequest: Unknown, used, too old, of another channel, or of another browser.
    """
    with transaction() as session:
        row = session.scalars(
            delete(LoginRequest)
            .where(
                LoginRequest.state_hash == token_hash(state),
                LoginRequest.channel == channel,
                LoginRequest.browser_hash == token_hash(browser or new_token()),
                LoginRequest.expires_at > now,
            )
            .returning(LoginRequest)
        ).one_or_none()
    if row is None:
        raise StaleLoginRequest
    return (
        AuthorizationRequest(state, row.nonce, row.verifier, row.redirect_uri, row.in_app),
        LoginPurpose(row.purpose, row.next, row.resident_id, row.other_id, row.why),
    )


def finish(
    city: City,
    channel: Channel,
    back: Mapping[str, str],
    browser: str | None,
    now: datetime,
) -> tuple[AuthenticatedIdentity, LoginPurpose]:
    """End a login request with what the other side sent back.

    Raises:
        StaleLoginRequest: As ``use`` does.
        Cancelled, ChannelRefused, ChannelDown: The other side did not vouch for anybody.
    """
    if channel.finish is None:
        raise NotFound
    login_request, purpose = use(back.get("state", ""), channel.name, browser, now)
    db.session.rollback()
    try:
        return channel.finish(channel.values(city), login_request, back), purpose
    except Cancelled:
        raise
    except (ChannelRefused, ChannelDown) as error:
        log.warning("channel.failed", channel=channel.name, reason=error.reason)
        raise
