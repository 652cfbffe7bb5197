"""What a complete definition of a form contradicts, each fault at its place.

Values are as written and merged: of any type where the schema has told of it already, so whatever
is not of the right type is passed over here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from smartcity_saas.configuration.service_kinds import CityTerms, Fault
from smartcity_saas.forms.definition import Period
from smartcity_saas.forms.names import (
    CHOICES,
    CONDITIONS,
    DATES,
    DEFAULT_LABELS,
    FILES,
    HOLDER,
    INSERTABLE,
    LARGEST_NUMBER,
    LONGEST_PERIOD,
    MOST_FIELDS,
    NO,
    NUMBERS,
    TEXTS,
    USUAL_LENGTH,
    YES,
    FieldKind,
    ResultKind,
)
from smartcity_saas.forms.patterns import pattern_fault
from smartcity_saas.texts import lazy_gettext as _
from smartcity_saas.web.money import parse_money
from smartcity_saas.web.numbers import NotPlain

Place = tuple[str | int, ...]
Asked = tuple[Place, Mapping[str, Any]]

_FROM_TODAY = re.compile(r"today(?:[+-][0-9]{1,5}d)?")
_NUMBER = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,6})?")
_ONLY_FOR: Mapping[str, frozenset[FieldKind]] = {
    "options": CHOICES,
    "shortest": TEXTS,
    "longest": TEXTS,
    "pattern": frozenset({FieldKind.TEXT}),
    "pattern_help": frozenset({FieldKind.TEXT}),
    "least": NUMBERS,
    "most": NUMBERS,
    "earliest": DATES,
    "latest": DATES,
    "files": FILES,
    "text": frozenset({FieldKind.DECLARATION}),
}
"""Keys that say something of some kinds of field only."""


def definition_faults(entry: Mapping[str, Any], terms: CityTerms) -> list[Fault]:
    """Everything that a definition contradicts: path below the entry, message, hint.

    Args:
        entry: The merged entry of the catalog, as written.
        terms: In what currency the city bills, and what its payment provider takes.
    """
    asked = list(_asked(entry))
    found = [*_empty_lists(entry), *_names(asked)]
    for place, field in asked:
        found += _field(place, field, terms.currency)
    found += [*_conditions(asked), *_fee(entry, terms), *_periods(entry), *_paper_outlives(entry)]
    return [*found, *_result(entry, asked)]


def _asked(entry: Mapping[str, Any]) -> Iterator[Asked]:
    """Every field with its place, in the order in which they are asked."""
    for number, step in enumerate(_list(entry.get("steps"))):
        fields = step.get("fields") if isinstance(step, Mapping) else None
        for place, field in enumerate(_list(fields)):
            if isinstance(field, Mapping) and isinstance(field.get("name"), str):
                yield ("steps", number, "fields", place), field


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _kind(field: Mapping[str, Any]) -> FieldKind | None:
    try:
        return FieldKind(field.get("kind", ""))
    except ValueError:
        return None


def _empty_lists(entry: Mapping[str, Any]) -> Iterator[Fault]:
    steps = entry.get("steps")
    if steps == []:
        yield ("steps",), _("A form needs at least one step."), _("Add a step with its fields.")
    for number, step in enumerate(_list(steps)):
        if isinstance(step, Mapping) and step.get("fields") == []:
            yield (
                ("steps", number, "fields"),
                _("This step asks for nothing."),
                _("Add a field, or remove the step."),
            )


def _names(asked: list[Asked]) -> Iterator[Fault]:
    if len(asked) > MOST_FIELDS:
        yield (
            asked[MOST_FIELDS][0],
            _("A form can ask for at most %(most)s things.", most=MOST_FIELDS),
            _("Ask for less, or make two services of it."),
        )
    seen: set[str] = set()
    for place, field in asked:
        name = field["name"]
        if name in seen:
            yield (
                (*place, "name"),
                _("The name “%(name)s” is used twice.", name=name),
                _("Each field needs a name of its own in the whole form."),
            )
        if name == HOLDER:
            yield (
                (*place, "name"),
                _("No field can be called “%(name)s”: on a paper it is whose it is.", name=name),
                _("Call it something else, such as %(name)s_given.", name=name),
            )
        seen.add(name)


def _field(place: Place, field: Mapping[str, Any], currency: str) -> Iterator[Fault]:
    kind = _kind(field)
    if kind is None:
        return
    if "label" not in field and kind not in DEFAULT_LABELS:
        yield (
            (*place, "name"),
            _("“%(name)s” has no label.", name=field["name"]),
            _("Add label: {zh: …, en: …}."),
        )
    for key, kinds in _ONLY_FOR.items():
        if key in field and kind not in kinds:
            yield (
                (*place, key),
                _("“%(key)s” has no effect on a field of kind %(kind)s.", key=key, kind=kind.value),
                _("It can be used with: %(kinds)s.", kinds=", ".join(sorted(kinds))),
            )
            return
    if kind in CHOICES:
        yield from _options(place, field)
    if kind is FieldKind.DECLARATION and "text" not in field:
        yield (
            (*place, "name"),
            _("“%(name)s” declares nothing.", name=field["name"]),
            _("Add text: {zh: …, en: …} with what is declared."),
        )
    shortest = field.get("shortest")
    if (
        "longest" not in field
        and type(shortest) is int
        and shortest > USUAL_LENGTH.get(kind, shortest)
    ):
        yield (
            (*place, "shortest"),
            _(
                "“%(name)s” has no answer: it has at most %(most)s characters.",
                name=field["name"],
                most=USUAL_LENGTH[kind],
            ),
            _("Write longest as well, or kind: long_text."),
        )
    if "shortest" in field and "longest" in field:
        yield from _order(place, field, "shortest", "longest", field["shortest"], field["longest"])
    yield from _limits(place, field, kind, currency)
    if kind in DATES:
        yield from _days(place, field)
    yield from _pattern(place, field)


def _options(place: Place, field: Mapping[str, Any]) -> Iterator[Fault]:
    options = field.get("options")
    if not options:
        yield (
            (*place, "options") if "options" in field else (*place, "name"),
            _("“%(name)s” has nothing to choose from.", name=field["name"]),
            _("Add options: [{value: …, label: {zh: …, en: …}}]."),
        )
    seen: set[str] = set()
    for number, option in enumerate(_list(options)):
        value = option.get("value") if isinstance(option, Mapping) else None
        if isinstance(value, str) and value in seen:
            yield (
                (*place, "options", number, "value"),
                _("The answer “%(value)s” is listed twice.", value=value),
                _("Remove one of the two."),
            )
        seen.add(str(value))


def _limits(
    place: Place, field: Mapping[str, Any], kind: FieldKind, currency: str
) -> Iterator[Fault]:
    numbers: dict[str, Decimal] = {}
    for key in ("least", "most"):
        text = field.get(key)
        if not isinstance(text, str):
            continue
        number = Decimal(text) if _NUMBER.fullmatch(text) else None
        try:
            if kind is FieldKind.MONEY and number is not None:
                parse_money(text, currency)
        except NotPlain as fault:
            yield (*place, key), fault.message, ""
            continue
        if number is None or (kind is FieldKind.WHOLE_NUMBER and number % 1):
            yield (
                (*place, key),
                _("“%(value)s” is no number of this kind.", value=text),
                _('Write a plain number in quotes: "10".'),
            )
        elif abs(number) > LARGEST_NUMBER:
            yield (
                (*place, key),
                _("No answer comes to “%(value)s”.", value=text),
                _("Write a number up to %(most)s.", most=f"{LARGEST_NUMBER:,}"),
            )
        else:
            numbers[key] = number
    if "least" not in field and "most" in numbers and numbers["most"] < 0:
        yield (
            (*place, "most"),
            _("“%(name)s” has no answer: it is never below zero.", name=field["name"]),
            _("Write least as well: it allows numbers below zero."),
        )
    if len(numbers) == 2:
        yield from _order(place, field, "least", "most", numbers["least"], numbers["most"])


def _order(
    place: Place, field: Mapping[str, Any], low: str, high: str, least: Any, most: Any
) -> Iterator[Fault]:
    comparable = isinstance(least, (int, Decimal, date)) and type(least) is type(most)
    if comparable and least > most:
        yield (
            (*place, high),
            _(
                "“%(name)s” has no answer: %(low)s is above %(high)s.",
                name=field["name"],
                low=low,
                high=high,
            ),
            _("Swap the two."),
        )


def _days(place: Place, field: Mapping[str, Any]) -> Iterator[Fault]:
    days: dict[str, Any] = {}
    for key in ("earliest", "latest"):
        text = field.get(key)
        if not isinstance(text, str):
            continue
        if text.startswith("today"):
            if _FROM_TODAY.fullmatch(text):  # else it is said not to be a day already
                days[key] = int(text[5:-1] or "0")
            continue
        try:
            days[key] = date.fromisoformat(text)
        except ValueError:
            yield (
                (*place, key),
                _("“%(day)s” is no day of the calendar.", day=text),
                _('Write a day as "2026-01-31".'),
            )
    if len(days) == 2:
        yield from _order(place, field, "earliest", "latest", days["earliest"], days["latest"])


def _pattern(place: Place, field: Mapping[str, Any]) -> Iterator[Fault]:
    pattern = field.get("pattern")
    if not isinstance(pattern, str):
        return
    why = pattern_fault(pattern)
    if why:
        yield (
            (*place, "pattern"),
            _(
                "“%(pattern)s” is no regular expression of RE2: %(why)s.",
                pattern=pattern,
                why=why,
            ),
            _("Example: [A-Z]{2}[0-9]{8}. Nothing repeats more than 1,000 times."),
        )
    if "pattern_help" not in field:
        yield (
            (*place, "pattern"),
            _("Nobody is told what fits the pattern of “%(name)s”.", name=field["name"]),
            _("Add pattern_help: {zh: …, en: …}."),
        )


def _conditions(asked: list[Asked]) -> Iterator[Fault]:
    """Conditions on what is not asked, is asked later, cannot be answered so, or leads round."""
    order: dict[str, int] = {}
    for number, (_place, field) in enumerate(asked):
        order.setdefault(field["name"], number)
    depends: dict[str, list[str]] = {}
    for _place, field in asked:
        shown = field.get("show_if")
        depends.setdefault(field["name"], []).extend(
            name for name in (shown if isinstance(shown, Mapping) else ()) if name in order
        )
    in_loop = _loops(depends)
    for number, (place, field) in enumerate(asked):
        shown = field.get("show_if")
        for name, answers in (shown if isinstance(shown, Mapping) else {}).items():
            path = (*place, "show_if", name)
            if name not in order:
                yield (
                    path,
                    _("There is no field “%(name)s”.", name=name),
                    _("Fields before this one: %(names)s.", names=_before(asked, number)),
                )
            elif field["name"] in in_loop and name in in_loop[field["name"]]:
                yield (
                    path,
                    _(
                        "These conditions form a loop: %(loop)s.",
                        loop=" → ".join([*in_loop[field["name"]], in_loop[field["name"]][0]]),
                    ),
                    _("Remove one of them: nobody could ever be asked."),
                )
            elif order[name] > number:
                yield (
                    path,
                    _("“%(name)s” is asked later.", name=name),
                    _("Move it before “%(field)s”.", field=field["name"]),
                )
            else:
                yield from _answers(path, asked[order[name]][1], answers)


def _before(asked: list[Asked], number: int) -> str:
    return ", ".join(field["name"] for _place, field in asked[:number]) or "—"


def _answers(path: Place, field: Mapping[str, Any], answers: Any) -> Iterator[Fault]:
    kind = _kind(field)
    if kind is None:
        return
    if kind not in CONDITIONS:
        yield (
            path,
            _(
                "“%(name)s” is of kind %(kind)s: nothing can depend on it.",
                name=field["name"],
                kind=kind.value,
            ),
            _("It can depend on: %(kinds)s.", kinds=", ".join(sorted(CONDITIONS))),
        )
        return
    possible = {
        FieldKind.YES_NO: [YES, NO],
        FieldKind.DECLARATION: [YES],
    }.get(kind) or [
        str(one.get("value")) for one in _list(field.get("options")) if isinstance(one, Mapping)
    ]
    for answer in answers if isinstance(answers, list) else [answers]:
        if isinstance(answer, str) and answer not in possible:
            yield (
                path,
                _("“%(answer)s” is no answer to “%(name)s”.", answer=answer, name=field["name"]),
                _("Its answers: %(answers)s.", answers=", ".join(possible)),
            )


def _loops(depends: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Of each field that depends on itself by way of others: the way round, itself first."""
    found: dict[str, list[str]] = {}
    for start in depends:
        ways = [[start]]
        seen = {start}
        while ways and start not in found:
            way = ways.pop(0)
            for name in depends.get(way[-1], ()):
                if name == start:
                    found[start] = way
                    break
                if name not in seen:
                    seen.add(name)
                    ways.append([*way, name])
    return found


