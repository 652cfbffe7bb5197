"""The documents of the tests' world: two provinces and three cities."""

from __future__ import annotations

from functools import cache

from smartcity_saas.app import create_app
from smartcity_saas.configuration.extensions import Extensions
from smartcity_saas.settings import Settings
from tests.support.paths import ROOT

KEY = "a key of the tests, longer than thirty-two characters"
NO_QUIET_HOURS = 'messages: {quiet_hours: {from: "00:00", until: "00:00"}}\n'
PLATFORM = (ROOT / "config" / "platform.yaml").read_text("utf-8") + NO_QUIET_HOURS
"""The tests run at any hour: messages wait for the morning only where a test says so."""
ZHEJIANG = """\
province: zhejiang
division_code: "330000"
name: {zh: 浙江省, en: Zhejiang}
site: {icp: 浙ICP备00000000号-1}
"""
SHANGHAI_PROVINCE = """\
province: shanghai
division_code: "310000"
name: {zh: 上海市, en: Shanghai}
"""
HANGZHOU = """\
# The city's own comment.
city: hangzhou
province: zhejiang
division_code: "330100"
name: {zh: 杭州市, en: Hangzhou}
state: live
hosts: [city.hangzhou.example]
branding:
  color: "#0b6e4f"   # the green of the lake
"""
NINGBO = """\
city: ningbo
province: zhejiang
division_code: "330200"
name: {zh: 宁波市, en: Ningbo}
state: live
"""
SHANGHAI = """\
city: shanghai
province: shanghai
division_code: "310000"
name: {zh: 上海市, en: Shanghai}
state: live
branding: {color: "#4b3a9b"}
"""
WORLD = (PLATFORM, ZHEJIANG, SHANGHAI_PROVINCE, HANGZHOU, NINGBO, SHANGHAI)


@cache
def installed() -> Extensions:
    """What the product installs, as documents may name it."""
    settings = Settings(demo=True, secret_key=KEY, master_key=KEY, database_url="sqlite://")
    return create_app(settings, serving=False).registry.extensions
