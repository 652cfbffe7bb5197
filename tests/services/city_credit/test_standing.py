"""The level that entries give by a city's rules."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity_saas.services.city_credit.standing import (
    LevelRule,
    Record,
    Rules,
    SourceRule,
    first_day,
    lapses,
    last_day,
    reaches,
    standing,
    steps_to,
)

TODAY = date(2026, 11, 29)
NAMES = ("bills", "visits", "hours")

rules_of_a_city = st.builds(
    lambda sources, steps: Rules(
        {rule.source: rule for rule in sources},
        (LevelRule("start", 0), *(LevelRule(f"level{at}", at) for at in sorted(steps))),
    ),
    st.tuples(
        *(
            st.builds(
                SourceRule,
                st.just(name),
                adds=st.integers(1, 30),
                cap=st.integers(1, 60),
                months=st.integers(1, 60),
                per=st.integers(1, 5),
            )
            for name in NAMES
        )
    ),
    st.sets(st.integers(1, 120), min_size=1, max_size=3),
)
record = st.builds(
    Record,
    st.sampled_from((*NAMES, "unknown")),
    st.integers(1, 10),
    st.dates(date(2020, 1, 1), TODAY),
)
records = st.lists(record, max_size=12)


@given(rules_of_a_city, records, record)
def test_another_entry_never_lowers(rules: Rules, found: list[Record], more: Record) -> None:
    """Promise: only things are added. One entry more leaves the points, the level and every line of
    the sum where they were, or higher."""
    before, after = standing(found, rules, TODAY), standing([*found, more], rules, TODAY)
    assert after.points >= before.points
    assert reaches(after, before.level.name, rules)
    assert all(a.adds >= b.adds for a, b in zip(after.terms, before.terms, strict=True))


@given(rules_of_a_city, records, st.randoms())
def test_the_order_does_not_matter(rules: Rules, found: list[Record], chance: object) -> None:
    """Promise: the same entries give the same level, in whatever order they came."""
    mixed = list(found)
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    assert standing(mixed, rules, TODAY) == standing(found, rules, TODAY)


@given(rules_of_a_city, records)
def test_the_points_are_the_sum_that_is_shown(rules: Rules, found: list[Record]) -> None:
    """Promise: explained to the last entry. The sum has nothing that no line says, no line passes
    its cap, and nobody stands below who has no entry at all."""
    made = standing(found, rules, TODAY)
    assert made.points == sum(term.adds for term in made.terms)
    assert all(0 <= term.adds <= rules.sources[term.source].cap for term in made.terms)
    assert reaches(made, standing([], rules, TODAY).level.name, rules)


@given(rules_of_a_city, records)
def test_what_would_change_it_changes_it(rules: Rules, found: list[Record]) -> None:
    """Promise: each line of “what would change it” is true: so many more of it, done today, reach
    the next level, and one less does not."""
    made = standing(found, rules, TODAY)
    for step in made.next_steps:
        assert made.next_level is not None
        assert step.counted >= 1
        enough = [*found, Record(step.source, step.counted, TODAY)]
        assert standing(enough, rules, TODAY).points >= made.next_level.at_least
        if step.counted > 1:
            short = [*found, Record(step.source, step.counted - 1, TODAY)]
            assert standing(short, rules, TODAY).points < made.next_level.at_least


@given(rules_of_a_city, record)
def test_an_entry_expires_to_the_day(rules: Rules, one: Record) -> None:
    """Promise: an entry counts on its last day, and not on the next."""
    rule = rules.sources.get(one.source)
    if rule is None:
        assert standing([one], rules, one.day).points == 0
        return
    last = last_day(one.day, rule.months)
    worth = standing([one], rules, one.day).points
    assert standing([one], rules, last).points == worth
    assert standing([one], rules, last + timedelta(days=1)).points == 0


@given(st.dates(date(2020, 1, 1), date(2030, 12, 31)), st.integers(1, 120))
def test_the_first_day_that_counts_is_the_first(today: date, months: int) -> None:
    """Promise: what is swept by its day is what counts no longer, to the day."""
    first = first_day(today, months)
    assert last_day(first, months) >= today
    assert last_day(first - timedelta(days=1), months) < today


@given(rules_of_a_city, records)
def test_a_level_that_lapsed_was_held_on_that_day_and_is_not_now(
    rules: Rules, found: list[Record]
) -> None:
    """Promise: what is said of a level that one had is true of the day that is named, and false of
    today; without an expiry nothing has lapsed."""
    since = TODAY - timedelta(days=90)
    lapsed = lapses(found, rules, TODAY, since)
    now = standing(found, rules, TODAY)
    for name, day in lapsed.items():
        assert since <= day < TODAY
        then = standing([one for one in found if one.day <= day], rules, day)
        assert reaches(then, name, rules)
        assert not reaches(now, name, rules)
    fresh = [one for one in found if one.day == TODAY]
    assert lapses(fresh, rules, TODAY, since) == {}


@given(rules_of_a_city, records)
def test_steps_to_any_level_lead_there(rules: Rules, found: list[Record]) -> None:
    """Promise: what brings a level back does, whichever it is, and a reached one needs nothing."""
    made = standing(found, rules, TODAY)
    for level in rules.levels:
        steps = steps_to(level, made.terms, rules)
        if level.at_least <= made.points:
            assert steps == ()
        for step in steps:
            enough = [*found, Record(step.source, step.counted, TODAY)]
            assert reaches(standing(enough, rules, TODAY), level.name, rules)


@pytest.mark.parametrize(
    ("day", "months", "last"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2026, 11, 29), 12, date(2027, 11, 29)),
        (date(2026, 12, 31), 2, date(2027, 2, 28)),
    ],
)
def test_months_end_where_the_calendar_ends(day: date, months: int, last: date) -> None:
    """Promise: a month is the calendar's, also where the next one is shorter."""
    assert last_day(day, months) == last
