"""Staff who come in by their province's own OpenID provider (single sign-on).

It stands in for the password, for accounts of that province and of its cities alone; the second
factor stays where a role needs one. Which account is whose there is kept by issuer and subject,
linked by the owner of an account or as an invitation is taken up, never by a mail address: whoever
runs the provider could write any.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.exc import IntegrityError

from smartcity_saas.configuration.city import LiveDocument, Localized
from smartcity_saas.configuration.secret_uses import with_uses
from smartcity_saas.configuration.states import ConnectionState
from smartcity_saas.credentials import CredentialError, read_province_secret
from smartcity_saas.database import db, transaction
from smartcity_saas.errors import Conflict, Invalid, NotAllowed, NotFound
from smartcity_saas.identity.federation import openid
from smartcity_saas.identity.federation.channels import (
    AuthorizationRequest,
    ChannelDown,
    ChannelRefused,
)
from smartcity_saas.identity.federation.login_requests import StaleLoginRequest, new_login_request
from smartcity_saas.identity.federation.openid import LEEWAY_SECONDS, Registration
from smartcity_saas.identity.staff.accounts import (
    has_password,
    member_of,
    note_staff_act,
    province_of,
)
from smartcity_saas.identity.staff.models import Staff, StaffIdentity
from smartcity_saas.identity.staff.roles import StaffMember
from smartcity_saas.identity.staff.sessions import (
    SESSION_LENGTH,
    Provided,
    begin_session,
    id_token_of,
)
from smartcity_saas.identity.staff.single_sign_on_settings import (
    SingleSignOnSettings as SingleSignOnSettings,
)
from smartcity_saas.logs import get_logger
from smartcity_saas.product import product

KEY = "single_sign_on"
LENGTH = timedelta(minutes=10)
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
SIGN_IN, LINK, PROVE, ACCEPT = "sign_in", "link", "prove", "accept"

log = get_logger(__name__)


@dataclass(frozen=True)
class Provider:
    """A province's provider, as its document has it."""

    province: str
    title: Localized
    values: Mapping[str, Any]

    @property
    def issuer(self) -> str:
        """Its issuer."""
        return str(self.values["issuer"])


@dataclass(frozen=True)
class Told:
    """What a provider has said of somebody, and what that is for. ``kept`` is what was put by when
    it was begun."""

    province: str
    issuer: str
    subject: str
    id_token: str
    purpose: str
    kept: Mapping[str, str]
    proved_at: datetime

    @property
    def provided(self) -> Provided:
        """What a session keeps of it."""
        return Provided(self.province, self.id_token, self.proved_at)


class NotLinked(Invalid):
    """The provider knows somebody whose account here we do not know."""


def offered() -> list[Provider]:
    """The providers by which staff may sign in, by province."""
    snapshot = product().registry.snapshot
    found = (provider_of(one) for one in snapshot.baselines.values() if one.kind == "province")
    return sorted((one for one in found if one is not None), key=lambda one: one.province)


def offered_by(province: str | None) -> Provider | None:
    """A province's provider, if staff may sign in by it."""
    snapshot = product().registry.snapshot
    return provider_of(snapshot.baselines.get(f"province:{province}"))


def provider_of(document: LiveDocument | None) -> Provider | None:
    """The provider that a province's document names, if it does and it is open."""
    if document is None or KEY not in document.values:
        return None
    schema = SingleSignOnSettings()
    values: Mapping[str, Any] = with_uses(schema, schema.load(document.values[KEY]), (KEY,))
    if values["state"] != ConnectionState.OPEN:
        return None
    slug = document.name.removeprefix("province:")
    title = values.get("title") or document.values.get("name") or {"zh": slug, "en": slug}
    return Provider(slug, title, values)


def begin(
    provider: Provider, purpose: str, redirect_uri: str, now: datetime, **kept: str
) -> tuple[str, dict[str, Any]]:
    """Begin at a province's provider.

    Args:
        provider: Where.
        purpose: ``sign_in``, ``link``, ``prove`` (who is signed in proves it anew), ``accept``.
        redirect_uri: Where the provider sends the browser back to.
        now: The time.
        kept: What to know again at the end.

    Returns:
        The address to send the browser to, and what its session keeps until it is back.

    Raises:
        ChannelDown: The provider does not answer, or the client's secret is not there.
    """
    login_request = new_login_request(redirect_uri)
    oldest = timedelta(0) if purpose == PROVE else SESSION_LENGTH
    db.session.rollback()  # nothing stays open while the other side takes its time
    url = openid.begin(
        _ours(provider, now), login_request, max_age=str(int(oldest.total_seconds()))
    )
    return url, {
        "province": provider.province,
        "issuer": provider.issuer,
        "purpose": purpose,
        "state": login_request.state,
        "nonce": login_request.nonce,
        "verifier": login_request.verifier,
        "redirect_uri": redirect_uri,
        "begun": now.timestamp(),
        "kept": kept,
    }


