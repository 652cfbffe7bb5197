"""The official divisions that may be onboarded (GB/T 2260), shipped with the product."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

from smartcity_saas.configuration.spelling import folded, spellings


@dataclass(frozen=True)
class Division:
    """One city of the list. Codes are six digits, slugs unique."""

    division_code: str
    slug: str
    name_zh: str
    name_en: str
    province_code: str
    province_slug: str
    province_zh: str
    province_en: str

    def matches(self, query: str) -> bool:
        """Whether a query finds it: by characters, pinyin, initials, English or code."""
        wanted = folded(query)
        keys = (folded(self.name_en), self.slug.replace("-", ""), self.division_code)
        return not wanted or any(wanted in key for key in (*keys, *spellings(self.name_zh)))


@dataclass(frozen=True)
class Province:
    """A province of the list: its slug, its six-digit code, its name in both languages."""

    slug: str
    code: str
    zh: str
    en: str


@cache
def divisions() -> tuple[Division, ...]:
    """All divisions, in the order of their codes."""
    text = resources.files(__package__).joinpath("divisions.csv").read_text("utf-8")
    found = (Division(**row) for row in csv.DictReader(text.splitlines()))
    return tuple(sorted(found, key=lambda division: division.division_code))


@cache
def division(code: str) -> Division | None:
    """The division with a code, if there is one."""
    return next((found for found in divisions() if found.division_code == code), None)


@cache
def division_named(slug: str) -> Division | None:
    """The division with a slug, if there is one."""
    return next((found for found in divisions() if found.slug == slug), None)


@cache
def provinces() -> tuple[Province, ...]:
    """Every province of the list, in the order of their codes."""
    found = {
        Province(one.province_slug, one.province_code, one.province_zh, one.province_en)
        for one in divisions()
    }
    return tuple(sorted(found, key=lambda province: province.code))


def province_named(slug: str) -> Province | None:
    """The province with a slug, if the list has it."""
    return next((found for found in provinces() if found.slug == slug), None)


def province_of_code(code: str) -> Province | None:
    """The province in which a code lies: its first two digits are the province's own."""
    start = code[:2]
    return next(
        (found for found in provinces() if len(start) == 2 and found.code[:2] == start), None
    )
