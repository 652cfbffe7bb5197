"""Signing in with Alipay: its gateway, RSA2 both ways, ``alipay.system.oauth.token`` and
``alipay.user.info.share``.

From Alipay's documentation: ``auth_code`` comes back instead of ``code``; requests are signed over
every parameter but ``sign``, sorted, joined by ``&`` and not encoded, with SHA-256 and RSA
(PKCS#1 v1.5); the gateway's ``timestamp`` is Beijing time; an answer is signed over the very text
of its node, which is therefore cut out and never written anew.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    load_der_private_key,
    load_pem_private_key,
)

from smartcity_saas.identity.federation.channels import (
    AuthenticatedIdentity,
    AuthorizationRequest,
    Cancelled,
    Channel,
    ChannelDown,
    ChannelRefused,
)
from smartcity_saas.identity.federation.channels._rsa import read_public_key
from smartcity_saas.identity.federation.channels.documents.alipay import AlipaySettings
from smartcity_saas.identity.federation.oauth_client import (
    GuardedSession,
    address_of,
    at,
    origin,
    secret,
)
from smartcity_saas.tenancy.current import current_time

AUTHORIZE = "https://openauth.alipay.com/oauth2/publicAppAuthorize.htm"
GATEWAY = "https://openapi.alipay.com/gateway.do"
BEIJING = ZoneInfo("Asia/Shanghai")
ID_CARD = "0"
_NODE = re.compile(r'"([a-zA-Z_]+_response)"\s*:\s*(?=\{)')
_SIGN = re.compile(r'\}\s*,\s*(?:"alipay_cert_sn"\s*:\s*"[^"]*"\s*,\s*)?"sign"\s*:\s*"([^"]*)"')
_RETRY = frozenset({"isp.unknow-error", "isp.unknown-error", "aop.unknow-error"})


def signing_text(parameters: Mapping[str, str]) -> bytes:
    """What a request's signature covers: all but ``sign`` and what is empty, sorted, unencoded."""
    kept = {name: value for name, value in parameters.items() if name != "sign" and value}
    return "&".join(f"{name}={kept[name]}" for name in sorted(kept)).encode()


def sign(private_key: str, content: bytes) -> str:
    """An RSA2 signature (SHA256withRSA, PKCS#1 v1.5), in base64.

    Raises:
        ChannelDown: The city's private key cannot be read.
    """
    try:
        key = _private_key(private_key)
    except ValueError:
        raise ChannelDown("private key") from None
    return base64.b64encode(key.sign(content, PKCS1v15(), SHA256())).decode()


def verify(public_key: str, content: bytes, signature: str) -> bool:
    """Whether Alipay has signed something. Alipay escapes ``/`` in some answers before signing
    and in some after, so both are tried, as its own SDK does."""
    key = read_public_key(public_key)
    try:
        raw = base64.b64decode(signature, validate=True)
    except (ValueError, binascii.Error):
        return False
    for tried in dict.fromkeys((content, content.replace(b"\\/", b"/"))):
        try:
            key.verify(raw, tried, PKCS1v15(), SHA256())
        except InvalidSignature:
            continue
        return True
    return False


def _begin(values: Mapping[str, Any], login_request: AuthorizationRequest) -> str:
    return address_of(
        at(AUTHORIZE),
        {
            "app_id": values["app_id"],
            "scope": "auth_user",
            "redirect_uri": login_request.redirect_uri,
            "state": login_request.state,
        },
    )


