"""Search: what is typed finds what is meant."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypinyin import Style, pinyin

from smartcity_saas.configuration.divisions import Division, divisions, find_divisions
from smartcity_saas.configuration.search_terms import SLIP, Query

READINGS = {
    "吕梁市": "lv liang",
    "呼和浩特市": "hu he hao te",
    "鄂尔多斯市": "e er duo si",
    "呼伦贝尔市": "hu lun bei er",
    "巴彦淖尔市": "ba yan nao er",
    "乌兰察布市": "wu lan cha bu",
    "兴安盟": "xing an",
    "锡林郭勒盟": "xi lin guo le",
    "阿拉善盟": "a la shan",
    "哈尔滨市": "ha er bin",
    "齐齐哈尔市": "qi qi ha er",
    "甘孜藏族自治州": "gan zi",
    "拉萨市": "la sa",
    "日喀则市": "ri ka ze",
    "昌都市": "chang du",
    "林芝市": "lin zhi",
    "那曲市": "na qu",
    "阿里地区": "a li",
    "海南藏族自治州": "hai nan",
    "果洛藏族自治州": "guo luo",
    "乌鲁木齐市": "wu lu mu qi",
    "克拉玛依市": "ke la ma yi",
    "吐鲁番市": "tu lu fan",
    "博尔塔拉蒙古自治州": "bo er ta la",
    "巴音郭楞蒙古自治州": "ba yin guo leng",
    "阿克苏地区": "a ke su",
    "克孜勒苏柯尔克孜自治州": "ke zi le su",
    "喀什地区": "ka shi",
    "和田地区": "he tian",
    "伊犁哈萨克自治州": "yi li",
    "阿勒泰地区": "a le tai",
}
"""Places whose English name is not their pinyin, with the reading of their names."""


def syllables(place: Division) -> list[str]:
    """How a place is read, from its official English name, or from the list above."""
    if place.name_zh in READINGS:
        return READINGS[place.name_zh].split()
    wanted = place.slug.partition("-")[0]
    choices = pinyin(place.name_zh, style=Style.NORMAL, heteronym=True)
    for length in range(1, len(choices) + 1):
        for one in itertools.product(*choices[:length]):
            if "".join(one) == wanted:
                return list(one)
    raise AssertionError(f"no reading of {place.name_zh} gives {wanted}")


@pytest.mark.parametrize("place", divisions(), ids=lambda one: one.slug)
def test_every_place_is_found_by_pinyin_and_initials(place: Division) -> None:
    """Promise, over the whole official list: characters, pinyin whole and apart, initials, the
    English name, the slug and the code find a place, whichever reading its characters have."""
    sounds = syllables(place)
    initials = "".join(one[0] for one in sounds)
    for typed in (
        place.name_zh,
        place.name_zh[:2],
        "".join(sounds),
        " ".join(sounds),
        initials,
        initials.upper(),
        place.name_en,
        place.slug.partition("-")[0],
        place.division_code,
    ):
        assert Query.of(typed).score(place.spellings, slips=False) > SLIP, typed
    assert place in find_divisions(initials)


def test_places_that_need_no_slip_stand_alone() -> None:
    """Promise: a name that fits brings no names that only resemble it; a slip is forgiven."""
    assert [one.name_zh for one in find_divisions("苏州")] == ["苏州市"]
    assert {one.name_zh for one in find_divisions("suzhou")} == {"苏州市", "宿州市"}
    assert [one.slug for one in find_divisions("330100")] == ["hangzhou"]
    assert [one.slug for one in find_divisions("hangzhuo")] == ["hangzhou"]
    assert find_divisions("杭洲")[0].slug == "hangzhou"
    assert find_divisions("xyzxyz") == []
    assert len(find_divisions("  ")) == 352


FOUND = [
    ("交电费", ["电费"]),
    ("我要交水费怎么交", ["水费"]),
    ("電費", ["电费"]),
    ("ｗａｔｅｒ", ["Water"]),
    ("WATER bill", ["water", "bill"]),
    ("electric bill", ["Electricity", "bill"]),
    ("how do I pay my water bill", ["water", "bill"]),
    ("hospitl", ["Hospital appointments"]),
    ("hopsital", ["Hospital appointments"]),
    ("预约挂好", ["预约挂号"]),
    ("yuyueguahao", ["预约挂号"]),
    ("yu yue gua hao", ["预约挂号"]),
    ("yygh", ["预约挂号"]),
    ("sf", ["水费"]),
    ("水　费", ["水费"]),
    ("孩子发烧", ["发烧"]),
    ("水", ["水费"]),
]


@pytest.mark.parametrize("typed, texts", FOUND)
def test_what_is_typed_is_compared_both_ways(typed: str, texts: list[str]) -> None:
    """Promise: verbs around a word, traditional and full-width forms, pinyin, one slip: found."""
    assert Query.of(typed).score(texts) >= SLIP


@pytest.mark.parametrize(
    "typed, texts", [("xyz", ["水费"]), ("电影", ["水费", "医生"]), ("the", ["水费"]), ("", ["x"])]
)
def test_what_is_not_meant_is_not_found(typed: str, texts: list[str]) -> None:
    """Promise: a search that fits everything would fit nothing."""
    assert Query.of(typed).score(texts) < SLIP


@given(
    word=st.text(st.characters(min_codepoint=97, max_codepoint=122), min_size=5, max_size=12),
    data=st.data(),
)
def test_one_slip_is_forgiven_wherever_it_is(word: str, data: st.DataObject) -> None:
    """Promise: a letter wrong, missing, doubled or swapped with the next still finds the word."""
    place = data.draw(st.integers(0, len(word) - 2))
    slips = (
        word[:place] + word[place + 1 :],
        word[:place] + word[place] + word[place:],
        word[:place] + "q" + word[place + 1 :],
        word[:place] + word[place + 1] + word[place] + word[place + 2 :],
    )
    for typed in slips:
        assert Query.of(typed).score([word]) >= SLIP or Query.of(typed).pieces != (typed,)


@given(st.text(max_size=80))
def test_any_text_can_be_searched_for(typed: str) -> None:
    """Promise: nothing that can be typed is an error."""
    assert 0.0 <= Query.of(typed).score(["水费", "Hospital"]) <= 1.0
