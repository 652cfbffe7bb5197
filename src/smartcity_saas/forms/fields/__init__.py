"""The kinds of field: reading an answer, its words, and filling a form with it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smartcity_saas.forms.definition import Field
from smartcity_saas.forms.fields import (
    choices,
    dates,
    declarations,
    files,
    numbers,
    people,
    places,
    texts,
)
from smartcity_saas.forms.fields.kinds import Context, Faults, Kind, Unfit, control, form_values
from smartcity_saas.forms.names import FieldKind

KINDS: Mapping[FieldKind, Kind] = {
    FieldKind.TEXT: texts.TEXT,
    FieldKind.LONG_TEXT: texts.LONG_TEXT,
    FieldKind.WHOLE_NUMBER: numbers.WHOLE_NUMBER,
    FieldKind.DECIMAL: numbers.DECIMAL,
    FieldKind.MONEY: numbers.MONEY,
    FieldKind.DATE: dates.DATE,
    FieldKind.DATE_RANGE: dates.DATE_RANGE,
    FieldKind.CHOICE: choices.CHOICE,
    FieldKind.CHOICES: choices.CHOICES,
    FieldKind.YES_NO: choices.YES_NO,
    FieldKind.PHONE: people.PHONE,
    FieldKind.RESIDENT_NUMBER: people.RESIDENT_NUMBER,
    FieldKind.PLATE: people.PLATE,
    FieldKind.ADDRESS: places.ADDRESS,
    FieldKind.FILE: files.FILE,
    FieldKind.PHOTOGRAPH: files.PHOTOGRAPH,
    FieldKind.PERSON: people.PERSON,
    FieldKind.DECLARATION: declarations.DECLARATION,
}

__all__ = ["KINDS", "Context", "Faults", "Kind", "Unfit", "control", "form_values", "words"]


def words(field: Field, value: Any, language: str) -> str:
    """A canonical value as people read it: on “check your answers”, at the desk, on paper, in CSV.

    Args:
        field: What was asked.
        value: The canonical answer; None for none, which has no words.
        language: ``zh`` or ``en``.
    """
    return "" if value is None else KINDS[field.kind].words(field, value, language)
