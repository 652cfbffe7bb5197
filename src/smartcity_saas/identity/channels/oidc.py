"""Any OpenID provider (OpenID Connect Core 1.0, Discovery 1.0, RP-Initiated Logout 1.0).

Authorization code with PKCE S256 (RFC 7636), a nonce, and an ID token whose signature, issuer,
audience, time and nonce are checked. Keys are those that the provider publishes; an unknown one
makes us look once more, so that it may rotate them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from threading import Lock
from typing import Any

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from marshmallow import Schema, fields

from smartcity_saas import scope
from smartcity_saas.configuration.fields import Credential, Line
from smartcity_saas.connectors.settings import Address
from smartcity_saas.identity.channels import (
    Cancelled,
    Channel,
    ChannelDown,
    ChannelRefused,
    ChannelSettings,
    Handshake,
    Vouched,
)
from smartcity_saas.identity.channels._core import (
    address_of,
    client_of,
    fetch_token,
    get_json,
    origin,
    secret,
)

ALGORITHMS = ["RS256", "ES256", "PS256", "EdDSA"]
LEEWAY_SECONDS = 60
KEPT_SECONDS = 600
LOOK_AGAIN_SECONDS = 5


class ClaimsSchema(Schema):
    """Which claims hold a verified real name. Name them only if the provider verifies them."""

    real_name = Line(required=True, metadata={"description": "The claim with the name."})
    number = Line(
        required=True, metadata={"description": "The claim with the resident number (GB 11643)."}
    )


class OidcSettings(ChannelSettings):
    """An OpenID provider."""

    issuer = Address(required=True, metadata={"description": "The provider's issuer, `https://…`."})
    client_id = Line(required=True, metadata={"description": "The city's client there."})
    client_secret = Credential(metadata={"description": "Its secret, by name, if it has one."})
    scopes = Line(
        load_default="openid profile",
        metadata={"description": "What is asked for: `openid profile phone`."},
    )
    claims = fields.Nested(ClaimsSchema, metadata={"description": "Verified real names, if any."})


class _Published:
    """What providers publish, kept for ten minutes. The key holds the city, so that nothing that
    one city's provider says is ever used for another's."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, str], tuple[float, Any]] = {}
        self._lock = Lock()

    def get(self, url: str, *, again: bool = False) -> Any:
        key = (scope.city_id(), url)
        at, found = self._kept.get(key, (float("-inf"), None))
        age = time.monotonic() - at
        if age > KEPT_SECONDS or (again and age > LOOK_AGAIN_SECONDS):
            found = get_json(url, {})
            with self._lock:
                self._kept[key] = (time.monotonic(), found)
        return found

    def forget(self) -> None:
        with self._lock:
            self._kept.clear()


published = _Published()


def discover(issuer: str) -> Mapping[str, Any]:
    """A provider's metadata.

    Raises:
        ChannelDown: There is none, it is another issuer's, or a part is missing.
    """
    found: dict[str, Any] = published.get(f"{issuer}/.well-known/openid-configuration")
    if str(found.get("issuer", "")).rstrip("/") != issuer:
        raise ChannelDown("discovery: another issuer")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        if not isinstance(found.get(name), str):
            raise ChannelDown(f"discovery: no {name}")
    return found


def _begin(values: Mapping[str, Any], handshake: Handshake) -> str:
    metadata = discover(values["issuer"])
    client = _client(values, handshake)
    url, _state = client.create_authorization_url(
        metadata["authorization_endpoint"],
        state=handshake.state,
        code_verifier=handshake.verifier,
        nonce=handshake.nonce,
    )
    return str(url)


def _finish(values: Mapping[str, Any], handshake: Handshake, back: Mapping[str, str]) -> Vouched:
    metadata = discover(values["issuer"])
    if back.get("error") == "access_denied":
        raise Cancelled
    if "iss" in back and back["iss"].rstrip("/") != values["issuer"]:
        raise ChannelRefused("iss of the answer (RFC 9207)")
    if not back.get("code"):
        raise ChannelRefused(f"answer: {back.get('error', 'no code')[:60]}")
    token = fetch_token(
        _client(values, handshake),
        metadata["token_endpoint"],
        code=back["code"],
        code_verifier=handshake.verifier,
    )
    claims = verify_id_token(
        token.get("id_token"),
        metadata,
        values["issuer"],
        values["client_id"],
        handshake.nonce,
    )
    claims = {**_user_info(metadata, token["access_token"], claims["sub"]), **claims}
    return _vouched(values, claims, str(token["id_token"]))


