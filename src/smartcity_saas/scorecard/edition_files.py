"""Reading editions: those that the product ships, and those of an installation, which win.

Whoever holds the text of the standard completes an edition in ``config/scorecard/<key>.yaml``.
Every fault of a file is told at once, with line and column.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

from marshmallow import Schema, ValidationError, fields

from smartcity_saas.configuration.fields import (
    Choice,
    Line,
    ListOf,
    Pattern,
    Text,
    WholeNumber,
    Word,
)
from smartcity_saas.configuration.problems import Path as Place
from smartcity_saas.configuration.problems import Problem, in_order
from smartcity_saas.configuration.schema_problems import located, schema_problems
from smartcity_saas.configuration.yaml_source import parse
from smartcity_saas.errors import Invalid
from smartcity_saas.scorecard.standard import (
    TOTAL,
    Counts,
    Edition,
    Indicator,
    Item,
    Source,
    SubIndicator,
)
from smartcity_saas.texts import lazy_gettext as _

KEYS = ("gbt_33356_2022", "gbt_33356_2016")
"""The editions, the newest first."""
FOLDER = "config/scorecard"
"""Where an installation keeps its own, below the root of its documents."""
_DECIMALS = 4
Fault = tuple[Place, Any, Any]


class Weight(fields.Field[Decimal]):
    """A weight: above 0, at most 100, with four decimals at most."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValidationError(_("This must be a number."))
        weight = Decimal(str(value))
        if not weight.is_finite() or not 0 < weight <= TOTAL:
            raise ValidationError(_("A weight is above 0 and at most 100."))
        if -int(weight.as_tuple().exponent) > _DECIMALS:
            raise ValidationError(_("A weight has four decimals at most."))
        return weight


class _SourceSchema(Schema):
    title = Text(required=True)
    read = Text(required=True)
    address = Word()


class _CountsSchema(Schema):
    indicators = WholeNumber(1, 50, required=True)
    sub_indicators = WholeNumber(1, 200, required=True)
    items = WholeNumber(1, 500, required=True)


class _ItemSchema(Schema):
    number = Pattern(
        r"L[1-9][0-9]?P[1-9][0-9]?-A[1-9][0-9]?",
        _("An item's number is like L1P4-A2."),
        required=True,
    )
    name = Text(required=True)
    weight = Weight()
    formula = Line()
    computed_by = Word()
    source = Word(required=True)


class _SubIndicatorSchema(Schema):
    number = Pattern(
        r"L[1-9][0-9]?P[1-9][0-9]?", _("A sub-indicator's number is like L1P4."), required=True
    )
    name = Text(required=True)
    weight = Weight()
    source = Word(required=True)
    items = ListOf(fields.Nested(_ItemSchema), required=True)


class _IndicatorSchema(Schema):
    number = Pattern(r"L[1-9][0-9]?", _("An indicator's number is like L1."), required=True)
    name = Text(required=True)
    weight = Weight()
    source = Word(required=True)
    sub_indicators = ListOf(fields.Nested(_SubIndicatorSchema), required=True)


class EditionSchema(Schema):
    """The file of an edition."""

    edition = Choice(KEYS, required=True)
    standard = Line(required=True)
    name = Text(required=True)
    counts = fields.Nested(_CountsSchema, required=True)
    sources = fields.Dict(keys=Word(), values=fields.Nested(_SourceSchema), required=True)
    indicators = ListOf(fields.Nested(_IndicatorSchema), required=True)


def load_editions(root: Path, figures: Collection[str]) -> Mapping[str, Edition]:
    """Every edition by its key, the newest first: an installation's own file before ours.

    Args:
        root: Of the installation's documents.
        figures: What the platform computes, by name.

    Raises:
        Invalid: A file has a fault; ``problems`` says where.
    """
    shipped = resources.files(__package__).joinpath("editions")
    found = {}
    for key in KEYS:
        own = root / FOLDER / f"{key}.yaml"
        data = own.read_bytes() if own.is_file() else shipped.joinpath(f"{key}.yaml").read_bytes()
        name = f"{FOLDER}/{key}.yaml" if own.is_file() else f"{key}.yaml"
        found[key] = read_edition(data, name, figures, key)
    return MappingProxyType(found)


def read_edition(data: bytes, name: str, figures: Collection[str], key: str) -> Edition:
    """One edition from the YAML of its file; ``name`` is what faults call it.

    Raises:
        Invalid: It has faults; ``problems`` says where.
    """
    source = parse(data, name)
    schema, values = EditionSchema(), source.values
    faults = schema_problems(schema, values)
    if not faults:
        loaded: dict[str, Any] = schema.load(values)
        faults = list(_edition_faults(loaded, figures, key))
    if faults:
        problems: list[Problem] = in_order(located(source, faults))
        raise Invalid(str(problems[0]), problems)
    return _edition(loaded)


