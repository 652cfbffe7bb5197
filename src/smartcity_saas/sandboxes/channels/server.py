"""The sandbox's addresses: ``/<host of the provider>/<path there>``."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from flask import Flask, Response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from smartcity_saas.identity.federation.channels.alipay import sign, signing_text, verify
from smartcity_saas.sandboxes.channels.state import KEY, PEOPLE, ChannelSandbox, Grant, person_id

SLOW_SECONDS = 12


def create_channel_sandbox(sandbox: ChannelSandbox) -> Flask:
    """The sandbox as an application."""
    app = Flask(__name__)
    _add_levers(app, sandbox)
    _add_alipay(app, sandbox)
    _add_wechat(app, sandbox)
    _add_weibo(app, sandbox)
    _add_taobao(app, sandbox)
    _add_baidu(app, sandbox)
    return app


def _add_levers(app: Flask, sandbox: ChannelSandbox) -> None:
    @app.post("/control/clients")
    def clients() -> ResponseReturnValue:
        sandbox.secrets.update(request.get_json())
        return {}

    @app.before_request
    def misbehave() -> ResponseReturnValue | None:
        if request.endpoint in ("clients", "authorize") or request.path.endswith(
            ("authorize", "publicAppAuthorize.htm", "qrconnect")
        ):
            return None
        if sandbox.fault == "slow":
            time.sleep(SLOW_SECONDS)
        if sandbox.fault == "garbage":
            return Response("<html>busy</html>", 200)
        if sandbox.fault == "down":
            return Response("bad gateway", 502)
        place, answer = _ERRORS.get(sandbox.fault.removeprefix("error:"), ("", Response))
        return answer() if place == request.values.get("method", request.endpoint) else None


_ERRORS: Mapping[str, tuple[str, Callable[[], ResponseReturnValue]]] = {
    "isv.code-invalid": (
        "alipay.system.oauth.token",
        lambda: _alipay_error("40002", "isv.code-invalid"),
    ),
    "20000": (
        "alipay.system.oauth.token",
        lambda: _alipay_error("20000", "isp.unknow-error"),
    ),
    "aop.invalid-auth-token": (
        "alipay.user.info.share",
        lambda: _alipay_error("20001", "aop.invalid-auth-token"),
    ),
    "-1": ("wechat_token", lambda: _wechat({"errcode": -1, "errmsg": "system error"})),
    "40029": ("wechat_token", lambda: _wechat({"errcode": 40029, "errmsg": "invalid code"})),
    "40163": ("wechat_token", lambda: _wechat({"errcode": 40163, "errmsg": "code been used"})),
    "40003": ("wechat_user", lambda: _wechat({"errcode": 40003, "errmsg": "invalid openid"})),
    "42001": ("wechat_user", lambda: _wechat({"errcode": 42001, "errmsg": "token expired"})),
    "45011": (
        "wechat_user",
        lambda: _wechat({"errcode": 45011, "errmsg": "api freq out of limit"}),
    ),
    "21325": ("weibo_token", lambda: _weibo(400, "invalid_grant", 21325)),
    "21327": ("weibo_info", lambda: _weibo(400, "expired_token", "21327")),
    "10009": ("weibo_user", lambda: _weibo(403, "Too many pending tasks", 10009)),
    "10022": ("weibo_user", lambda: _weibo(403, "IP requests out of rate limit", 10022)),
    "invalid_grant": (
        "taobao_token",
        lambda: ({"error": "invalid_grant", "error_description": "code is invalid"}, 400),
    ),
    "expired": ("baidu_token", lambda: _baidu_refusal("invalid_grant", "code is expired")),
    "110": ("baidu_user", lambda: _baidu("110", "Access token invalid or no longer valid")),
    "111": ("baidu_user", lambda: _baidu(111, "Access token expired")),
    "2": ("baidu_user", lambda: _baidu(2, "Service temporarily unavailable")),
    "18": ("baidu_user", lambda: _baidu("18", "Open api qps request limit reached")),
}
"""Errors of the providers' documentation, each with the call that it answers."""


