"""The list of districts and counties that is shipped."""

from __future__ import annotations

import pytest

from smartcity_saas.configuration.counties import cities_under_provinces, counties_of, county
from smartcity_saas.configuration.divisions import divisions, province_of_code

WITHOUT = {"441900": "Dongguan", "442000": "Zhongshan", "460400": "Danzhou", "620200": "Jiayuguan"}
"""Prefectures without counties."""


def test_every_city_has_its_counties() -> None:
    """Promise: over the whole official list: each city has its counties, codes within its own, each of
    them once and with a name in both languages; prefectures without any and counties of Hainan that
    are cities themselves have none."""
    found = 0
    for city in divisions():
        listed = counties_of(city.division_code)
        is_county = city.division_code.startswith("4690")
        assert bool(listed) is not (is_county or city.division_code in WITHOUT), city.name_en
        digits = 2 if city.division_code.endswith("0000") else 4
        for one in listed:
            assert one.code[:digits] == city.division_code[:digits]
            assert county(one.code) == one
            assert one.zh.strip()
            assert one.en.strip()
        for part in ("code", "zh", "en"):
            assert len({getattr(one, part) for one in listed}) == len(listed), (city.name_en, part)
        found += len(listed)
    assert found + len(cities_under_provinces()) == 2959


def test_cities_under_provinces() -> None:
    """Promise: whoever lives in a city that is part of no other can say so."""
    found = {one.name_en: one for one in cities_under_provinces()}
    assert {"Jiyuan", "Xiantao", "Shihezi", "Shennongjia Forestry District"} <= set(found)
    for one in found.values():
        province = province_of_code(one.division_code)
        assert province is not None
        assert one.province_code == province.code
        assert counties_of(one.division_code) == ()


NAMES = {
    "330106": ("西湖区", "Xihu District"),
    "330122": ("桐庐县", "Tonglu County"),
    "330281": ("余姚市", "Yuyao"),
    "331127": ("景宁畲族自治县", "Jingning She Autonomous County"),
    "150121": ("土默特左旗", "Tumote Left Banner"),
    "310115": ("浦东新区", "Pudong New Area"),
    "500240": ("石柱土家族自治县", "Shizhu Tujia Autonomous County"),
    "320571": None,
    "130131": ("平山县", "Pingshan County"),
    "410621": ("浚县", "Xunxian County"),
    "440113": ("番禺区", "Panyu District"),
    "140428": ("长子县", "Zhangzi County"),
    "520203": ("六枝特区", "Liuzhi Special District"),
    "000000": None,
    "西湖区": None,
    "": None,
}


@pytest.mark.parametrize("code, names", NAMES.items())
def test_names(code: str, names: tuple[str, str] | None) -> None:
    """Promise: English names are pinyin, as places are read, with the kind of division."""
    found = county(code)
    assert (found and (found.zh, found.en)) == names
