"""The apps at which residents sign in, and somebody who does."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from smartcity_saas.audit import system
from smartcity_saas.credentials import store_credential
from smartcity_saas.sandboxes.channels.state import public_key
from tests.support.browser import Browser
from tests.support.documents import HANGZHOU, NINGBO
from tests.support.world import World

KEY = rsa.generate_private_key(65537, 2048)
PRIVATE = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
DIALECTS = ("alipay", "wechat", "weibo", "taobao", "baidu")
AGENTS = {
    "alipay": "Mozilla/5.0 (Linux; Android 14) AliApp(AP/10.6.0) AlipayClient/10.6.0",
    "wechat": "Mozilla/5.0 (iPhone) MicroMessenger/8.0.50",
    "weibo": "Mozilla/5.0 (iPhone) Weibo (iPhone15,2__weibo__14.1.0__iphone__os17.0)",
    "taobao": "Mozilla/5.0 (Linux; Android 14) AliApp(TB/10.38.0) WindVane/8.7.2",
    "baidu": "Mozilla/5.0 (Linux; Android 9) SP-engine/2.16.0 baiduboxapp/11.20.0.14 (Baidu; P1 9)",
}


def channels(mark: str) -> str:
    return f"""\
channels:
  alipay:
    app_id: "2021{mark}"
    private_key: {{credential: alipay_private_key}}
    alipay_public_key: {public_key()}
    real_name: true
  wechat:
    app_id: wx{mark}
    app_secret: {{credential: wechat_app_secret}}
    website: {{app_id: wxweb{mark}, secret: {{credential: wechat_website_secret}}}}
  weibo: {{client_id: "1{mark}", client_secret: {{credential: weibo_client_secret}}}}
  taobao: {{client_id: "2{mark}", client_secret: {{credential: taobao_client_secret}}}}
  baidu: {{client_id: "3{mark}", client_secret: {{credential: baidu_client_secret}}}}
  phone: {{state: open}}
"""


def keep(world: World, name: str, value: str) -> None:
    store_credential(world.app.product.keyring, system("test"), name, value, world.clock())


def open_apps(world: World, more: str = "") -> None:
    """Give two cities applications of their own at every provider.

    Args:
        world: The application.
        more: What else both documents say.
    """
    for city, yaml, mark in (("hangzhou", HANGZHOU, "330100"), ("ningbo", NINGBO, "330200")):
        world.save(yaml + channels(mark) + more)
        with world.inside(city):
            for name in (
                "wechat_app_secret",
                "wechat_website_secret",
                "weibo_client_secret",
                "taobao_client_secret",
                "baidu_client_secret",
            ):
                keep(world, name, f"{name}-{city}")
            keep(world, "alipay_private_key", PRIVATE)
    know_apps(world)


def know_apps(world: World) -> None:
    """Let the sandbox know the applications of both cities."""
    for city, mark in (("hangzhou", "330100"), ("ningbo", "330200")):
        world.sandboxes.apps.secrets |= {
            f"2021{mark}": PUBLIC,
            f"wx{mark}": f"wechat_app_secret-{city}",
            f"wxweb{mark}": f"wechat_website_secret-{city}",
            f"1{mark}": f"weibo_client_secret-{city}",
            f"2{mark}": f"taobao_client_secret-{city}",
            f"3{mark}": f"baidu_client_secret-{city}",
        }


class Person:
    """Somebody with a browser, who presses a name at the provider's page."""

    def __init__(self, world: World, city: str = "hangzhou", agent: str = "") -> None:
        self.browser: Browser = world.client(f"{city}.localhost")
        self.headers = {"User-Agent": agent} if agent else {}

    def begin(self, channel: str, going_to: str = "/me/payments") -> str:
        """Leave for the provider; returns its address."""
        answer = self.browser.get(
            f"/sign-in/{channel}?{urlencode({'next': going_to})}", headers=self.headers
        )
        assert answer.status_code == 302, answer.text
        return str(answer.headers["Location"])

    def press(self, address: str, person: str = "first") -> str:
        """Say yes over there; returns the path that one is sent back to."""
        parts = urlsplit(address)
        answer = httpx.get(f"{address.split('#')[0]}&person={person}")
        assert answer.status_code == 302, answer.text
        back = urlsplit(answer.headers["Location"])
        assert back.hostname == self.browser.host, parts
        return f"{back.path}?{back.query}"

    def back(self, path: str) -> Any:
        return self.browser.get(path, headers=self.headers)

    def sign_in(self, channel: str, person: str = "first") -> Any:
        return self.back(self.press(self.begin(channel), person))