def _ask(
    sandbox: ChannelSandbox, title: str, app_id: str, back: str, names: Mapping[str, str]
) -> ResponseReturnValue:
    """The page on which one of the made-up people presses yes or no."""
    if app_id not in sandbox.secrets:
        return Response(f"unknown application {app_id}", 400)
    person = request.args.get("person")
    if person is None:
        return render_template("channel_sandbox.html", title=title, people=PEOPLE.values())
    state = request.args.get("state", "")
    if person not in PEOPLE:
        return redirect(f"{back}?{urlencode({**json.loads(names['denied']), 'state': state})}")
    code = sandbox.code(app_id, person, back)
    return redirect(
        f"{back}?{urlencode({names['code']: code, 'state': state, **_app(names, app_id)})}"
    )


def _app(names: Mapping[str, str], app_id: str) -> dict[str, str]:
    return (
        {"app_id": app_id, "source": "alipay_wallet", "scope": "auth_user"}
        if "app" in names
        else {}
    )


def _add_alipay(app: Flask, sandbox: ChannelSandbox) -> None:
    @app.get("/openauth.alipay.com/oauth2/publicAppAuthorize.htm")
    def alipay_authorize() -> ResponseReturnValue:
        names = {"code": "auth_code", "app": "1", "denied": '{"error_scope": "auth_user"}'}
        app_id, back = request.args["app_id"], request.args["redirect_uri"]
        return _ask(sandbox, "支付宝 Alipay", app_id, back, names)

    @app.post("/openapi.alipay.com/gateway.do")
    def alipay_gateway() -> ResponseReturnValue:
        parameters = {**request.args.to_dict(), **request.form.to_dict()}
        app_key = sandbox.secrets.get(parameters.get("app_id", ""))
        if app_key is None:
            return _alipay_error("40002", "isv.invalid-app-id")
        if parameters.get("sign_type") != "RSA2" or not verify(
            app_key, signing_text(parameters), parameters.get("sign", "")
        ):
            return _alipay_error("40002", "isv.invalid-signature")
        if parameters["method"] == "alipay.system.oauth.token":
            grant = sandbox.use(parameters.get("code", ""), parameters["app_id"])
            if grant is None:
                return _alipay_error("40002", "isv.code-invalid")
            return _alipay(
                sandbox,
                "alipay_system_oauth_token_response",
                {
                    **_alipay_person(grant),
                    "access_token": sandbox.token(grant),
                    "expires_in": 1296000,
                    "re_expires_in": 2592000,
                    "refresh_token": "unused",
                },
            )
        token = sandbox.tokens.get(parameters.get("auth_token", ""))
        if token is None:
            return _alipay_error("20001", "aop.invalid-auth-token")
        person = PEOPLE[token.person]
        return _alipay(
            sandbox,
            "alipay_user_info_share_response",
            {
                "code": "10000",
                "msg": "Success",
                **_alipay_person(token),
                "nick_name": person.name,
                "avatar": "https:\\/\\/example.invalid\\/a.png",
                "gender": "f",
                "is_certified": "T",
                "user_name": person.real_name,
                "cert_type": "0",
                "cert_no": person.number,
            },
        )


def _alipay_person(grant: Grant) -> dict[str, str]:
    return {"open_id": person_id(grant.app, grant.person)}


def _alipay(sandbox: ChannelSandbox, name: str, node: Mapping[str, Any]) -> Response:
    text = json.dumps(node, ensure_ascii=False)
    signature = sign(KEY, text.encode())
    if sandbox.fault == "unsigned":
        return Response(f'{{"{name}":{text}}}', content_type="text/html;charset=utf-8")
    if sandbox.fault == "tampered":
        text = text.replace("示例", "另一").replace('"access_token": "', '"access_token": "0')
    body = f'{{"{name}":{text},"sign":"{signature}"}}'
    return Response(body, content_type="text/html;charset=utf-8")


def _alipay_error(code: str, sub_code: str) -> Response:
    node = {"code": code, "msg": "Invalid Arguments", "sub_code": sub_code, "sub_msg": "无效"}
    text = json.dumps(node, ensure_ascii=False)
    return Response(f'{{"error_response":{text},"sign":"{sign(KEY, text.encode())}"}}')


_WECHAT_ORDER = ["appid", "redirect_uri", "response_type", "scope", "state"]
_WECHAT_SCOPES = {"oauth2": "snsapi_userinfo", "qrconnect": "snsapi_login"}