def _fee(entry: Mapping[str, Any], terms: CityTerms) -> Iterator[Fault]:
    fee = entry.get("fee")
    if not isinstance(fee, str):
        return
    try:
        amount = parse_money(fee, terms.currency)
    except NotPlain as fault:
        yield ("fee",), fault.message, ""
        return
    if not amount:
        return
    if terms.provider is None:
        yield (
            ("fee",),
            _("The city takes no payments, so nobody could pay this fee."),
            _('Write payments with a provider, or fee: "0".'),
        )
    elif amount < terms.least or amount % terms.step:
        yield (
            ("fee",),
            _(
                "%(provider)s cannot charge %(fee)s %(currency)s.",
                provider=terms.provider,
                fee=fee,
                currency=terms.currency,
            ),
            _("The least it takes is %(least)s.", least=terms.said(terms.least)),
        )


def _periods(entry: Mapping[str, Any]) -> Iterator[Fault]:
    result = entry.get("result")
    periods: list[tuple[Place, Any]] = [(("keep",), entry.get("keep"))]
    if isinstance(result, Mapping) and "valid" in result:
        periods.append((("result", "valid"), result["valid"]))
    for place, period in periods:
        if isinstance(period, Mapping) and len(period) != 1:
            yield (
                place,
                _("Write one period, in years, months or days."),
                _("Example: {years: 5}"),
            )


