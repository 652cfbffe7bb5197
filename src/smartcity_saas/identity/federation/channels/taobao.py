"""Signing in with Taobao: the person comes with the token, the nickname percent-encoded.

``taobao_open_uid`` lasts; ``taobao_user_id`` is missing or ``-1`` for applications that may not
see it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from smartcity_saas.identity.federation.channels import (
    AuthenticatedIdentity,
    AuthorizationRequest,
    Channel,
    ChannelRefused,
)
from smartcity_saas.identity.federation.channels.documents.taobao import TaobaoSettings
from smartcity_saas.identity.federation.oauth_client import (
    address_of,
    at,
    client_of,
    fetch_token,
    granted_code,
    origin,
    secret,
)
from smartcity_saas.identity.user_agents import on_phone

AUTHORIZE = "https://oauth.taobao.com/authorize"
TOKEN = "https://oauth.taobao.com/token"  # noqa: S105 -- an address


def _begin(values: Mapping[str, Any], login_request: AuthorizationRequest) -> str:
    return address_of(
        at(AUTHORIZE),
        {
            "response_type": "code",
            "client_id": values["client_id"],
            "redirect_uri": login_request.redirect_uri,
            "state": login_request.state,
            "view": "wap" if login_request.in_app or on_phone() else "web",
        },
    )


def _finish(
    values: Mapping[str, Any], login_request: AuthorizationRequest, back: Mapping[str, str]
) -> AuthenticatedIdentity:
    code = granted_code(back)
    client = client_of(
        values["client_id"],
        secret(values["client_secret"]),
        redirect_uri=login_request.redirect_uri,
        client_auth="client_secret_post",
    )
    token = fetch_token(client, at(TOKEN), code=code)
    subjects = tuple(
        f"{kind}:{token[name]}"
        for kind, name in (("open", "taobao_open_uid"), ("user", "taobao_user_id"))
        if token.get(name) and str(token[name]) != "-1"
    )
    if not subjects:
        raise ChannelRefused("nobody")
    return AuthenticatedIdentity(
        subjects=subjects, name=unquote(str(token.get("taobao_user_nick", "")))[:40]
    )


channel = Channel(
    name="taobao",
    title={"zh": "淘宝", "en": "Taobao"},
    icon="building-community",
    settings=TaobaoSettings,
    origins=lambda values: (origin(at(AUTHORIZE)),),
    begin=_begin,
    finish=_finish,
    in_app=re.compile(r"AliApp\(TB/", re.I),
)
