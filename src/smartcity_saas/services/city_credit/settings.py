"""The service's part of a document: what adds, up to where, for how long, and what it opens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields

from smartcity_saas.configuration.fields import Choice, ListOf, Pattern, Text, WholeNumber, Word
from smartcity_saas.configuration.problems import Path
from smartcity_saas.configuration.schema import ServiceSettings
from smartcity_saas.services.city_credit.names import (
    BENEFIT_KINDS,
    CERTIFICATE,
    PAY_AFTER_TREATMENT,
)
from smartcity_saas.texts import lazy_gettext as _
from smartcity_saas.web.money import parse_money
from smartcity_saas.web.numbers import NotPlain, parse_decimal

MOST_POINTS = 1_000
MOST_DECIMALS = 4
"""The most that the minor unit of any currency has."""
DEFAULT_APPEAL_DAYS = 15
ABOUT_PEOPLE = frozenset(
    {
        *("age", "birthday", "sex", "gender", "origin", "birthplace", "native_place", "hukou"),
        *("household", "place", "address", "nationality", "ethnicity", "religion", "marriage"),
        *("health", "disability", "education", "occupation", "income", "debt"),
    }
)
"""Who somebody is, which no rule may look at; the words of a name are looked at one by one."""

_NAME = r"[a-z][a-z0-9_]{1,40}"


def _name(words: str, **options: Any) -> Pattern:
    return Pattern(
        _NAME,
        _("Use 2 to 41 lowercase letters, digits and _."),
        metadata={"description": words},
        **options,
    )


def _points(words: str, least: int = 1, **options: Any) -> WholeNumber:
    return WholeNumber(least, MOST_POINTS, metadata={"description": words}, **options)


class SourceSchema(Schema):
    """Something that adds: an event that a service declares, or what the city imports."""

    event = Pattern(
        rf"{_NAME}\.{_NAME}",
        _("Write an event of a service, such as utility_bills.paid_in_time."),
        metadata={"description": "An event of an installed service: `utility_bills.paid_in_time`."},
    )
    imported = _name("A name of the city's own, for entries that it imports: `volunteer_hours`.")
    name = Text(
        longest=40, metadata={"description": "What residents read; an event has its own name."}
    )
    repair = Text(
        longest=120, metadata={"description": "How a resident gets more of it, in a sentence."}
    )
    adds = _points("Points that it adds, for every `per`.", required=True)
    per = _points("How many acts, hours or times make up one `adds`.", load_default=1)
    cap = _points("The most points that it adds.", required=True)
    expires = WholeNumber(
        1,
        120,
        required=True,
        metadata={"description": "Calendar months after which an entry counts no longer."},
    )


class LevelSchema(Schema):
    """A level: a word, and from how many points."""

    level = _name("A name for rules and benefits: `good`.", required=True)
    name = Text(longest=20, required=True, metadata={"description": "What residents read."})
    at_least = _points("The points from which it begins; 0 for the lowest.", required=True, least=0)


class Amount(Word):
    """An amount of money in the city's currency, as text: ``"200.00"``."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            amount = parse_decimal(text, MOST_DECIMALS)
        except NotPlain as error:
            raise ValidationError(error.message) from None
        if not amount:
            raise ValidationError(_('Write an amount above zero as text: "200.00".'))
        return text


class BenefitSchema(Schema):
    """What a level opens."""

    benefit = _name("A name for partners: `library_deposit`.", required=True)
    kind = Choice(
        BENEFIT_KINDS,
        load_default=CERTIFICATE,
        metadata={
            "description": "`certificate`: partners check a code that residents show; "
            "`pay_after_treatment`: hospital fees are paid after the visit."
        },
    )
    days = WholeNumber(
        1,
        90,
        metadata={"description": "`pay_after_treatment`: days after the visit to pay in."},
    )
    limit = Amount(
        longest=16,
        metadata={
            "description": "`pay_after_treatment`: the most that may be open at a time, in the "
            "city's currency, in quotes."
        },
    )
    level = _name("The level from which it holds.", required=True)
    name = Text(longest=40, required=True, metadata={"description": "What residents read."})
    help = Text(longest=120, metadata={"description": "What it saves them, in a line."})


