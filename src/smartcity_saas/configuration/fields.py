"""Kinds of value in a document, each with messages that say what to write."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from marshmallow import ValidationError, fields

from smartcity_saas.clock import in_our_century
from smartcity_saas.configuration import colors
from smartcity_saas.configuration.currencies import currency_decimals
from smartcity_saas.configuration.hosts import canonical_host
from smartcity_saas.configuration.merge import LANGUAGES
from smartcity_saas.texts import lazy_gettext as _

LONGEST_TEXT = 400
CREDENTIAL_NAME = re.compile(r"[a-z][a-z0-9_]{1,63}")
"""How a city may call a secret."""
_FILE = re.compile(r"[a-z0-9][a-z0-9-]*/[A-Za-z0-9][A-Za-z0-9._-]*\.(?:svg|png|webp|jpg|jpeg)")


_FILLERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and a sign that are blank by design: a name of them would look like none."""


def no_control_characters(text: str) -> str:
    """Refuse characters that do not show or that reorder what does."""
    for character in text:
        if not _shows(character):
            raise ValidationError(
                _(
                    "There is an invisible character here (U+%(code)s).",
                    code=f"{ord(character):04X}",
                )
            )
    return text


def shown_length(text: str) -> int:
    """How many characters of a text somebody sees: what does not show counts as none, blanks that follow
    each other as one."""
    return len(
        " ".join("".join(one if _shows(one) else " " * one.isspace() for one in text).split())
    )


def _shows(character: str) -> bool:
    """Whether a character is drawn, blanks included. Code points that are merely not assigned yet
    pass: the next Unicode may make a name's character of them; noncharacters never become one."""
    code = ord(character)
    noncharacter = code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
    kind = unicodedata.category(character)
    hidden = kind in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")
    return not (noncharacter or hidden or character in _FILLERS)


class Line(fields.Field[str]):
    """One line of text. A value that YAML reads as a number or a switch is refused."""

    def __init__(self, *, longest: int = LONGEST_TEXT, **options: Any) -> None:
        super().__init__(**options)
        self.longest = longest

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError(_("This must be text. Put it in quotes."))
        if not value.strip():
            raise ValidationError(_("This is empty. Enter something, or leave it out."))
        if len(value) > self.longest:
            raise ValidationError(_("This is longer than %(most)s characters.", most=self.longest))
        return no_control_characters(value.strip())


class Word(Line):
    """A line that programs read, such as a code or a host: what stands around it, a line's end too,
    would be stored with it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if text != value:
            raise ValidationError(
                _("There is a space or line break at the start or end. Remove it.")
            )
        return text


class Text(fields.Field[Any]):
    """One text in Chinese and in English: ``{zh: …, en: …}``, both required."""

    def __init__(self, *, longest: int = LONGEST_TEXT, **options: Any) -> None:
        super().__init__(**options)
        self.line = Line(longest=longest)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, Mapping):
            raise ValidationError(_("Write it in both languages: {zh: …, en: …}."))
        errors: dict[str, Any] = {}
        for language in value:
            if language not in LANGUAGES:
                errors[language] = [_("This language is not supported. Use zh and en.")]
        for language in LANGUAGES:
            if language not in value:
                errors[language] = [_("The text is missing: %(language)s.", language=language)]
                continue
            try:
                self.line.deserialize(value[language])
            except ValidationError as error:
                errors[language] = error.messages
        if errors:
            raise ValidationError(errors)
        return {language: value[language].strip() for language in LANGUAGES}


class Choice(fields.Field[str]):
    """One of a few words."""

    def __init__(self, choices: tuple[str, ...], **options: Any) -> None:
        super().__init__(**options)
        self.choices = choices

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if value not in self.choices:
            raise ValidationError(_("Enter one of: %(words)s.", words=", ".join(self.choices)))
        return str(value)


class Pattern(Word):
    """Text of one form; ``says`` tells which."""

    def __init__(self, pattern: str, says: Any, **options: Any) -> None:
        super().__init__(**options)
        self.pattern = re.compile(pattern)
        self.says = says

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not self.pattern.fullmatch(text):
            raise ValidationError(self.says)
        return text


class WholeNumber(fields.Integer):
    """A whole number from ``least`` to ``most``, both included."""

    def __init__(self, least: int, most: int, **options: Any) -> None:
        super().__init__(strict=True, **options)
        self.least, self.most = least, most

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        number = super()._deserialize(value, attr, data, **kwargs)
        if not self.least <= number <= self.most:
            raise ValidationError(
                _(
                    "Enter a whole number from %(least)s to %(most)s.",
                    least=self.least,
                    most=self.most,
                )
            )
        return number


class DivisionCode(Pattern):
    """An administrative division code (GB/T 2260): six digits, in quotes."""

    def __init__(self, **options: Any) -> None:
        says = _('A division code (GB/T 2260) has six digits, in quotes: "330100".')
        super().__init__(r"[1-9][0-9]{5}", says, **options)


class BrandColor(Word):
    """A colour as ``#rrggbb`` on which white or near-black text reads (WCAG 2.2 AA)."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs).lower()
        if not colors.is_color(text):
            raise ValidationError(_('Write a colour as "#0b6e4f", in quotes.'))
        if colors.text_on(text) is None:
            darker, paler = colors.nearest_readable(text)
            raise ValidationError(
                _(
                    "Neither white nor dark text can be read on this colour. Nearest colours that work: %(darker)s (darker), %(paler)s (paler).",
                    darker=darker,
                    paler=paler,
                )
            )
        return text


