"""One answer or several of those that the definition lists, and yes or no."""

from __future__ import annotations

from typing import Any

from smartcity_saas.configuration.city import Localized
from smartcity_saas.forms.definition import Field
from smartcity_saas.forms.fields.kinds import Context, Kind, Unfit, gather_list, quoted, read_text
from smartcity_saas.forms.names import NO, YES
from smartcity_saas.texts import lazy_gettext as _

YES_NO_WORDS: dict[str, Localized] = {
    YES: {"zh": "是", "en": "Yes"},
    NO: {"zh": "否", "en": "No"},
}


def _read_choice(field: Field, given: Any, context: Context) -> str | None:
    value = read_text(given)
    return _listed(field, value) if value else None


def _read_choices(field: Field, given: Any, context: Context) -> list[str] | None:
    if given is None:
        return None
    if not isinstance(given, list):
        raise Unfit(
            _("“%(value)s” is not a list. Give a list of the answers.", value=quoted(given))
        )
    chosen = {_listed(field, read_text(one)) for one in given}
    return [one.value for one in field.options if one.value in chosen] or None


def _listed(field: Field, value: str) -> str:
    if field.option(value) is None:
        raise Unfit(
            _(
                "“%(value)s” is none of the answers. Choose from: %(values)s.",
                value=quoted(value),
                values=", ".join(one.value for one in field.options),
            )
        )
    return value


def _read_yes_no(field: Field, given: Any, context: Context) -> str | None:
    if isinstance(given, bool):
        return YES if given else NO
    value = read_text(given)
    if value not in ("", *YES_NO_WORDS):
        raise Unfit(_("“%(value)s” is neither yes nor no. Choose one.", value=quoted(value)))
    return value or None


def _choice_words(field: Field, value: Any, language: str) -> str:
    option = field.option(value)
    return option.label[language] if option else str(value)


def _choices_words(field: Field, value: Any, language: str) -> str:
    between = "、" if language == "zh" else ", "
    return between.join(_choice_words(field, one, language) for one in value)


def _yes_no_words(field: Field, value: Any, language: str) -> str:
    return YES_NO_WORDS[value][language]


CHOICE = Kind(_read_choice, _choice_words, _("Choose one of these."))
CHOICES = Kind(_read_choices, _choices_words, _("Choose at least one of these."), gather_list)
YES_NO = Kind(_read_yes_no, _yes_no_words, _("Choose yes or no."))
