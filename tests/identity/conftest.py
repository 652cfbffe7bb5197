"""What the tests of identity share: cities with open ways in, and providers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.channels import PRIVATE, PUBLIC, channels, keep
from tests.support.documents import HANGZHOU, NINGBO
from tests.support.loopback import serving
from tests.support.lying_provider import Liar
from tests.support.world import World


@pytest.fixture
def apps(world: World) -> World:
    """Two cities with applications of their own at every provider."""
    for city, yaml, mark in (("hangzhou", HANGZHOU, "330100"), ("ningbo", NINGBO, "330200")):
        world.save(yaml + channels(mark))
        with world.inside(city):
            for name in (
                "wechat_app_secret",
                "wechat_website_secret",
                "weibo_client_secret",
                "taobao_client_secret",
            ):
                keep(world, name, f"{name}-{city}")
            keep(world, "alipay_private_key", PRIVATE)
        world.sandboxes.apps.secrets |= {
            f"2021{mark}": PUBLIC,
            f"wx{mark}": f"wechat_app_secret-{city}",
            f"wxweb{mark}": f"wechat_website_secret-{city}",
            f"1{mark}": f"weibo_client_secret-{city}",
            f"2{mark}": f"taobao_client_secret-{city}",
        }
    return world


@pytest.fixture(scope="session")
def lying() -> Iterator[tuple[Liar, str]]:
    """Over a real connection on loopback."""
    liar = Liar()
    with serving(liar.app) as base:
        yield liar, base
