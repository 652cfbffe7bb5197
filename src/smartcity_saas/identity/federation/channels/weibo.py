"""Signing in with Weibo: OAuth 2.0 with ``uid`` beside the token, which is verified before it
counts, and errors with an ``error_code``.

``display=mobile`` has a host of its own. Weibo says not to trust ``uid`` alone, so
``oauth2/get_token_info`` must name the same person and this application.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from smartcity_saas.identity.federation.channels import (
    AuthenticatedIdentity,
    AuthorizationRequest,
    Cancelled,
    Channel,
    ChannelDown,
    ChannelRefused,
)
from smartcity_saas.identity.federation.channels.documents.weibo import WeiboSettings
from smartcity_saas.identity.federation.oauth_client import (
    GuardedSession,
    address_of,
    at,
    client_of,
    fetch_token,
    get_json,
    origin,
    refuse_errors,
    secret,
)
from smartcity_saas.identity.user_agents import on_phone

DESKTOP = "https://api.weibo.com/oauth2/authorize"
MOBILE = "https://open.weibo.cn/oauth2/authorize"
TOKEN = "https://api.weibo.com/oauth2/access_token"  # noqa: S105 -- an address
TOKEN_INFO = "https://api.weibo.com/oauth2/get_token_info"  # noqa: S105 -- an address
USER = "https://api.weibo.com/2/users/show.json"
DENIED = "21330"
BUSY = frozenset({"21331", "10001", "10002", "10009", "10022", "10023", "10024"})
"""Out of order, or asked too often by an application, an address or a user."""


def _begin(values: Mapping[str, Any], login_request: AuthorizationRequest) -> str:
    mobile = login_request.in_app or on_phone()
    return address_of(
        at(MOBILE if mobile else DESKTOP),
        {
            "client_id": values["client_id"],
            "redirect_uri": login_request.redirect_uri,
            "response_type": "code",
            "state": login_request.state,
            **({"display": "mobile"} if mobile else {}),
        },
    )


def _finish(
    values: Mapping[str, Any], login_request: AuthorizationRequest, back: Mapping[str, str]
) -> AuthenticatedIdentity:
    if back.get("error") == "access_denied" or back.get("error_code") == DENIED:
        raise Cancelled
    if not back.get("code"):
        raise ChannelRefused(f"answer: {back.get('error_code', 'no code')[:20]}")
    client = client_of(
        values["client_id"],
        secret(values["client_secret"]),
        redirect_uri=login_request.redirect_uri,
        client_auth="client_secret_post",
    )
    refuse_errors(client, _refuse)
    token = fetch_token(client, at(TOKEN), code=back["code"])
    uid, access = str(token.get("uid", "")), str(token["access_token"])
    info = GuardedSession().post(at(TOKEN_INFO), {"access_token": access})
    _verify(info, uid, values["client_id"])
    person = get_json(at(USER), {"access_token": access, "uid": uid})
    _refuse(person)
    if str(person.get("idstr") or person.get("id")) != uid:
        raise ChannelRefused("another person")
    return AuthenticatedIdentity(subjects=(uid,), name=str(person.get("screen_name") or "")[:40])


def _verify(answer: Any, uid: str, client_id: str) -> None:
    try:
        info = answer.json()
    except ValueError:
        raise ChannelDown("token info: no JSON") from None
    if not isinstance(info, dict):
        raise ChannelDown("token info: no JSON")
    _refuse(info)
    if not uid or str(info.get("uid")) != uid or str(info.get("appkey")) != client_id:
        raise ChannelRefused("token of another person or application")


def _refuse(found: Mapping[str, Any]) -> None:
    """The code is a number in some answers and text in others."""
    if "error_code" not in found and "error" not in found:
        return
    code = str(found.get("error_code", ""))[:12]
    raise (
        ChannelDown(f"error_code {code}") if code in BUSY else ChannelRefused(f"error_code {code}")
    )


channel = Channel(
    name="weibo",
    title={"zh": "微博", "en": "Weibo"},
    icon="world",
    settings=WeiboSettings,
    origins=lambda values: (origin(at(DESKTOP)), origin(at(MOBILE))),
    begin=_begin,
    finish=_finish,
    in_app=re.compile(r"__weibo__", re.I),
)
