"""Signing in with Baidu: OAuth 2.0 whose code is turned into a token by GET, and whose person is
asked for by the token.

From Baidu's documentation (openauth.baidu.com/doc/doc.html): ``openid`` is of one person at one
application, ``unionid``, sent only if it is asked for, of one person at one developer's account.
``username`` has its middle masked. A refused code answers with ``error``, a refused token with
``error_code``, in some answers as text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from smartcity_saas.identity.federation.channels import (
    AuthenticatedIdentity,
    AuthorizationRequest,
    Channel,
    ChannelDown,
    ChannelRefused,
)
from smartcity_saas.identity.federation.channels.documents.baidu import BaiduSettings
from smartcity_saas.identity.federation.oauth_client import (
    address_of,
    at,
    client_of,
    fetch_token,
    get_json,
    granted_code,
    origin,
    secret,
)
from smartcity_saas.identity.user_agents import on_phone

AUTHORIZE = "https://openapi.baidu.com/oauth/2.0/authorize"
TOKEN = "https://openapi.baidu.com/oauth/2.0/token"  # noqa: S105 -- an address
USER = "https://openapi.baidu.com/rest/2.0/passport/users/getInfo"
BUSY = frozenset({"1", "2", "4", "17", "18", "19"})
"""A fault of theirs, out of order, or asked too often: together, in a day, in a second, in total."""


def _begin(values: Mapping[str, Any], login_request: AuthorizationRequest) -> str:
    return address_of(
        at(AUTHORIZE),
        {
            "response_type": "code",
            "client_id": values["client_id"],
            "redirect_uri": login_request.redirect_uri,
            "scope": "basic",
            "state": login_request.state,
            "display": "mobile" if login_request.in_app or on_phone() else "page",
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
        client_auth="baidu",
    )
    client.register_client_auth_method(("baidu", _key_and_secret))
    token = fetch_token(client, at(TOKEN), code=code, method="GET")
    person = get_json(at(USER), {"access_token": str(token["access_token"]), "get_unionid": "1"})
    _refuse(person)
    subjects = tuple(
        f"{kind}:{person[name]}"
        for kind, name in (("union", "unionid"), ("open", "openid"))
        if isinstance(person.get(name), str) and person[name]
    )
    if not subjects:
        raise ChannelDown("no openid")
    return AuthenticatedIdentity(subjects=subjects, name=str(person.get("username") or "")[:40])


def _key_and_secret(auth: Any, method: str, uri: str, headers: Any, body: Any) -> Any:
    """The client's credentials in the query, where Baidu's documentation has them."""
    pair = {"client_id": auth.client_id, "client_secret": auth.client_secret}
    return f"{uri}&{urlencode(pair)}", headers, body


def _refuse(found: Mapping[str, Any]) -> None:
    if "error_code" not in found:
        return
    code = str(found["error_code"])[:12]
    raise (
        ChannelDown(f"error_code {code}") if code in BUSY else ChannelRefused(f"error_code {code}")
    )


channel = Channel(
    name="baidu",
    title={"zh": "百度", "en": "Baidu"},
    icon="search",
    settings=BaiduSettings,
    origins=lambda values: (origin(at(AUTHORIZE)),),
    begin=_begin,
    finish=_finish,
    in_app=re.compile(r"baiduboxapp/", re.I),
)
