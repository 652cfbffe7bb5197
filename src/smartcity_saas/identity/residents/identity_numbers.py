"""Resident numbers (公民身份号码): GB 11643-1999, with its check digit by ISO 7064 MOD 11-2."""

from __future__ import annotations

import re
from datetime import date

from flask_babel import lazy_gettext as _
from stdnum.iso7064 import mod_11_2

from smartcity_saas.errors import FieldErrors

_PROVINCES = frozenset(
    [
        "11",
        "12",
        "13",
        "14",
        "15",
        "21",
        "22",
        "23",
        "31",
        "32",
        "33",
        "34",
        "35",
        "36",
        "37",
        "41",
        "42",
        "43",
        "44",
        "45",
        "46",
        "50",
        "51",
        "52",
        "53",
        "54",
        "61",
        "62",
        "63",
        "64",
        "65",
        "71",
        "81",
        "82",
        "83",
    ]
)
"""GB/T 2260, and the codes of residence permits (81, 82, 83). Counties are not checked: people keep
the code of a county that is long gone."""
_NAME = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff·]{2,25}|[A-Za-z][A-Za-z .'-]{1,49}")


def read_number(text: str, today: date) -> str | None:
    """A resident number as it is kept (18 characters, ``X`` large); None if it can be nobody's.

    Args:
        text: What was typed. Spaces, hyphens and full-width digits are forgiven.
        today: Nobody is born after it, nor 130 years before.
    """
    number = re.sub(r"[\s-]", "", text).upper().translate(_HALF_WIDTH)
    if not re.fullmatch(r"[1-9][0-9]{16}[0-9X]", number, re.ASCII):
        return None
    if number[:2] not in _PROVINCES or not mod_11_2.is_valid(number):
        return None
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None
    return number if born <= today and today.year - born.year <= 130 else None


def masked_number(number: str) -> str:
    """A number as screens show it: the first and the last of it."""
    return f"{number[0]}{'*' * 16}{number[-1]}"


def masked_name(name: str) -> str:
    """A name as screens show it: all but its last character hidden."""
    return "*" * (len(name) - 1) + name[-1]


def read_real_name(name: str, number: str, today: date) -> tuple[str, str]:
    """A name and a number as they are kept.

    Raises:
        FieldErrors: What is wrong, by field.
    """
    errors = {}
    name = re.sub(r"\s+", " ", name).strip().replace("•", "·").replace("．", "·")
    if not _NAME.fullmatch(name):
        errors["real_name"] = _("Enter the name exactly as on the identity card.")
    found = read_number(number, today)
    if not number.strip():
        errors["number"] = _("Enter the ID number, all 18 characters.")
    elif found is None:
        errors["number"] = _("This ID number is not right. Check all 18 characters.")
    if errors or found is None:
        raise FieldErrors(errors)
    return name, found


_HALF_WIDTH = {0xFF10 + digit: str(digit) for digit in range(10)} | {0xFF38: "X"}