def _add_wechat(app: Flask, sandbox: ChannelSandbox) -> None:
    @app.get("/open.weixin.qq.com/connect/<any(oauth2, qrconnect):kind>")
    @app.get("/open.weixin.qq.com/connect/<any(oauth2):kind>/authorize")
    def wechat_authorize(kind: str) -> ResponseReturnValue:
        if [*request.args][:5] != _WECHAT_ORDER or not request.args["state"].isalnum():
            return Response("参数错误", 400)
        if request.args["scope"] != _WECHAT_SCOPES[kind]:
            return Response("Scope 参数错误或没有 Scope 权限", 400)
        names = {"code": "code", "denied": '{"code": "authdeny"}'}
        app_id, back = request.args["appid"], request.args["redirect_uri"]
        return _ask(sandbox, "微信 WeChat", app_id, back, names)

    @app.get("/api.weixin.qq.com/sns/oauth2/access_token")
    def wechat_token() -> ResponseReturnValue:
        return _wechat_token(sandbox, request.args)

    @app.get("/api.weixin.qq.com/sns/userinfo")
    def wechat_user() -> ResponseReturnValue:
        token = sandbox.tokens.get(request.args.get("access_token", ""))
        if token is None or request.args.get("openid") != person_id(token.app, token.person):
            return _wechat({"errcode": 40003, "errmsg": "invalid openid"})
        person = "third" if sandbox.fault == "another person" else token.person
        return _wechat(
            {
                "openid": person_id(token.app, person),
                "nickname": PEOPLE[person].name,
                "sex": 0,
                "headimgurl": "",
                "privilege": [],
                "unionid": person_id("union", person),
            }
        )


def _wechat_token(sandbox: ChannelSandbox, asked: Mapping[str, str]) -> Response:
    if asked.get("appid", "") not in sandbox.secrets:
        return _wechat({"errcode": 40013, "errmsg": "invalid appid"})
    if sandbox.secrets[asked["appid"]] != asked.get("secret"):
        return _wechat({"errcode": 40125, "errmsg": "invalid appsecret, rid: 0"})
    known = sandbox.codes.get(asked.get("code", ""))
    grant = sandbox.use(asked.get("code", ""), asked["appid"])
    if grant is None:
        used = known is not None and known.used
        return _wechat(
            {"errcode": 40163 if used else 40029, "errmsg": "code been used" if used else "bad"}
        )
    return _wechat(
        {
            "access_token": sandbox.token(grant),
            "expires_in": 7200,
            "refresh_token": "unused",
            "openid": person_id(grant.app, grant.person),
            "scope": "snsapi_userinfo",
            "unionid": person_id("union", grant.person),
            **({"is_snapshotuser": 1} if sandbox.fault == "snapshot" else {}),
        }
    )


def _wechat(body: Mapping[str, Any]) -> Response:
    """WeChat sends JSON as plain text, without a charset."""
    return Response(json.dumps(body, ensure_ascii=False).encode(), content_type="text/plain")


def _add_weibo(app: Flask, sandbox: ChannelSandbox) -> None:
    @app.get("/<any(api.weibo.com, open.weibo.cn):host>/oauth2/authorize")
    def weibo_authorize(host: str) -> ResponseReturnValue:
        denied = {"error": "access_denied", "error_code": "21330", "error_uri": "/oauth2/authorize"}
        names = {"code": "code", "denied": json.dumps(denied)}
        app_id, back = request.args["client_id"], request.args["redirect_uri"]
        return _ask(sandbox, "微博 Weibo", app_id, back, names)

    @app.post("/api.weibo.com/oauth2/access_token")
    def weibo_token() -> ResponseReturnValue:
        asked = request.form
        if sandbox.secrets.get(asked.get("client_id", "")) != asked.get("client_secret"):
            return _weibo(401, "invalid_client", 21324)
        grant = sandbox.use(asked.get("code", ""), asked["client_id"])
        if grant is None:
            return _weibo(400, "invalid_grant", 21325)
        if grant.redirect_uri != asked.get("redirect_uri"):
            return _weibo(400, "redirect_uri_mismatch", 21322)
        return _text(
            {
                "access_token": sandbox.token(grant),
                "expires_in": "7200",
                "remind_in": "7200",
                "uid": _uid(grant),
            }
        )

    @app.post("/api.weibo.com/oauth2/get_token_info")
    def weibo_info() -> ResponseReturnValue:
        token = sandbox.tokens.get(request.form.get("access_token", ""))
        if token is None:
            return _weibo(400, "expired_token", "21327")
        key = "another" if sandbox.fault == "another application" else token.app
        return {"uid": int(_uid(token)), "appkey": key, "scope": None, "expire_in": 7000}

    @app.get("/api.weibo.com/2/users/show.json")
    def weibo_user() -> ResponseReturnValue:
        token = sandbox.tokens.get(request.args.get("access_token", ""))
        if token is None:
            return _weibo(403, "expired_token", "21327")
        uid = _uid(token)
        return {"id": int(uid), "idstr": uid, "screen_name": PEOPLE[token.person].name}


