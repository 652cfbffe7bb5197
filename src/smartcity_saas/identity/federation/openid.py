"""OpenID Connect as a client (Core 1.0, Discovery 1.0, RP-Initiated Logout 1.0), for residents of a
city and for staff of a province alike.

Authorization code with PKCE S256 (RFC 7636), a nonce, and an ID token whose signature, issuer,
audience, time and nonce are checked. Keys are those that the provider publishes; an unknown one
makes us look once more, so that it may rotate them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from smartcity_saas.identity.federation.channels import (
    AuthorizationRequest,
    ChannelDown,
    ChannelRefused,
)
from smartcity_saas.identity.federation.oauth_client import (
    address_of,
    client_of,
    fetch_token,
    get_json,
    granted_code,
)
from smartcity_saas.identity.federation.provider_metadata import published

ALGORITHMS = ["RS256", "ES256", "PS256", "EdDSA"]
PUBLIC_KINDS = ("RSA", "EC", "OKP")
LEEWAY_SECONDS = 60
LAST_MOMENT = 253_402_300_800
"""The year 10000, as a Unix time."""


@dataclass(frozen=True)
class Registration:
    """One client of ours at a provider. ``owner`` says whose it is (``city:7``,
    ``province:zhejiang``): what a provider publishes is kept for each by itself."""

    owner: str
    issuer: str
    client_id: str
    client_secret: str | None
    scopes: str


def discover(owner: str, issuer: str) -> Mapping[str, Any]:
    """A provider's metadata.

    Raises:
        ChannelDown: There is none, it is another issuer's, or a part is missing.
    """
    found: dict[str, Any] = published.get(owner, f"{issuer}/.well-known/openid-configuration")
    if str(found.get("issuer", "")).rstrip("/") != issuer:
        raise ChannelDown("discovery: another issuer")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        if not _is_address(found.get(name)):
            raise ChannelDown(f"discovery: no {name}")
    for name in ("userinfo_endpoint", "end_session_endpoint"):
        if name in found and not _is_address(found[name]):
            raise ChannelDown(f"discovery: odd {name}")
    return found


def begin(ours: Registration, login_request: AuthorizationRequest, **parameters: str) -> str:
    """The address at which somebody signs in over there; ``parameters`` are further ones of the
    request (``max_age``).

    Raises:
        ChannelDown: The provider does not answer as it should.
    """
    metadata = discover(ours.owner, ours.issuer)
    url, _state = _client(ours, login_request).create_authorization_url(
        metadata["authorization_endpoint"],
        state=login_request.state,
        code_verifier=login_request.verifier,
        nonce=login_request.nonce,
        **parameters,
    )
    return str(url)


def finish(
    ours: Registration, login_request: AuthorizationRequest, back: Mapping[str, str]
) -> tuple[dict[str, Any], str]:
    """What the provider says of whoever came back: the claims, and the ID token.

    Raises:
        Cancelled: The person pressed cancel over there.
        ChannelRefused: It does not add up.
        ChannelDown: The provider does not answer as it should.
    """
    metadata = discover(ours.owner, ours.issuer)
    _check_issuer(metadata, back)
    code = granted_code(back)
    token = fetch_token(
        _client(ours, login_request),
        metadata["token_endpoint"],
        code=code,
        code_verifier=login_request.verifier,
    )
    claims = verify_id_token(token.get("id_token"), metadata, ours, login_request.nonce)
    told = _user_info(ours, metadata, token["access_token"], claims["sub"])
    return {**told, **claims}, str(token["id_token"])


def _check_issuer(metadata: Mapping[str, Any], back: Mapping[str, str]) -> None:
    """The answer says whose it is, errors too, where the provider says that it does; whatever it
    says is the issuer, compared as it stands (RFC 9207, section 2.4).

    Raises:
        ChannelRefused: It is another's, or does not say.
    """
    wanted = metadata.get("authorization_response_iss_parameter_supported") is True
    if ("iss" in back or wanted) and back.get("iss") != metadata["issuer"]:
        raise ChannelRefused("iss of the answer (RFC 9207)")


def end(ours: Registration, id_token: str, back: str) -> str | None:
    """The address at which one signs out over there; None if the provider has none."""
    try:
        endpoint = discover(ours.owner, ours.issuer).get("end_session_endpoint")
    except ChannelDown:
        return None
    if endpoint is None:
        return None
    return address_of(
        endpoint,
        {
            "id_token_hint": id_token,
            "client_id": ours.client_id,
            "post_logout_redirect_uri": back,
        },
    )


def signed_in_at(claims: Mapping[str, Any]) -> datetime | None:
    """When the provider last saw the person sign in (``auth_time``), which it says where
    ``max_age`` was asked for (OpenID Connect Core 1.0, section 2)."""
    at = claims.get("auth_time")
    if isinstance(at, bool) or not isinstance(at, (int, float)) or not 0 <= at < LAST_MOMENT:
        return None
    return datetime.fromtimestamp(at, UTC)


def text_claim(claims: Mapping[str, Any], name: str | None) -> str | None:
    """A claim that is a text and says something."""
    found = claims.get(name) if name else None
    return found if isinstance(found, str) and found.strip() else None


def verify_id_token(
    raw: Any, metadata: Mapping[str, Any], ours: Registration, nonce: str
) -> dict[str, Any]:
    """The claims of an ID token (OpenID Connect Core 1.0, section 3.1.3.7).

    Raises:
        ChannelRefused: It is not signed by the provider with a key of a public kind, not from
            this issuer, not for this client, not of this sign-in, or not of this hour.
        ChannelDown: The provider's keys cannot be had.
    """
    if not isinstance(raw, str):
        raise ChannelRefused("no ID token")
    try:
        try:
            token = jwt.decode(raw, _keys(ours, metadata), algorithms=ALGORITHMS)
        except (
            InvalidKeyIdError,
            BadSignatureError,
        ):  # they may have changed, with or without a name
            token = jwt.decode(raw, _keys(ours, metadata, again=True), algorithms=ALGORITHMS)
        jwt.JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            iss={"essential": True},
            sub={"essential": True},
            aud={"essential": True, "value": ours.client_id},
            exp={"essential": True},
            iat={"essential": True},
        ).validate(token.claims)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise ChannelRefused(f"ID token: {type(error).__name__}") from None
    claims: dict[str, Any] = token.claims
    audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if claims["iss"] != metadata["issuer"] or claims.get("nonce") != nonce:
        raise ChannelRefused("ID token: iss or nonce")
    if (len(audience) > 1 or "azp" in claims) and claims.get("azp") != ours.client_id:
        raise ChannelRefused("ID token: azp")
    if not isinstance(claims["sub"], str) or not re.fullmatch(r"[ -~]{1,255}", claims["sub"]):
        raise ChannelRefused("ID token: sub")
    return claims


def _keys(ours: Registration, metadata: Mapping[str, Any], *, again: bool = False) -> KeySet:
    found = published.get(ours.owner, metadata["jwks_uri"], again=again).get("keys")
    public = [one for one in found if isinstance(one, dict) and one.get("kty") in PUBLIC_KINDS]
    return KeySet.import_key_set({"keys": public})


def _user_info(
    ours: Registration, metadata: Mapping[str, Any], token: str, subject: str
) -> dict[str, Any]:
    endpoint = metadata.get("userinfo_endpoint")
    if endpoint is None:
        return {}
    found = get_json(endpoint, {}, token, owner=ours.owner)
    if found.get("sub") != subject:
        raise ChannelRefused("user info: another subject")
    return found


def _is_address(found: Any) -> bool:
    """Whether something is an address that a browser, or we, may be sent to."""
    if not isinstance(found, str) or not re.fullmatch(r"[!-~]{1,2000}", found):
        return False
    try:
        parts = urlsplit(found)
    except ValueError:
        return False
    return parts.scheme in ("https", "http") and bool(parts.hostname)


def _client(ours: Registration, login_request: AuthorizationRequest) -> Any:
    return client_of(
        ours.client_id,
        ours.client_secret,
        owner=ours.owner,
        redirect_uri=login_request.redirect_uri,
        scope=ours.scopes,
        code_challenge_method="S256",
    )