def _edition_faults(
    loaded: Mapping[str, Any], figures: Collection[str], key: str
) -> Iterator[Fault]:
    """What the schema cannot see: numbers, sums and names that do not fit each other."""
    if loaded["edition"] != key:
        yield ("edition",), _("The file is named after another edition."), ""
    indicators = loaded["indicators"]
    yield from _number_faults(indicators)
    yield from _sum_faults(indicators, ("indicators",), TOTAL)
    for place, entry in _entries(indicators):
        if entry["source"] not in loaded["sources"]:
            yield (
                (*place, "source"),
                _("“%(name)s” is not among the sources.", name=entry["source"]),
                "",
            )
        computed = entry.get("computed_by", "")
        if computed and computed not in figures:
            words = ", ".join(sorted(figures))
            yield (*place, "computed_by"), _("Enter one of: %(words)s.", words=words), ""
    yield from _count_faults(loaded)
    yield from _level_faults(indicators)


_BELOW = ("indicators", "sub_indicators", "items")


def _entries(indicators: list[Any]) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    """Every entry of all three levels with its place."""
    for i, indicator in enumerate(indicators):
        yield ("indicators", i), indicator
        for s, sub in enumerate(indicator["sub_indicators"]):
            yield ("indicators", i, "sub_indicators", s), sub
            for n, item in enumerate(sub["items"]):
                yield ("indicators", i, "sub_indicators", s, "items", n), item


def _number_faults(indicators: list[Any]) -> Iterator[Fault]:
    """Numbers that stand twice, or under another's."""
    seen: set[str] = set()
    numbers: dict[Place, str] = {}
    for where, entry in _entries(indicators):
        number = numbers[where] = entry["number"]
        above = numbers.get(where[:-2], "")
        mark = "P" if len(where) == 4 else "-A"
        if above and not number.startswith(above + mark):
            yield (*where, "number"), _("This does not stand under %(above)s.", above=above), ""
        if number in seen:
            yield (*where, "number"), _("“%(number)s” stands here twice.", number=number), ""
        seen.add(number)


def _sum_faults(entries: list[Any], place: Place, most: Decimal) -> Iterator[Fault]:
    total = sum((entry.get("weight") or Decimal() for entry in entries), Decimal())
    if total > most:
        last = next(n for n in range(len(entries) - 1, -1, -1) if entries[n].get("weight"))
        yield (
            (*place, last, "weight"),
            _("The weights come to %(total)s, more than %(most)s.", total=total, most=most),
            "",
        )


def _level_faults(indicators: list[Any]) -> Iterator[Fault]:
    """A weight needs the one above it, and what is below may not come to more."""
    for i, indicator in enumerate(indicators):
        place: Place = ("indicators", i)
        yield from _below_faults(indicator, indicator["sub_indicators"], (*place, "sub_indicators"))
        for s, sub in enumerate(indicator["sub_indicators"]):
            below = (*place, "sub_indicators", s, "items")
            if any(item.get("weight") for item in sub["items"]) and not sub.get("weight"):
                yield below[:-1], _("An item has a weight, and what it is a part of has none."), ""
            yield from _sum_faults(sub["items"], below, TOTAL)


def _below_faults(above: Mapping[str, Any], below: list[Any], place: Place) -> Iterator[Fault]:
    if above.get("weight"):
        yield from _sum_faults(below, place, above["weight"])
    elif any(entry.get("weight") for entry in below):
        yield place[:-1], _("An item has a weight, and what it is a part of has none."), ""


def _count_faults(loaded: Mapping[str, Any]) -> Iterator[Fault]:
    """More entries than the standard has; all of them, and a total that is not 100."""
    edition = _edition(loaded)
    for level in _BELOW:
        if getattr(edition.unread, level) < 0:
            yield ("counts", level), _("More are listed than there are."), ""
    complete = not edition.unread.items and not edition.unverified
    if complete and edition.verified_points != TOTAL:
        yield (
            ("indicators",),
            _("All weights are here, and come to %(total)s.", total=edition.verified_points),
            _("They must come to 100."),
        )


def _edition(loaded: Mapping[str, Any]) -> Edition:
    return Edition(
        loaded["edition"],
        loaded["standard"],
        loaded["name"],
        Counts(**loaded["counts"]),
        MappingProxyType({key: Source(**one) for key, one in loaded["sources"].items()}),
        tuple(_indicator(one) for one in loaded["indicators"]),
    )


def _indicator(loaded: Mapping[str, Any]) -> Indicator:
    return Indicator(
        loaded["number"],
        loaded["name"],
        loaded.get("weight"),
        loaded["source"],
        tuple(_sub_indicator(one) for one in loaded["sub_indicators"]),
    )


def _sub_indicator(loaded: Mapping[str, Any]) -> SubIndicator:
    weight = loaded.get("weight")
    return SubIndicator(
        loaded["number"],
        loaded["name"],
        weight,
        loaded["source"],
        tuple(_item(one, weight) for one in loaded["items"]),
    )


def _item(loaded: Mapping[str, Any], above: Decimal | None) -> Item:
    weight = loaded.get("weight")
    return Item(
        loaded["number"],
        loaded["name"],
        weight,
        above * weight / TOTAL if above is not None and weight is not None else None,
        loaded.get("formula", ""),
        loaded["source"],
        loaded.get("computed_by", ""),
    )
