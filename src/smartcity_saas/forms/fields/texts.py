"""Short and long texts."""

from __future__ import annotations

from typing import Any

from smartcity_saas.forms.definition import Field
from smartcity_saas.forms.fields.kinds import (
    Context,
    InBothLanguages,
    Kind,
    Unfit,
    plain_words,
    quoted,
    read_text,
    shown_text,
    too_long,
)
from smartcity_saas.forms.names import USUAL_LENGTH
from smartcity_saas.forms.patterns import fits_pattern
from smartcity_saas.texts import lazy_gettext as _
from smartcity_saas.texts import lazy_ngettext


def _read_short(field: Field, given: Any, context: Context) -> str | None:
    text = shown_text(read_text(given))
    if not text:
        return None
    _check_length(field, text)
    if field.pattern is not None and not fits_pattern(field.pattern, text):
        raise Unfit(
            _(
                "“%(value)s” does not fit. %(help)s",
                value=quoted(text),
                help=InBothLanguages(field.pattern_help),
            )
        )
    return text


def _read_long(field: Field, given: Any, context: Context) -> str | None:
    """Lines end with ``\\n``; a tab, which tables are pasted with, is a space."""
    text = read_text(given).replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ").strip()
    for line in text.split("\n"):
        shown_text(line)
    if not text:
        return None
    _check_length(field, text)
    return text


def _check_length(field: Field, text: str) -> None:
    longest = field.longest or USUAL_LENGTH[field.kind]
    if len(text) > longest:
        raise too_long(text, longest)
    if field.shortest and len(text) < field.shortest:
        raise Unfit(
            lazy_ngettext(
                "“%(value)s” is too short: write at least %(num)s character.",
                "“%(value)s” is too short: write at least %(num)s characters.",
                field.shortest,
                value=quoted(text),
            )
        )


TEXT = Kind(_read_short, plain_words, _("Write it here: it is needed."))
LONG_TEXT = Kind(_read_long, plain_words, _("Write it here: it is needed."))
