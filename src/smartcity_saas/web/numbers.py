"""Numbers that people, files and documents give: plain decimals, and nothing that looks like one.

What a spreadsheet or another country's habit makes of a number is refused by its cause: a form that
has lost digits cannot be put right by guessing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from smartcity_saas.texts import lazy_gettext as _
from smartcity_saas.texts import lazy_ngettext

TOO_LARGE = 1_000_000
"""What no usage, count or price comes to. An amount of money has a limit of its own."""
_PLAIN = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_CAUSES: tuple[tuple[re.Pattern[str], Callable[[str], Any]], ...] = (
    (
        re.compile(r"[+-]?[0-9.,]+E[+-]?[0-9]+", re.IGNORECASE),
        lambda value: _(
            "“%(value)s” is a long number that a spreadsheet shortened: digits are lost. Format the column as text and enter the number in full.",
            value=value,
        ),
    ),
    (
        re.compile(r"[0-9.,]*_[0-9_.,]*"),
        lambda value: _(
            "“%(value)s” contains an underscore. Enter digits only, such as 1234.50.", value=value
        ),
    ),
    (
        re.compile(r"[0-9]{1,3}(?:[,' ][0-9]{3})+(?:\.[0-9]+)?"),
        lambda value: _(
            "“%(value)s” has thousands separators. Remove them, for example 1234.50.",
            value=value,
        ),
    ),
    (
        re.compile(r"[0-9.' ]+,[0-9]+"),
        lambda value: _(
            "“%(value)s” uses a comma for its decimals. Use a full stop, such as 43.50.",
            value=value,
        ),
    ),
    (re.compile(r"-.*"), lambda value: _("“%(value)s” is below zero.", value=value)),
)


class NotPlain(ValueError):
    """A text is no number that can be taken; ``message`` says why, as a lazy translation."""

    def __init__(self, message: Any) -> None:
        super().__init__()
        self.message = message


def parse_decimal(text: str, places: int, most: int | None = None) -> int:
    """A plain decimal of at most so many places (``43.50``, or its full-width form) as a whole
    number of its smallest part. ``most`` is the largest one in that part; by default what lies
    below a million.

    Raises:
        NotPlain: It is of another form, negative, too fine, or too large.
    """
    plain = _folded(text)
    if not _PLAIN.fullmatch(plain):
        raise NotPlain(_cause(plain))
    value = Decimal(plain)
    if -int(value.as_tuple().exponent) > places:
        raise NotPlain(_too_fine(plain, places))
    largest = Decimal(TOO_LARGE * 10**places - 1 if most is None else most).scaleb(-places)
    if value > largest:
        raise NotPlain(
            _(
                "“%(value)s” is too large. The maximum is %(most)s.",
                value=_cut(plain),
                most=f"{largest:,f}",
            )
        )
    return int(value.scaleb(places))


def parse_whole(text: str, least: int, most: int) -> int:
    """A whole number within limits.

    Raises:
        NotPlain: It is of another form, or beyond them.
    """
    value = parse_decimal(text, 0)
    if not least <= value <= most:
        raise NotPlain(
            _("Enter a whole number from %(least)s to %(most)s.", least=least, most=most)
        )
    return value


def plain_decimal(value: int, places: int) -> str:
    """A whole number of its smallest part as a plain decimal without needless zeros: ``1.5``."""
    number = Decimal(value).scaleb(-places)
    return f"{number.normalize():f}"


def _folded(text: str) -> str:
    """NFKC of what is meant as a digit; a raised or circled one is a mark, not a digit."""
    if any(unicodedata.category(one) == "No" for one in text):
        return text.strip()
    return unicodedata.normalize("NFKC", text).strip()


def _cause(text: str) -> Any:
    if not text:
        return _("Enter a number, such as 43.50.")
    for pattern, said in _CAUSES:
        if pattern.fullmatch(text):
            return said(_cut(text))
    return _("“%(value)s” is not a number. Use digits only, such as 43.50.", value=_cut(text))


def _too_fine(text: str, places: int) -> Any:
    if not places:
        return _("“%(value)s” is not a whole number.", value=_cut(text))
    return lazy_ngettext(
        "“%(value)s” has more than %(num)s decimal place.",
        "“%(value)s” has more than %(num)s decimal places.",
        places,
        value=_cut(text),
    )


def _cut(text: str) -> str:
    return text[:40]