class CityCreditSettings(ServiceSettings):
    """Settings of the service."""

    sources = ListOf(
        fields.Nested(SourceSchema),
        required=True,
        most=30,
        metadata={"description": "What adds points. Nothing takes any away."},
    )
    levels = ListOf(
        fields.Nested(LevelSchema),
        required=True,
        most=8,
        metadata={"description": "The levels, from the lowest, which begins at 0."},
    )
    benefits = ListOf(
        fields.Nested(BenefitSchema),
        most=30,
        metadata={"description": "What levels open for residents."},
    )
    appeal_days = WholeNumber(
        1,
        60,
        load_default=DEFAULT_APPEAL_DAYS,
        metadata={
            "description": "Working days in which an appeal is answered; later it is decided for "
            "the resident."
        },
    )

    def check_whole(self, data: Mapping[str, Any]) -> None:
        """Sources exist, once each, and none is about who somebody is; levels rise and can be
        reached; benefits name levels."""
        errors: dict[str, Any] = {}
        sources, levels = data.get("sources", []), data.get("levels", [])
        for name, found in (
            ("sources", _source_errors(sources, self.event_kinds)),
            ("levels", _level_errors(levels, sum(one["cap"] for one in sources))),
            ("benefits", _benefit_errors(data.get("benefits", []), levels)),
        ):
            if found:
                errors[name] = found
        if not levels:
            errors["levels"] = [_("Name at least one level.")]
        if errors:
            raise ValidationError(errors)

    @classmethod
    def currency_faults(cls, data: Mapping[str, Any], currency: str) -> list[tuple[Path, Any]]:
        """Limits that are finer than the city's currency."""
        found: list[tuple[Path, Any]] = []
        benefits = data.get("benefits")
        for place, one in enumerate(benefits if isinstance(benefits, list) else ()):
            limit = one.get("limit") if isinstance(one, Mapping) else None
            if isinstance(limit, str):
                try:
                    parse_money(limit, currency)
                except NotPlain as error:
                    found.append((("benefits", place, "limit"), error.message))
        return found


def _source_errors(sources: list[Any], kinds: Mapping[str, Any]) -> dict[int, Any]:
    errors: dict[int, Any] = {}
    seen: set[str] = set()
    for place, one in enumerate(sources):
        found: dict[str, Any] = {}
        key = "imported" if "imported" in one else "event"
        name = one.get(key)
        if ("event" in one) == ("imported" in one):
            found["event"] = [_("Name either an event or something imported.")]
        elif name in seen:
            found[key] = [_("This stands here twice.")]
        elif key == "event" and name not in kinds:
            found[key] = [
                _("No installed service has this event. There are: %(kinds)s.", kinds=_all(kinds))
            ]
        elif key == "imported" and ABOUT_PEOPLE & set(str(name).split("_")):
            found[key] = [_("A rule cannot be about who somebody is, only about what they did.")]
        if key == "imported" and "name" not in one:
            found["name"] = [_("Say what residents read: {zh: …, en: …}.")]
        if one["adds"] > one["cap"]:
            found["adds"] = [_("This adds more than the cap allows.")]
        seen.add(str(name))
        if found:
            errors[place] = found
    return errors


def _level_errors(levels: list[Any], reachable: int) -> dict[int, Any]:
    errors: dict[int, Any] = {}
    names: set[str] = set()
    before = -1
    for place, one in enumerate(levels):
        found: dict[str, Any] = {}
        if one["level"] in names:
            found["level"] = [_("This stands here twice.")]
        if place == 0 and one["at_least"] != 0:
            found["at_least"] = [_("The lowest level begins at 0, so that everybody has one.")]
        elif one["at_least"] <= before:
            found["at_least"] = [_("Levels must go from low to high.")]
        elif one["at_least"] > reachable:
            found["at_least"] = [
                _(
                    "Nobody can reach this: all sources together add %(most)s at most.",
                    most=reachable,
                )
            ]
        names.add(one["level"])
        before = one["at_least"]
        if found:
            errors[place] = found
    return errors


def _benefit_errors(benefits: list[Any], levels: list[Any]) -> dict[int, Any]:
    known = [one["level"] for one in levels]
    names: set[str] = set()
    errors: dict[int, Any] = {}
    for place, one in enumerate(benefits):
        found: dict[str, Any] = {}
        if one["level"] not in known:
            found["level"] = [_("No such level. There are: %(levels)s.", levels=", ".join(known))]
        if one["benefit"] in names:
            found["benefit"] = [_("This stands here twice.")]
        for key in ("days", "limit"):
            if key not in one and one["kind"] == PAY_AFTER_TREATMENT:
                found[key] = [_("Say it here: paying after treatment needs days and limit.")]
            elif key in one and one["kind"] != PAY_AFTER_TREATMENT:
                found[key] = [_("Only kind: pay_after_treatment has this. Take it out.")]
        names.add(one["benefit"])
        if found:
            errors[place] = found
    return errors


def _all(kinds: Mapping[str, Any]) -> str:
    return ", ".join(sorted(kinds)) or "—"