def _paper_outlives(entry: Mapping[str, Any]) -> Iterator[Fault]:
    """A paper that would go with its application while it says that it is valid."""
    result = entry.get("result")
    written: Any = result.get("valid") if isinstance(result, Mapping) else None
    keep, valid = _period(entry.get("keep")), _period(written)
    if keep and valid and not keep.covers(valid):
        ((unit, number),) = written.items()
        yield (
            ("keep",),
            _("The paper would be erased while it says that it is valid (“result.valid”)."),
            _("Write keep: {%(unit)s: %(number)s}, or longer.", unit=unit, number=number),
        )


def _period(value: Any) -> Period | None:
    """A period as written; None for what is none."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return None
    ((unit, number),) = value.items()
    fits = type(number) is int and 0 < number <= LONGEST_PERIOD.get(unit, 0)
    return Period(**{unit: number}) if fits else None


def _result(entry: Mapping[str, Any], asked: list[Asked]) -> Iterator[Fault]:
    result = entry.get("result")
    if not isinstance(result, Mapping):
        return
    if result.get("kind") == ResultKind.NONE:
        for key in ("title", "text", "valid"):
            if key in result:
                yield (
                    ("result", key),
                    _("“%(key)s” has no effect: there is no paper.", key=key),
                    _("Write kind: letter or kind: certificate."),
                )
        return
    text = result.get("text")
    kinds = {field["name"]: _kind(field) for _place, field in asked}
    names = {HOLDER, *(name for name, kind in kinds.items() if kind is None or kind in INSERTABLE)}
    for language, words in (text if isinstance(text, Mapping) else {}).items():
        for name in re.findall(r"\{([^{}]*)\}", str(words)):
            if name in kinds and name not in names:
                yield (
                    ("result", "text", language),
                    _("The answer to “%(name)s” is more than a line.", name=name),
                    _("You can use: %(names)s.", names=", ".join(sorted(names))),
                )
            elif name not in names:
                yield (
                    ("result", "text", language),
                    _("There is no field “%(name)s”.", name=name[:40]),
                    _("You can use: %(names)s.", names=", ".join(sorted(names))),
                )