def _uid(grant: Grant) -> str:
    return str(int(person_id("weibo", grant.person, 10), 16))


def _weibo(status: int, error: str, code: int | str) -> ResponseReturnValue:
    return {"error": error, "error_code": code, "request": request.path}, status


def _text(body: Mapping[str, Any]) -> Response:
    return Response(json.dumps(body), content_type="text/plain;charset=UTF-8")


def _add_taobao(app: Flask, sandbox: ChannelSandbox) -> None:
    @app.get("/oauth.taobao.com/authorize")
    def taobao_authorize() -> ResponseReturnValue:
        denied = {"error": "access_denied", "error_description": "authorize reject"}
        names = {"code": "code", "denied": json.dumps(denied)}
        app_id, back = request.args["client_id"], request.args["redirect_uri"]
        return _ask(sandbox, "淘宝 Taobao", app_id, back, names)

    @app.post("/oauth.taobao.com/token")
    def taobao_token() -> ResponseReturnValue:
        asked = request.form
        if sandbox.secrets.get(asked.get("client_id", "")) != asked.get("client_secret"):
            return {"error": "invalid_client", "error_description": "client is invalid"}, 400
        grant = sandbox.use(asked.get("code", ""), asked["client_id"])
        if grant is None:
            return {"error": "invalid_grant", "error_description": "code is invalid"}, 400
        return {
            "access_token": sandbox.token(grant),
            "token_type": "Bearer",
            "expires_in": 86400,
            "re_expires_in": 0,
            "taobao_user_id": "-1",
            "taobao_open_uid": person_id(grant.app, grant.person),
            "taobao_user_nick": quote(PEOPLE[grant.person].name),
        }


def _add_baidu(app: Flask, sandbox: ChannelSandbox) -> None:
    @app.get("/openapi.baidu.com/oauth/2.0/authorize")
    def baidu_authorize() -> ResponseReturnValue:
        names = {"code": "code", "denied": '{"error": "access_denied"}'}
        app_id, back = request.args["client_id"], request.args["redirect_uri"]
        return _ask(sandbox, "百度 Baidu", app_id, back, names)

    @app.get("/openapi.baidu.com/oauth/2.0/token")
    def baidu_token() -> ResponseReturnValue:
        asked = request.args
        known = sandbox.secrets.get(asked.get("client_id", ""))
        if known is None or known != asked.get("client_secret"):
            return _baidu_refusal("invalid_client", "unknown client id")
        grant = sandbox.use(asked.get("code", ""), asked["client_id"])
        if grant is None:
            return _baidu_refusal("invalid_grant", "Invalid authorization code")
        if grant.redirect_uri != asked.get("redirect_uri"):
            return _baidu_refusal("invalid_grant", "redirect_uri differs")
        return {
            "access_token": sandbox.token(grant),
            "expires_in": 2592000,
            "refresh_token": "unused",
            "scope": "basic",
            "session_key": "unused",
            "session_secret": "unused",
        }

    @app.get("/openapi.baidu.com/rest/2.0/passport/users/getInfo")
    def baidu_user() -> ResponseReturnValue:
        token = sandbox.tokens.get(request.args.get("access_token", ""))
        if token is None:
            return _baidu("110", "Access token invalid or no longer valid")
        name = PEOPLE[token.person].name
        person = {
            "openid": person_id(token.app, token.person),
            "username": f"{name[:1]}***{name[-1:]}",
            "is_bind_mobile": "1",
            "is_realname": "1",
        }
        if request.args.get("get_unionid") == "1":
            person["unionid"] = person_id("baidu union", token.person)
        return {} if sandbox.fault == "nobody" else person


def _baidu_refusal(error: str, description: str) -> ResponseReturnValue:
    return {"error": error, "error_description": description}, 400


def _baidu(code: int | str, message: str) -> ResponseReturnValue:
    """What refuses a token; the code is a number in some answers and text in others."""
    return {"error_code": code, "error_msg": message}
