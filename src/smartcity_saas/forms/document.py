"""What a form says in a document: read without the pages and tables of applications."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields

from smartcity_saas.catalog.categories import CATEGORIES
from smartcity_saas.configuration.fields import (
    Choice,
    Line,
    ListOf,
    Pattern,
    Text,
    WholeNumber,
)
from smartcity_saas.configuration.service_kinds import KindOfService
from smartcity_saas.forms.definition_faults import definition_faults
from smartcity_saas.forms.names import (
    APPLICATIONS,
    KIND,
    LONGEST_LONG_TEXT,
    LONGEST_PERIOD,
    MOST_FILES,
    FieldKind,
    ResultKind,
)
from smartcity_saas.texts import Text as Words
from smartcity_saas.texts import lazy_gettext as _

ICONS = (
    "file-code",
    "id-badge-2",
    "users",
    "home",
    "car",
    "cash",
    "stethoscope",
    "building-community",
    "calendar",
    "shield-check",
    "key",
    "list-check",
)
FIELD_NAME = r"[a-z][a-z0-9_]{0,39}"
_DAY = r"(?:today|today[+-][0-9]{1,5}d|[0-9]{4}-[0-9]{2}-[0-9]{2})"


_BOTH = "{zh: …, en: …}"


def _words(longest: int, description: str, **options: Any) -> Text:
    said = {"description": description, "example": _BOTH}
    return Text(longest=longest, metadata=said, **options)


def _number(least: int, most: int, description: str, **options: Any) -> WholeNumber:
    said = {"description": description, "example": str(least)}
    return WholeNumber(least, most, metadata=said, **options)


class Amount(Line):
    """An amount of money as a plain decimal in quotes: ``"20.00"``."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            raise ValidationError(_("Put the amount in quotes, so that it stays exact."))
        text = super()._deserialize(value, attr, data, **kwargs)
        if not re.fullmatch(r"[0-9]{1,10}(?:\.[0-9]{1,4})?", text):
            raise ValidationError(_('Write an amount as a plain number in quotes: "20.00".'))
        return text