def finish(
    provider: Provider, begun: Mapping[str, Any] | None, back: Mapping[str, str], now: datetime
) -> Told:
    """End what this browser has begun, with what the provider sent back.

    Raises:
        StaleLoginRequest: Another browser began it, at another provider, or too long ago.
        Cancelled, ChannelRefused, ChannelDown: The provider did not vouch for anybody.
    """
    if (
        begun is None
        or (begun["province"], begun["issuer"]) != (provider.province, provider.issuer)
        or not secrets.compare_digest(str(begun["state"]).encode(), back.get("state", "").encode())
        or now.timestamp() - begun["begun"] > LENGTH.total_seconds()
    ):
        raise StaleLoginRequest
    login_request = AuthorizationRequest(
        begun["state"], begun["nonce"], begun["verifier"], begun["redirect_uri"], False
    )
    db.session.rollback()
    try:
        claims, id_token = openid.finish(_ours(provider, now), login_request, back)
        proved_at = min(now, openid.signed_in_at(claims) or NEVER)
        if begun["purpose"] == PROVE and proved_at.timestamp() < begun["begun"] - LEEWAY_SECONDS:
            raise ChannelRefused("ID token: auth_time")
    except (ChannelRefused, ChannelDown) as error:
        log.warning("single_sign_on.failed", province=provider.province, reason=error.reason)
        raise
    return Told(
        provider.province,
        provider.issuer,
        claims["sub"],
        id_token,
        begun["purpose"],
        begun["kept"],
        proved_at,
    )


def sign_in(told: Told, now: datetime, *, device: str = "") -> str:
    """Sign in whoever the provider vouches for; returns the session's token, which may still need
    a second factor.

    Raises:
        NotLinked: No account here is theirs, it is closed, or it stands in another province by now.
    """
    account = db.session.scalars(
        select(Staff).join(StaffIdentity, StaffIdentity.staff_id == Staff.id).where(_is(told))
    ).one_or_none()
    member = member_of(account) if account and account.disabled_at is None else None
    if member is None or province_of(member) != told.province:
        raise NotLinked(
            _(
                "No account on this console is linked with that one. Sign in with your password and link it under “My account”, or open the link in your invitation."
            )
        )
    return begin_session(member, now, device=device, provided=told.provided)


def proves(member: StaffMember, told: Told) -> bool:
    """Whether what the provider said is about somebody."""
    query = select(StaffIdentity.id).where(_is(told), StaffIdentity.staff_id == member.id)
    return db.session.scalars(query).first() is not None


def link(member: StaffMember, told: Told, now: datetime) -> None:
    """Let somebody come in by their province's provider. A link with a provider that is not the
    province's any more gives way.

    Raises:
        NotAllowed: It is not their province's.
        Conflict: That account over there is another's, or they have one already.
    """
    if province_of(member) != told.province:
        raise NotAllowed(_("This is not your province's identity provider."))
    try:
        with transaction() as session:
            session.execute(
                delete(StaffIdentity).where(
                    StaffIdentity.staff_id == member.id,
                    (StaffIdentity.province != told.province)
                    | (StaffIdentity.issuer != told.issuer),
                )
            )
            session.add(
                StaffIdentity(
                    staff_id=member.id,
                    province=told.province,
                    issuer=told.issuer,
                    subject=told.subject,
                    created_at=now,
                )
            )
            session.flush()
            by = {"by": f"province:{told.province}"}
            note_staff_act(member, "link", now, by)
    except IntegrityError:
        raise Conflict(
            _(
                "It is linked with another console account, or your account is linked with another one."
            )
        ) from None


def unlink(member: StaffMember, now: datetime) -> None:
    """Let somebody come in by their province's provider no longer.

    Raises:
        Conflict: It is their only way in.
        NotFound: They do not.
    """
    if not has_password(member):
        raise Conflict(_("This is the only way to sign in to this account."))
    with transaction() as session:
        gone = session.scalars(
            delete(StaffIdentity)
            .where(StaffIdentity.staff_id == member.id)
            .returning(StaffIdentity.id)
        ).all()
        if not gone:
            raise NotFound
        note_staff_act(member, "unlink", now)


def identity_of(member: StaffMember, provider: Provider | None) -> StaffIdentity | None:
    """Who somebody is at a provider; None where their link is with another."""
    if provider is None:
        return None
    query = select(StaffIdentity).where(
        StaffIdentity.staff_id == member.id,
        StaffIdentity.province == provider.province,
        StaffIdentity.issuer == provider.issuer,
    )
    return db.session.scalars(query).one_or_none()


def count_linked(provider: Provider) -> int:
    """How many accounts come in by a provider."""
    query = select(func.count()).select_from(StaffIdentity)
    query = query.where(
        StaffIdentity.province == provider.province, StaffIdentity.issuer == provider.issuer
    )
    return int(db.session.scalar(query) or 0)


def sign_out_there(provider: Provider, token: str, back: str, now: datetime) -> str | None:
    """The address at which a session that came by a provider ends there too, if it has one."""
    found = id_token_of(token)
    if found is None or found[0] != provider.province:
        return None
    try:
        return openid.end(_ours(provider, now), found[1], back)
    except ChannelDown:
        return None


def probe(provider: Provider, now: datetime) -> str:
    """Ask whether a provider answers as it should; returns its issuer.

    Raises:
        ChannelDown: It does not, or the client's secret is not there.
    """
    return str(openid.discover(_ours(provider, now).owner, provider.issuer)["issuer"])


def _ours(provider: Provider, now: datetime) -> Registration:
    use = provider.values.get("client_secret")
    try:
        secret = use and read_province_secret(product().keyring, provider.province, use, now)
    except CredentialError:
        raise ChannelDown("credential") from None
    return Registration(
        f"province:{provider.province}",
        provider.issuer,
        provider.values["client_id"],
        secret,
        "openid profile",
    )


def _is(told: Told) -> ColumnElement[bool]:
    return (
        (StaffIdentity.province == told.province)
        & (StaffIdentity.issuer == told.issuer)
        & (StaffIdentity.subject == told.subject)
    )
