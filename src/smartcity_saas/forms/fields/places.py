"""Addresses: province, city and district of the official list (GB/T 2260), and words for the rest."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from smartcity_saas.configuration.counties import (
    County,
    cities_under_provinces,
    counties_of,
    county,
)
from smartcity_saas.configuration.divisions import Division, Province, divisions, provinces
from smartcity_saas.forms.definition import Field
from smartcity_saas.forms.fields.kinds import (
    Context,
    InBothLanguages,
    Kind,
    Unfit,
    WebForm,
    gather_parts,
    quoted,
    read_line,
    read_parts,
)
from smartcity_saas.texts import Text
from smartcity_saas.texts import lazy_gettext as _

PARTS = ("province", "city", "district", "line")
LONGEST = {"province": 6, "city": 6, "district": 40, "line": 200}
_CITY_MISSING = _("Choose the city.")
_DISTRICT_MISSING: Text = _("Choose the district.")
_LINE_MISSING = _("Enter the street and the house number.")


@cache
def cities_by_code() -> Mapping[str, Division]:
    """Every city of the list by its code, with those that stand under a province alone."""
    return {one.division_code: one for one in (*divisions(), *cities_under_provinces())}


@cache
def provinces_by_code() -> Mapping[str, Province]:
    """Every province of the list by its code."""
    return {one.code: one for one in provinces()}


class Begun(dict[str, Any]):
    """What a page sent that had no control for the district: it is asked for after the city."""


def _read(field: Field, given: Any, context: Context) -> dict[str, str] | None:
    found, faults = _lines(read_parts(given, *PARTS))
    if not faults and not any(found.values()):
        return None
    if not field.required and not faults and _is_untouched(found, context):
        return None
    for part, message in _unlisted(found).items():
        faults.setdefault(part, message)
    if not found.get("line") and "line" not in faults:
        faults["line"] = _LINE_MISSING
    is_begun = isinstance(given, Begun) and not faults.keys() & {"province", "city"}
    district = found.get("district", "")
    if not (is_begun or faults.keys() & {"province", "city", "district"}):
        city = cities_by_code()[found["city"]]
        if fault := _district_fault(city, district, context):
            faults["district"] = fault
        elif listed := _listed(city.division_code, district):
            district = listed.zh
    if faults or is_begun:
        ordered = {part: faults[part] for part in PARTS if part in faults}
        raise Unfit(faults=ordered, is_begun=is_begun)
    province_code = cities_by_code()[found["city"]].province_code
    return found | {"province": province_code, "district": district}


def _is_untouched(found: Mapping[str, str], context: Context) -> bool:
    """Whether an address says no more than what a page begins it with."""
    return found == dict.fromkeys(PARTS, "") | (_begins_with(context) or {})


def _lines(parts: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, Text]]:
    """What stands in each part, and what cannot stand there."""
    found: dict[str, str] = {}
    faults: dict[str, Text] = {}
    for part in PARTS:
        try:
            found[part] = read_line(parts.get(part), LONGEST[part])
        except Unfit as unfit:
            faults[part] = unfit.faults[""]
    return found, faults


def _unlisted(found: Mapping[str, str]) -> dict[str, Text]:
    """What is wrong with the province and the city; a city alone says its province."""
    province_code, city_code = found.get("province", ""), found.get("city", "")
    province, city = provinces_by_code().get(province_code), cities_by_code().get(city_code)
    if province_code and province is None:
        return {"province": _not_listed(province_code)}
    if not city_code:
        return {"city": _CITY_MISSING}
    if city is None:
        return {"city": _not_listed(city_code)}
    if province is not None and city.province_code != province.code:
        return {
            "city": _(
                "%(city)s is not in %(province)s. Choose a city of that province.",
                city=InBothLanguages({"zh": city.name_zh, "en": city.name_en}),
                province=InBothLanguages({"zh": province.zh, "en": province.en}),
            )
        }
    return {}


def _listed(city_code: str, said: str) -> County | None:
    """The district of a city by its code, or by its name in either language."""
    return next(
        (
            one
            for one in counties_of(city_code)
            if said.casefold() in (one.code, one.zh, one.en.casefold())
        ),
        None,
    )


def _district_fault(city: Division, said: str, context: Context) -> Text | None:
    """What is wrong with a district. A city that has none takes words; words that stand in an answer
    since before there was a list stay what they are."""
    if _listed(city.division_code, said):
        return None
    known = county(said)
    if known is None and (context.is_stored or not counties_of(city.division_code)):
        return None
    if not said:
        return _DISTRICT_MISSING
    text: Text = _(
        "“%(value)s” is not a district of %(city)s on the list (GB/T 2260). Choose from the list.",
        value=InBothLanguages({"zh": known.zh, "en": known.en}) if known else quoted(said),
        city=InBothLanguages({"zh": city.name_zh, "en": city.name_en}),
    )
    return text


def _not_listed(code: str) -> Text:
    text: Text = _(
        "“%(value)s” is not on the list of divisions (GB/T 2260). Choose from the list.",
        value=quoted(code),
    )
    return text


def _words(field: Field, value: Any, language: str) -> str:
    city = cities_by_code()[value["city"]]
    listed = _listed(value["city"], value["district"])
    if language == "zh":
        province = "" if city.province_zh == city.name_zh else city.province_zh
        return f"{province}{city.name_zh}{value['district']}{value['line']}"
    province = "" if city.province_en == city.name_en else city.province_en
    return ", ".join(
        one
        for one in (
            value["line"],
            listed.en if listed else value["district"],
            city.name_en,
            province,
        )
        if one
    )


def _gather(name: str, form: WebForm) -> Any:
    found = gather_parts(*PARTS)(name, form)
    return found if "district" in found else Begun(found)


def _typed(value: Any) -> Any:
    """A page has districts by their codes, by which those of one name in two cities are told apart."""
    if not isinstance(value, Mapping):
        return value
    listed = _listed(str(value.get("city")), str(value.get("district")))
    return {**value, "district": listed.code} if listed else value


def _begins_with(context: Context) -> dict[str, str] | None:
    """An address begins in the city itself."""
    city = cities_by_code().get(context.division_code)
    return {"province": city.province_code, "city": city.division_code} if city else None


ADDRESS = Kind(_read, _words, _CITY_MISSING, gather=_gather, typed=_typed, begins_with=_begins_with)
