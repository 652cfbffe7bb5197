"""Telephones, resident numbers, number plates, and whom something is for."""

from __future__ import annotations

from typing import Any

from smartcity_saas.configuration.city import Localized
from smartcity_saas.errors import FieldErrors
from smartcity_saas.forms.definition import Field
from smartcity_saas.forms.fields.kinds import (
    Context,
    Kind,
    Unfit,
    gather_parts,
    plain_words,
    quoted,
    read_line,
    read_parts,
    read_text,
)
from smartcity_saas.identity.residents.identity_numbers import read_number, read_real_name
from smartcity_saas.identity.residents.one_time_codes import read_phone
from smartcity_saas.texts import Text
from smartcity_saas.texts import lazy_gettext as _
from smartcity_saas.web.plates import plate_of, shown

SELF, OTHER = "self", "other"
WHO_WORDS: dict[str, Localized] = {
    SELF: {"zh": "本人", "en": "Myself"},
    OTHER: {"zh": "家人或他人", "en": "Someone else"},
}
LONGEST_NAME = 50
_NUMBER_MISSING = _("Enter the ID number, all 18 characters.")


def _read_phone(field: Field, given: Any, context: Context) -> str | None:
    text = read_text(given)
    number = read_phone(text)
    if text and number is None:
        raise Unfit(
            _(
                "“%(value)s” is no mobile number. Enter its 11 digits, or + and the country code first.",
                value=quoted(text),
            )
        )
    return number


def _read_number(field: Field, given: Any, context: Context) -> str | None:
    text = read_text(given)
    number = read_number(text, context.today)
    if text and number is None:
        raise Unfit(_("“%(value)s” is no ID number. Check all 18 characters.", value=quoted(text)))
    return number


def _read_plate(field: Field, given: Any, context: Context) -> str | None:
    text = read_text(given)
    plate = plate_of(text)
    if text and plate is None:
        raise Unfit(
            _("“%(value)s” is no number plate. Write it as on the car.", value=quoted(text))
        )
    return plate


def _read_person(field: Field, given: Any, context: Context) -> dict[str, str] | None:
    parts = read_parts(given, "who", "name", "number")
    who = read_text(parts.get("who"))
    if not any(parts.values()):
        return None
    if who == SELF:
        return _myself(context)
    if who != OTHER:
        raise Unfit(
            _("“%(value)s” says not who. Choose yourself or someone else.", value=quoted(who)),
            "who",
        )
    return _someone_else(_read_name(parts.get("name")), read_text(parts.get("number")), context)


def _myself(context: Context) -> dict[str, str]:
    """The resident's own verified name, whatever else was sent."""
    if context.name is None:
        raise Unfit(
            _("Your name is not verified yet. Verify it first, under “Me”."),
            "who",
        )
    return {"who": SELF, "name": context.name, "number": context.masked_number or ""}


def _read_name(given: Any) -> str:
    """The name of somebody else.

    Raises:
        Unfit: It is no line, at its part.
    """
    try:
        return read_line(given, LONGEST_NAME)
    except Unfit as unfit:
        raise Unfit(faults={"name": unfit.faults[""]}) from None


def _someone_else(name: str, number: str, context: Context) -> dict[str, str]:
    faults: dict[str, Text] = {}
    try:
        name, number = read_real_name(name, number, context.today)
    except FieldErrors as wrong:
        if "real_name" in wrong.fields:
            faults["name"] = (
                _(
                    "“%(value)s” is no name as on an identity card. Write it as it stands there.",
                    value=quoted(name),
                )
                if name
                else _("Enter the name as on the identity card.")
            )
        if "number" in wrong.fields:
            faults["number"] = (
                _("“%(value)s” is no ID number. Check all 18 characters.", value=quoted(number))
                if number
                else _NUMBER_MISSING
            )
        raise Unfit(faults=faults) from None
    return {"who": OTHER, "name": name, "number": number}


def _plate_words(field: Field, value: Any, language: str) -> str:
    return shown(value)


def _person_words(field: Field, value: Any, language: str) -> str:
    between = "，" if language == "zh" else ", "
    own = [WHO_WORDS[SELF][language]] if value["who"] == SELF else []
    return between.join(one for one in (*own, value["name"], value["number"]) if one)


PHONE = Kind(_read_phone, plain_words, _("Enter a mobile number."))
RESIDENT_NUMBER = Kind(_read_number, plain_words, _NUMBER_MISSING)
PLATE = Kind(_read_plate, _plate_words, _("Enter the number plate as on the car."))
PERSON = Kind(
    _read_person,
    _person_words,
    _("Choose yourself or someone else."),
    gather=gather_parts("who", "name", "number"),
)
