"""Signing in with WeChat: an official account inside the app, a website application's QR code
outside it.

From WeChat's documentation: ``appid`` and ``secret`` instead of client id and secret, parameters in
a fixed order and the fragment ``#wechat_redirect``, a state of letters and digits only, JSON sent as
plain text, errors with status 200 and an ``errcode``. ``openid`` differs from application to
application; ``unionid`` is the same within one open platform account.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _

from smartcity_saas.configuration.secret_uses import SecretUse
from smartcity_saas.identity.federation.channels import (
    AuthenticatedIdentity,
    AuthorizationRequest,
    Cancelled,
    Channel,
    ChannelDown,
    ChannelRefused,
)
from smartcity_saas.identity.federation.channels.documents.wechat import WechatSettings
from smartcity_saas.identity.federation.oauth_client import (
    address_of,
    at,
    client_of,
    fetch_token,
    get_json,
    origin,
    refuse_errors,
    secret,
)

IN_APP = "https://open.weixin.qq.com/connect/oauth2/authorize"
BY_CODE = "https://open.weixin.qq.com/connect/qrconnect"
TOKEN = "https://api.weixin.qq.com/sns/oauth2/access_token"  # noqa: S105 -- an address
USER = "https://api.weixin.qq.com/sns/userinfo"
BUSY = frozenset({-1, 45009, 45011})


def _application(values: Mapping[str, Any], in_app: bool) -> tuple[str, str, SecretUse]:
    """Which application a sign-in is by: a word for it, its appid, its secret."""
    if in_app:
        return "official", values["app_id"], values["app_secret"]
    website = values.get("website")
    if website is None:
        raise ChannelRefused(
            "outside the app", _("To sign in with WeChat, open this page in WeChat.")
        )
    return "website", website["app_id"], website["secret"]


def _begin(values: Mapping[str, Any], login_request: AuthorizationRequest) -> str:
    _kind, app_id, _secret = _application(values, login_request.in_app)
    return address_of(
        at(IN_APP if login_request.in_app else BY_CODE),
        {
            "appid": app_id,
            "redirect_uri": login_request.redirect_uri,
            "response_type": "code",
            "scope": "snsapi_userinfo" if login_request.in_app else "snsapi_login",
            "state": login_request.state,
        },
        "wechat_redirect",
    )


def _finish(
    values: Mapping[str, Any], login_request: AuthorizationRequest, back: Mapping[str, str]
) -> AuthenticatedIdentity:
    kind, app_id, reference = _application(values, login_request.in_app)
    if back.get("code", "authdeny") == "authdeny":
        raise Cancelled
    client = client_of(app_id, secret(reference), client_auth="wechat")
    client.register_client_auth_method(("wechat", _appid_and_secret))
    refuse_errors(client, _refuse)
    token = fetch_token(client, at(TOKEN), code=back["code"], method="GET")
    if token.get("is_snapshotuser") == 1:
        raise ChannelRefused(
            "snapshot user", _("Press “use the whole service” in WeChat first, then sign in.")
        )
    openid = _known(token, "openid")
    person = get_json(
        at(USER), {"access_token": str(token["access_token"]), "openid": openid, "lang": "zh_CN"}
    )
    _refuse(person)
    if _known(person, "openid") != openid:
        raise ChannelRefused("another person")
    union = person.get("unionid") or token.get("unionid")
    return AuthenticatedIdentity(
        subjects=(*((f"union:{union}",) if union else ()), f"{kind}:{openid}"),
        name=str(person.get("nickname") or "")[:40],
    )


def _appid_and_secret(auth: Any, method: str, uri: str, headers: Any, body: Any) -> Any:
    """WeChat's names for the client's credentials, in the query."""
    uri += f"&appid={auth.client_id}&secret={auth.client_secret}"
    return uri, headers, body


def _refuse(found: Mapping[str, Any]) -> None:
    code = found.get("errcode", 0)
    if code in (0, "0"):
        return
    if code in BUSY:
        raise ChannelDown(f"errcode {code}")
    raise ChannelRefused(f"errcode {str(code)[:12]}")


def _known(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name)
    if not isinstance(value, str) or not value:
        raise ChannelDown(f"no {name}")
    return value


channel = Channel(
    name="wechat",
    title={"zh": "微信", "en": "WeChat"},
    icon="message",
    settings=WechatSettings,
    origins=lambda values: (origin(at(IN_APP)),),
    begin=_begin,
    finish=_finish,
    # WeCom's browser names WeChat's as well, and is another app.
    in_app=re.compile(r"^(?!.*wxwork/).*MicroMessenger/", re.I | re.S),
    usable=lambda values, in_app: in_app or "website" in values,
    by_scanning=True,
)