def _finish(
    values: Mapping[str, Any], login_request: AuthorizationRequest, back: Mapping[str, str]
) -> AuthenticatedIdentity:
    if not back.get("auth_code"):
        raise Cancelled
    if back.get("app_id", values["app_id"]) != values["app_id"]:
        raise ChannelRefused("app_id of the answer")
    token = _call(
        values,
        "alipay.system.oauth.token",
        {"grant_type": "authorization_code", "code": back["auth_code"]},
    )
    access = token.get("access_token")
    if not isinstance(access, str) or not access:
        raise ChannelDown("token: none")
    person = _call(values, "alipay.user.info.share", {"auth_token": access})
    subjects = _subjects(token)
    if not subjects or (_subjects(person) and not set(subjects) & set(_subjects(person))):
        raise ChannelRefused("another person")
    certified = (
        values["real_name"]
        and person.get("is_certified") == "T"
        and person.get("cert_type") == ID_CARD
    )
    return AuthenticatedIdentity(
        subjects=subjects,
        name=str(person.get("nick_name") or "")[:40],
        real_name=str(person["user_name"]) if certified and person.get("user_name") else None,
        number=str(person["cert_no"]) if certified and person.get("cert_no") else None,
    )


def _subjects(node: Mapping[str, Any]) -> tuple[str, ...]:
    """``user_id`` where the application still gets it, and ``open_id``."""
    return tuple(
        f"{kind}:{node[name]}"
        for kind, name in (("user", "user_id"), ("open", "open_id"))
        if isinstance(node.get(name), str) and node[name]
    )


def _call(values: Mapping[str, Any], method: str, parameters: Mapping[str, str]) -> dict[str, Any]:
    """Call the gateway; returns the node of the answer, whose signature has been verified.

    Raises:
        ChannelDown: It does not answer as documented, or has not signed what it says.
        ChannelRefused: It answered with an error.
    """
    common = {
        "app_id": values["app_id"],
        "method": method,
        "format": "JSON",
        "charset": "utf-8",
        "sign_type": "RSA2",
        "timestamp": current_time().astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S"),
        "version": "1.0",
    }
    key = secret(values["private_key"])
    common["sign"] = sign(key, signing_text({**common, **parameters}))
    answer = GuardedSession().post(f"{at(GATEWAY)}?{urlencode(common)}", parameters)
    answer.raise_for_status()
    name, node, trusted = _read(answer.content, values["alipay_public_key"])
    if name == "error_response" or str(node.get("code", "10000")) != "10000":
        _refuse(node)
    if not trusted:
        raise ChannelDown("gateway: unsigned")
    if name != method.replace(".", "_") + "_response":
        raise ChannelDown("gateway: another node")
    return node


def _read(body: bytes, public_key: str) -> tuple[str, dict[str, Any], bool]:
    """The node's name, the node, and whether its signature holds."""
    try:
        text = body.decode()
        begin = _NODE.search(text)
        if begin is None:
            raise ValueError
        node, end = json.JSONDecoder().raw_decode(text, begin.end())
    except (ValueError, RecursionError):
        raise ChannelDown("gateway: no node") from None
    if not isinstance(node, dict):
        raise ChannelDown("gateway: no node")
    raw = text[begin.end() : end]
    signed = _SIGN.match(text, end - 1)
    trusted = signed is not None and verify(public_key, raw.encode(), json.loads(f'"{signed[1]}"'))
    return begin[1], node, trusted


def _refuse(node: Mapping[str, Any]) -> None:
    reason = str(node.get("sub_code") or node.get("code"))[:60]
    if reason in _RETRY or str(node.get("code")) == "20000":
        raise ChannelDown(f"gateway: {reason}")
    raise ChannelRefused(f"gateway: {reason}")


def _private_key(text: str) -> RSAPrivateKey:
    found = (
        load_pem_private_key(text.encode(), None)
        if "-----BEGIN" in text
        else load_der_private_key(base64.b64decode("".join(text.split())), None)
    )
    if not isinstance(found, RSAPrivateKey):
        raise ValueError("no RSA key")
    return found


channel = Channel(
    name="alipay",
    title={"zh": "支付宝", "en": "Alipay"},
    icon="device-mobile",
    settings=AlipaySettings,
    origins=lambda values: (origin(at(AUTHORIZE)),),
    begin=_begin,
    finish=_finish,
    in_app=re.compile(r"AlipayClient/|AliApp\(AP/", re.I),
)
