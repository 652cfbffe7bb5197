"""Any OpenID provider, as the city's own way in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smartcity_saas.identity.federation import openid
from smartcity_saas.identity.federation.channels import (
    AuthenticatedIdentity,
    AuthorizationRequest,
    Channel,
)
from smartcity_saas.identity.federation.channels.documents.oidc import OidcSettings
from smartcity_saas.identity.federation.oauth_client import origin, secret
from smartcity_saas.identity.federation.openid import Registration, text_claim
from smartcity_saas.tenant_context import current_city_id


def _ours(values: Mapping[str, Any]) -> Registration:
    reference = values.get("client_secret")
    return Registration(
        _owner(),
        values["issuer"],
        values["client_id"],
        secret(reference) if reference else None,
        values["scopes"],
    )


def _owner() -> str:
    return f"city:{current_city_id()}"


def _finish(
    values: Mapping[str, Any], login_request: AuthorizationRequest, back: Mapping[str, str]
) -> AuthenticatedIdentity:
    claims, id_token = openid.finish(_ours(values), login_request, back)
    return _vouched(values, claims, id_token)


def _vouched(
    values: Mapping[str, Any], claims: Mapping[str, Any], id_token: str
) -> AuthenticatedIdentity:
    wanted = values.get("claims") or {}
    real_name, number = (
        text_claim(claims, wanted.get("real_name")),
        text_claim(claims, wanted.get("number")),
    )
    both = bool(real_name and number)
    return AuthenticatedIdentity(
        subjects=(f"{claims['iss']}#{claims['sub']}",),  # a subject is its issuer's alone
        name=(text_claim(claims, "name") or text_claim(claims, "nickname") or claims["sub"])[:40],
        phone=text_claim(claims, "phone_number")
        if claims.get("phone_number_verified") is True
        else None,
        mail=text_claim(claims, "email") if claims.get("email_verified") is True else None,
        real_name=real_name if both else None,
        number=number if both else None,
        id_token=id_token,
    )


channel = Channel(
    name="oidc",
    title={"zh": "统一身份认证", "en": "City account"},
    icon="shield-check",
    settings=OidcSettings,
    origins=lambda values: (origin(values["issuer"]),),
    begin=lambda values, login_request: openid.begin(_ours(values), login_request),
    finish=_finish,
    end=lambda values, id_token, back: openid.end(_ours(values), id_token, back),
    probe=lambda values: str(openid.discover(_owner(), values["issuer"])["issuer"]),
)