class Conditions(fields.Field[Any]):
    """Which answers ask for a field: ``{moved: yes}``, ``{housing: [rented, dormitory]}``."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, Mapping) or not value:
            raise ValidationError(_("Write the field and its answer: {moved: yes}."))
        found: dict[str, tuple[str, ...]] = {}
        errors: dict[str, Any] = {}
        for name, answers in value.items():
            listed = answers if isinstance(answers, list) else [answers]
            if not listed or not all(isinstance(one, str) for one in listed):
                errors[str(name)] = [_("Write an answer or a list of answers, as text.")]
            found[str(name)] = tuple(listed)
        if errors:
            raise ValidationError(errors)
        return found


class OptionSchema(Schema):
    """One of the answers that can be chosen."""

    value = Pattern(
        FIELD_NAME,
        _("Use lowercase letters, digits and _, at most 40."),
        required=True,
        metadata={
            "description": "How the answer is stored; it stays when the words change.",
            "example": "rented",
        },
    )
    label = _words(80, "The answer in words.", required=True)
    help = _words(160, "A line below it.")


class FieldSchema(Schema):
    """One thing that is asked."""

    name = Pattern(
        FIELD_NAME,
        _("Use lowercase letters, digits and _, at most 40."),
        required=True,
        metadata={"description": "The field's name, once in the whole form.", "example": "address"},
    )
    kind = Choice(
        tuple(kind.value for kind in FieldKind),
        required=True,
        metadata={"description": "What is asked for.", "example": FieldKind.TEXT.value},
    )
    label = _words(80, "What it is called; some kinds have a name of their own.")
    help = _words(200, "A line below the label.")
    required = fields.Boolean(
        load_default=False,
        truthy={True},
        falsy={False},
        metadata={"description": "Whether it must be answered wherever it is asked."},
    )
    show_if = Conditions(
        metadata={
            "description": "Ask only after these answers to earlier fields: `{moved: yes}`.",
            "shape": {
                "type": "object",
                "minProperties": 1,
                "additionalProperties": {
                    "anyOf": [
                        {"type": "string"},
                        {"type": "array", "items": {"type": "string"}, "minItems": 1},
                    ]
                },
            },
        }
    )
    options = ListOf(
        fields.Nested(OptionSchema),
        most=50,
        metadata={"description": "The answers of a `choice` or of `choices`."},
    )
    shortest = _number(1, LONGEST_LONG_TEXT, "The fewest characters of a text.")
    longest = _number(1, LONGEST_LONG_TEXT, "The most characters of a text.")
    least = Line(
        longest=20,
        metadata={"description": "The smallest number or amount, as a decimal in quotes."},
    )
    most = Line(
        longest=20,
        metadata={"description": "The largest number or amount, as a decimal in quotes."},
    )
    earliest = Pattern(
        _DAY,
        _('Write a day as "2026-01-31", or today, today+30d, today-30d.'),
        metadata={"description": "The first day that can be given: `today-30d`."},
    )
    latest = Pattern(
        _DAY,
        _('Write a day as "2026-01-31", or today, today+30d, today-30d.'),
        metadata={"description": "The last day that can be given: `today`."},
    )
    pattern = Line(
        longest=200,
        metadata={"description": "A regular expression (RE2) that the whole of a text must match."},
    )
    pattern_help = _words(160, "What a text of that pattern looks like, for whoever missed it.")
    files = _number(1, MOST_FILES, "How many files or photographs can be added; 1 by default.")
    text = _words(2_000, "What is declared.")


StepSchema = Schema.from_dict(
    {
        "title": _words(40, "The page's heading.", required=True),
        "help": _words(400, "What to know on this page."),
        "fields": ListOf(
            fields.Nested(FieldSchema),
            most=30,
            required=True,
            metadata={
                "description": "What is asked on it, in this order.",
                "example": "[{name: address, kind: address}]",
            },
        ),
    },
    name="Step",
)
"""One page of the form."""


class PeriodSchema(Schema):
    """A period in years, months or days, of which one is given."""

    years = _number(1, LONGEST_PERIOD["years"], "Years.")
    months = _number(1, LONGEST_PERIOD["months"], "Months.")
    days = _number(1, LONGEST_PERIOD["days"], "Days.")


class TakesSchema(Schema):
    """How long it takes."""

    working_days = _number(
        1, 250, "Working days from being sent to the decision (GB calendar).", required=True
    )


class SupplySchema(Schema):
    """How long there is time to send what is missing."""

    working_days = _number(
        1, 250, "Working days from being asked until it is closed as not supplied.", required=True
    )


class ResultSchema(Schema):
    """What somebody has in the end."""

    kind = Choice(
        tuple(kind.value for kind in ResultKind),
        required=True,
        metadata={
            "description": "A `letter`, a `certificate`, or `none`: the decision alone.",
            "example": ResultKind.LETTER.value,
        },
    )
    title = _words(60, "The heading of the paper; the service's title by default.")
    text = _words(
        2_000, "What the paper says; `{field}` stands for an answer, `{name}` for whose it is."
    )
    valid = fields.Nested(
        PeriodSchema, metadata={"description": "How long it is valid; for good by default."}
    )


class FormSchema(Schema):
    """A service that is a form: what is needed, what it costs, what is asked, what comes of it."""

    title = _words(40, "The service's name for residents.", required=True)
    help = _words(160, "What it is for, in a sentence.")
    category = Choice(
        tuple(CATEGORIES),
        required=True,
        metadata={"description": "Where it stands on the site.", "example": "papers"},
    )
    icon = Choice(
        ICONS, load_default="list-check", metadata={"description": "Its picture in lists."}
    )
    keywords = ListOf(
        Line(longest=40), most=20, metadata={"description": "Words by which it is searched for."}
    )
    department = _words(60, "Who decides.")
    who = _words(400, "Who can apply.")
    needs = ListOf(Text(longest=160), most=20, metadata={"description": "What to have at hand."})
    visit = _words(200, "What has to be done in person; nothing by default.")
    takes = fields.Nested(
        TakesSchema,
        required=True,
        metadata={"description": "How long it takes.", "example": "{working_days: 5}"},
    )
    supply = fields.Nested(
        SupplySchema,
        metadata={
            "description": "How long somebody has to send what the desk asks for; without an end by default."
        },
    )
    fee = Amount(
        load_default="0",
        metadata={"description": 'What it costs, in the city\'s currency: `"20.00"`; `"0"`: free.'},
    )
    most_open = _number(
        1, 100, "How many applications of one resident can be under way at once; 10 by default."
    )
    steps = ListOf(
        fields.Nested(StepSchema),
        most=12,
        required=True,
        metadata={
            "description": "The pages of the form.",
            "example": f"[{{title: {_BOTH}, fields: [{{name: address, kind: address}}]}}]",
        },
    )
    result = fields.Nested(
        ResultSchema,
        load_default=lambda: {"kind": ResultKind.NONE.value},
        metadata={"description": "What somebody has in the end."},
    )
    keep = fields.Nested(
        PeriodSchema,
        required=True,
        metadata={
            "description": "How long an application is kept after it is finished, its paper with it: "
            "as long as that is valid, at least.",
            "example": "{years: 5}",
        },
    )


def _told_of_removal(city_id: int, service: str) -> list[Words]:
    """How many applications are under way; tables are loaded only now."""
    from smartcity_saas.forms.removal import removal_effect

    return removal_effect(city_id, service)


kind = KindOfService(
    KIND, FormSchema, definition_faults, frozenset({APPLICATIONS}), _told_of_removal
)
"""``kind: form``."""