def _end(values: Mapping[str, Any], id_token: str, back: str) -> str | None:
    try:
        endpoint = discover(values["issuer"]).get("end_session_endpoint")
    except ChannelDown:
        return None
    if not isinstance(endpoint, str):
        return None
    return address_of(
        endpoint,
        {
            "id_token_hint": id_token,
            "client_id": values["client_id"],
            "post_logout_redirect_uri": back,
        },
    )


def verify_id_token(
    raw: Any, metadata: Mapping[str, Any], issuer: str, client_id: str, nonce: str
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
            token = jwt.decode(raw, _keys(metadata), algorithms=ALGORITHMS)
        except InvalidKeyIdError:
            token = jwt.decode(raw, _keys(metadata, again=True), algorithms=ALGORITHMS)
        jwt.JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            iss={"essential": True},
            sub={"essential": True},
            aud={"essential": True, "value": client_id},
            exp={"essential": True},
            iat={"essential": True},
        ).validate(token.claims)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise ChannelRefused(f"ID token: {type(error).__name__}") from None
    claims: dict[str, Any] = token.claims
    audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if claims["iss"] != metadata["issuer"] or claims.get("nonce") != nonce:
        raise ChannelRefused("ID token: iss or nonce")
    if (len(audience) > 1 or "azp" in claims) and claims.get("azp") != client_id:
        raise ChannelRefused("ID token: azp")
    if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= 255:
        raise ChannelRefused("ID token: sub")
    return claims


def _keys(metadata: Mapping[str, Any], *, again: bool = False) -> KeySet:
    return KeySet.import_key_set(published.get(metadata["jwks_uri"], again=again))


def _user_info(metadata: Mapping[str, Any], token: str, subject: str) -> dict[str, Any]:
    endpoint = metadata.get("userinfo_endpoint")
    if not isinstance(endpoint, str):
        return {}
    found = get_json(endpoint, {}, token)
    if found.get("sub") != subject:
        raise ChannelRefused("user info: another subject")
    return found


def _vouched(values: Mapping[str, Any], claims: Mapping[str, Any], id_token: str) -> Vouched:
    wanted = values.get("claims") or {}
    real_name, number = (
        _text(claims, wanted.get("real_name")),
        _text(claims, wanted.get("number")),
    )
    both = bool(real_name and number)
    return Vouched(
        subjects=(f"{claims['iss']}#{claims['sub']}",),  # a subject is its issuer's alone
        name=(_text(claims, "name") or _text(claims, "nickname") or claims["sub"])[:40],
        phone=_text(claims, "phone_number")
        if claims.get("phone_number_verified") is True
        else None,
        mail=_text(claims, "email") if claims.get("email_verified") is True else None,
        real_name=real_name if both else None,
        number=number if both else None,
        id_token=id_token,
    )


def _text(claims: Mapping[str, Any], name: str | None) -> str | None:
    found = claims.get(name) if name else None
    return found if isinstance(found, str) and found.strip() else None


def _client(values: Mapping[str, Any], handshake: Handshake) -> Any:
    reference = values.get("client_secret")
    return client_of(
        values["client_id"],
        secret(reference) if reference else None,
        redirect_uri=handshake.redirect_uri,
        scope=values["scopes"],
        code_challenge_method="S256",
    )


channel = Channel(
    name="oidc",
    title={"zh": "统一身份认证", "en": "City account"},
    icon="shield-check",
    settings=OidcSettings,
    origins=lambda values: (origin(values["issuer"]),),
    begin=_begin,
    finish=_finish,
    end=_end,
    probe=lambda values: str(discover(values["issuer"])["issuer"]),
)
