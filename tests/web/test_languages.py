"""Which language a reader gets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from smartcity_saas.web.languages import _CHINESE, preferred_language
from tests.support.world import World

HEADERS = {
    "zh-CN,en-US;q=0.8,en;q=0.5": "zh",
    "zh-CN,zh;q=0.9,en;q=0.8": "zh",
    "zh-Hans-CN,en": "zh",
    "zh-Hant-TW;q=0.9,en;q=0.8": "zh",
    "zh_CN,en;q=0.9": "zh",
    "ZH-cn,EN;q=0.9": "zh",
    "yue-Hant-HK,en;q=0.9": "zh",
    "cmn,en;q=0.9": "zh",
    "wuu;q=0.4,en;q=0.3": "zh",
    "ug-CN,zh-CN;q=0.9,en;q=0.8": "zh",
    "en-GB,zh;q=0.9": "en",
    "en,zh-CN;q=0.9": "en",
    "fr,en;q=0.5,zh-CN;q=0.4": "en",
    "fr-CA,fr": "zh",
    "*": "zh",
    "*,en;q=0.5": "en",
    "zh;q=0,en;q=0.1": "en",
    "en;q=0": "zh",
    "zh;q=0": "en",
    "en;q=0.5,zh-CN;q=0.5": "en",
    "": "zh",
    ";;;": "zh",
}


@pytest.mark.parametrize("header, expected", HEADERS.items())
def test_ranges_are_looked_up_by_weight_and_cut_tag_by_tag(header: str, expected: str) -> None:
    """Promise: whoever puts Chinese of any kind before English reads Chinese, and the reverse."""
    assert preferred_language(parse_accept_header(header, LanguageAccept)) == expected


@given(
    chinese=st.sampled_from(["zh", *sorted(_CHINESE)]),
    subtags=st.lists(st.sampled_from(["Hans", "Hant", "CN", "HK", "TW", "x", "u-nu-latn"])),
    lower=st.lists(st.sampled_from(["en", "en-US", "en-GB", "fr", "de", "*"]), unique=True),
)
def test_any_chinese_range_in_front_of_others_is_chinese(
    chinese: str, subtags: list[str], lower: list[str]
) -> None:
    """Promise: nothing lighter than a Chinese range changes the language, however it is written."""
    ranges = [("-".join([chinese, *subtags]), 1.0), *((one, 0.9) for one in lower)]
    assert preferred_language(ranges) == "zh"


@pytest.mark.parametrize("host", ["hangzhou.localhost", "console.localhost", "localhost"])
def test_every_host_reads_the_header_alike(world: World, host: str) -> None:
    """Promise: a Chinese reader gets Chinese on a city's site, the console and the index."""
    path = "/sign-in" if host.startswith("console") else "/"
    page = world.client(host, "zh-CN,en-US;q=0.8,en;q=0.5").get(path)
    assert 'lang="zh-CN" data-text' in page.text
    page = world.client(host, "en-US,zh;q=0.5").get(path)
    assert 'lang="en" data-text' in page.text
