"""What entries are worth by a city's rules: pure, so that the same inputs give the same level.

Every rule adds; none subtracts, and none looks at who somebody is. An entry that is missing can
therefore only leave a resident where somebody who never joined stands.

Personal Information Protection Law, article 24: a decision that is made automatically is transparent
and its results are fair, and whoever it is about may have it explained. State Council 国办发〔2020〕49号
(read in its opening and principles; the rest in reports of the press): credit is not stretched beyond
what it is defined for, so sources are named one by one, and none of them is about who somebody is.
"""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True)
class SourceRule:
    """What the entries of one source add.

    Attributes:
        adds: Points for every ``per`` of what is counted, at least 1.
        per: How many acts, hours or whatever the source counts make that up, at least 1.
        cap: The most points that the source adds.
        months: Calendar months after which an entry counts no longer.
    """

    source: str
    adds: int
    cap: int
    months: int
    per: int = 1


@dataclass(frozen=True)
class LevelRule:
    """A level and the points from which it begins; the lowest begins at 0."""

    name: str
    at_least: int


@dataclass(frozen=True)
class Rules:
    """A city's rules: sources by name, levels from the lowest to the highest."""

    sources: Mapping[str, SourceRule]
    levels: tuple[LevelRule, ...]


@dataclass(frozen=True)
class Record:
    """One thing that was done: what it is, how often or how much, on which day of the city."""

    source: str
    quantity: int
    day: date


@dataclass(frozen=True)
class Term:
    """One line of the sum: a source, what was counted, and what it adds.

    ``until`` is the first day on which it may add less, None where nothing counts.
    """

    source: str
    counted: int
    adds: int
    full: bool
    until: date | None


@dataclass(frozen=True)
class Standing:
    """A resident's level with the sum that it follows from."""

    level: LevelRule
    points: int
    terms: tuple[Term, ...]
    next_level: LevelRule | None
    next_steps: tuple[Term, ...]
    """What would reach the next level, for each source that alone could: how many more are to be
    counted, and what they would add."""


def last_day(day: date, months: int) -> date:
    """The day on which an entry counts for the last time: the same day of the month so many months
    later, or the month's last where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    length = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, length))


def first_day(today: date, months: int) -> date:
    """The first day whose entries still count on a day, where they count for so many months."""
    year, month = divmod(today.year * 12 + today.month - 1 - months, 12)
    day = date(year, month + 1, min(today.day, calendar.monthrange(year, month + 1)[1]))
    while last_day(day, months) < today:
        day += timedelta(days=1)
    while last_day(day - timedelta(days=1), months) >= today:
        day -= timedelta(days=1)
    return day


def counts_on(record: Record, rules: Rules, today: date) -> bool:
    """Whether an entry counts on a day of the city: its rule exists, and it has not expired."""
    rule = rules.sources.get(record.source)
    return rule is not None and today <= last_day(record.day, rule.months)


def standing(records: Iterable[Record], rules: Rules, today: date) -> Standing:
    """The level that entries give on a day of the city, in whatever order they come."""
    counted: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        if counts_on(record, rules, today):
            counted[record.source].append(record)
    terms = tuple(_term(rule, counted[name]) for name, rule in rules.sources.items())
    points = sum(term.adds for term in terms)
    reached = [level for level in rules.levels if level.at_least <= points]
    level = reached[-1] if reached else rules.levels[0]
    following = next((one for one in rules.levels if one.at_least > points), None)
    steps = steps_to(following, terms, rules) if following is not None else ()
    return Standing(level, points, terms, following, steps)


def reaches(found: Standing, level: str, rules: Rules) -> bool:
    """Whether a standing is at a level or above it."""
    order = [one.name for one in rules.levels]
    return order.index(found.level.name) >= order.index(level)


def steps_to(level: LevelRule, terms: Collection[Term], rules: Rules) -> tuple[Term, ...]:
    """For each source that alone could close the gap to a level, how much more it takes, given the
    lines of the sum; nothing for a level that is reached."""
    missing = level.at_least - sum(term.adds for term in terms)
    if missing <= 0:
        return ()
    steps = []
    for term in terms:
        rule = rules.sources[term.source]
        wanted = term.adds + missing
        if wanted <= rule.cap:
            times = -(-wanted // rule.adds)
            more = times * rule.per - term.counted
            steps.append(Term(term.source, more, missing, wanted == rule.cap, None))
    return tuple(steps)


def lapses(records: Collection[Record], rules: Rules, today: date, since: date) -> dict[str, date]:
    """The levels that entries gave on some day from ``since`` on and do not give today, each with
    the last of those days."""
    points = standing(records, rules, today).points
    ends = sorted(
        {
            last
            for record in records
            if (rule := rules.sources.get(record.source)) is not None
            and since <= (last := last_day(record.day, rule.months)) < today
        }
    )
    found: dict[str, date] = {}
    for day in ends:
        then = standing((one for one in records if one.day <= day), rules, day).points
        found |= {one.name: day for one in rules.levels if points < one.at_least <= then}
    return found


def _term(rule: SourceRule, records: Collection[Record]) -> Term:
    counted = sum(record.quantity for record in records)
    adds = min(rule.cap, counted // rule.per * rule.adds)
    until = min((last_day(record.day, rule.months) for record in records), default=None)
    return Term(rule.source, counted, adds, adds == rule.cap, until)
