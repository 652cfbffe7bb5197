"""The official divisions that may be onboarded (GB/T 2260), shipped with the product."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

from smartcity_saas.configuration.search_terms import Query


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

    @property
    def spellings(self) -> tuple[str, ...]:
        """What it may be looked for by: its name, its English name, its slug, its code."""
        return (self.name_zh, self.name_en, self.slug.partition("-")[0], self.division_code)


@dataclass(frozen=True)
class Province:
    """A province of the list: its slug, its six-digit code, its name in both languages."""

    slug: str
    code: str
    zh: str
    en: str


def find_divisions(query: str, province: str | None = None) -> list[Division]:
    """The divisions, of a province by its slug or of all, that a query finds, the best first: by
    characters, pinyin, initials, English or code, with one slip where nothing fits without. An
    empty query finds all."""
    among = [one for one in divisions() if province in (None, one.province_slug)]
    wanted = Query.of(query)
    return wanted.best(among, lambda one: one.spellings) if wanted else among


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
