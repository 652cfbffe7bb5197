"""Slugs and codes that must agree with the official list of divisions (GB/T 2260).

The list that is shipped knows provinces, prefectures and their like. What it does not know, by
slug or by code, is taken as it is written.
"""

from __future__ import annotations

from smartcity_saas.configuration.divisions import (
    Division,
    division,
    division_named,
    province_named,
    province_of_code,
)
from smartcity_saas.texts import Text
from smartcity_saas.texts import lazy_gettext as _

Fault = tuple[str, Text, Text]
"""The key at fault, what is wrong with it, what to do."""


def province_fault(slug: str, code: str) -> Fault | None:
    """Where a province's slug and code contradict the official list; None where they do not.

    Args:
        slug: As its document names it.
        code: Its division code, empty where the document has none.
    """
    named, coded = province_named(slug), province_of_code(code)
    if named is not None and code and code != named.code:
        return _other_code(code, named.slug, _both(named.zh, named.en), named.code)
    if named is None and coded is not None:
        return _other_slug("province", slug, code, _both(coded.zh, coded.en), coded.slug)
    return None


def city_fault(slug: str, code: str, province: str | None) -> Fault | None:
    """Where a city's slug, code and province contradict the official list."""
    named, coded = division_named(slug), division(code)
    for key, found in (("division_code", coded), ("city", named)):
        if found is not None and found.province_slug != province:
            return _other_province(key, found)
    if named is not None and code and code != named.division_code:
        return _other_code(code, slug, _both(named.name_zh, named.name_en), named.division_code)
    if named is None and coded is not None:
        return _other_slug("city", slug, code, _both(coded.name_zh, coded.name_en), coded.slug)
    return None


def _other_province(key: str, found: Division) -> Fault:
    return (
        key,
        _("In the official list this is %(name)s.", name=_both(found.name_zh, found.name_en)),
        _("It belongs to another province, %(name)s.", name=found.province_slug),
    )


def _other_code(code: str, slug: str, name: str, official: str) -> Fault:
    return (
        "division_code",
        _(
            "%(code)s is not the code of %(slug)s (%(name)s) in the official list.",
            code=code,
            slug=slug,
            name=name,
        ),
        _('Write division_code: "%(code)s".', code=official),
    )


def _other_slug(key: str, slug: str, code: str, name: str, official: str) -> Fault:
    return (
        key,
        _(
            "In the official list %(code)s is %(name)s. Its slug is %(official)s, not “%(slug)s”.",
            code=code,
            name=name,
            official=official,
            slug=slug[:60],
        ),
        _("Write %(key)s: %(official)s, or correct the code.", key=key, official=official),
    )


def _both(zh: str, en: str) -> str:
    return f"{zh} {en}"