class FileName(Pattern):
    """A picture beside the document: ``hangzhou/logo.svg``."""

    def __init__(self, **options: Any) -> None:
        says = _("Give the name of a picture in the city's folder, such as hangzhou/logo.svg.")
        super().__init__(_FILE.pattern, says, **options)


class Host(Word):
    """A host of the city's own, such as ``city.hangzhou.example``."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if text.startswith("*"):
            raise ValidationError(
                _("“%(host)s” is a wildcard. Write each host by itself.", host=text[:253])
            )
        try:
            return canonical_host(text)
        except (ValueError, UnicodeError):
            raise ValidationError(
                _("Write a host name, such as city.hangzhou.example, without a port or path.")
            ) from None


class Timestamp(Word):
    """A local date and time of the city: ``"2026-11-27T18:00"``."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            moment = datetime.strptime(text, "%Y-%m-%dT%H:%M")
        except ValueError:
            moment = None
        if moment is None or not in_our_century(moment):
            raise ValidationError(_('Write a date and a time as "2026-11-27T18:00", in quotes.'))
        return text


class Currency(Word):
    """The code of a currency that ISO 4217 lists today and people can pay in."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if text not in currency_decimals():
            raise ValidationError(
                _(
                    "“%(code)s” is not an ISO 4217 currency you can pay in. Write a code such as CNY.",
                    code=text[:20],
                )
            )
        return text


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


class TimeZone(Word):
    """A zone of the IANA time zone database."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if text not in _time_zones():
            raise ValidationError(_("Write a time zone such as Asia/Shanghai."))
        return text


class Credential(fields.Field[Any]):
    """A named secret of the city: ``{credential: stripe_secret_key}``, never the secret.

    ``goes_to`` names the keys beside it that decide where the secret is sent (an address, a host
    and its port); empty where only the product's own code does. A secret is bound to what stands
    there when it is entered.
    """

    def __init__(self, *, goes_to: tuple[str, ...], **options: Any) -> None:
        super().__init__(**options)
        self.goes_to = goes_to

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, Mapping) or set(value) != {"credential"}:
            raise ValidationError(
                _("Give the secret's name, not the secret itself: {credential: its_name}.")
            )
        if not CREDENTIAL_NAME.fullmatch(str(value["credential"])):
            raise ValidationError(
                _("A secret's name can only have lowercase letters, digits and _.")
            )
        return dict(value)


class ListOf(fields.List[Any]):
    """A list, each item with its own message."""

    def __init__(self, item: fields.Field[Any], *, most: int = 100, **options: Any) -> None:
        super().__init__(item, **options)
        self.most = most

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list):
            raise ValidationError(_("This must be a list: [first, second]."))
        if len(value) > self.most:
            raise ValidationError(_("This list has more than %(most)s items.", most=self.most))
        return super()._deserialize(value, attr, data, **kwargs)
