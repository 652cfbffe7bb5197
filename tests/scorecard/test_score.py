"""The total is a range: properties that hold whatever is known."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity_saas.scorecard.score import Origin, Reached, score
from smartcity_saas.scorecard.standard import TOTAL
from tests.support.scorecard import WHOLE, edition

FULL = edition()
HALF = edition(WHOLE.replace("            formula: 甲 ÷ 乙 × 100\n", ""))
NUMBERS = [item.number for item in FULL.items]
SHARES = st.integers(0, 10_000).map(lambda number: Decimal(number) / 10_000)
KNOWN = st.dictionaries(
    st.sampled_from(NUMBERS), st.builds(Reached, SHARES, st.sampled_from(Origin))
)


@given(KNOWN)
def test_the_parts_come_to_100(known: dict[str, Reached]) -> None:
    """Promise: computed, by hand, missing and not reached are all points there are, of the whole
    and of each indicator."""
    for whole in (FULL, HALF):
        found = score(whole, known)
        assert found.points.total == TOTAL
        assert 0 <= found.points.low <= found.points.high <= TOTAL
        for one in whole.indicators:
            assert found.indicators[one.number].total == one.weight
        assert sum(part.low for part in found.indicators.values()) == found.points.low
        assert sum(part.missing for part in found.indicators.values()) == found.points.missing
        tally = found.tally
        assert tally.computed + tally.by_hand + tally.missing == whole.counts.items


@given(KNOWN, st.sampled_from(NUMBERS), SHARES)
def test_knowing_more_never_widens_the_range(
    known: dict[str, Reached], number: str, share: Decimal
) -> None:
    """Promise: a figure that was missing can only raise the lower end and lower the upper one."""
    before = {key: value for key, value in known.items() if key != number}
    less = score(FULL, before).points
    more = score(FULL, {**before, number: Reached(share, Origin.BY_HAND)}).points
    assert less.low <= more.low
    assert more.high <= less.high
    assert more.missing < less.missing


@given(KNOWN, st.sampled_from(NUMBERS), SHARES, SHARES)
def test_a_better_figure_never_scores_less(
    known: dict[str, Reached], number: str, one: Decimal, other: Decimal
) -> None:
    """Promise: the score rises with what it is made of."""
    worse, better = sorted((one, other))
    low, high = (
        score(FULL, {**known, number: Reached(share, Origin.COMPUTED)}).points.low
        for share in (worse, better)
    )
    assert low <= high


@given(
    st.fixed_dictionaries({n: st.builds(Reached, SHARES, st.just(Origin.BY_HAND)) for n in NUMBERS})
)
def test_where_all_is_known_there_is_one_number(known: dict[str, Reached]) -> None:
    """Promise: nothing missing, no range."""
    points = score(FULL, known).points
    assert points.low == points.high
    assert points.missing == 0


def test_an_item_that_was_not_verified_counts_as_missing() -> None:
    """Promise: a value beside an item whose formula was not read gives no points."""
    everything = {number: Reached(Decimal(1), Origin.BY_HAND) for number in NUMBERS}
    found = score(HALF, {**everything, "L9P9-A9": Reached(Decimal(1), Origin.BY_HAND)})
    assert "L1P1-A1" not in found.counted
    assert found.points.missing == 15
    assert found.points.low == 85


def test_scores_are_rounded_half_up_to_two_decimals() -> None:
    """Promise: two decimals, as the general part of the edition of 2016 says."""
    found = score(FULL, {"L2P1-A1": Reached(Decimal("0.3337"), Origin.COMPUTED)})
    assert found.counted == {"L2P1-A1": Decimal("6.74")}


@pytest.mark.parametrize("share", ["-0.01", "1.01"])
def test_a_share_beyond_its_bounds_is_a_fault(share: str) -> None:
    """Promise: more than all is never scored."""
    with pytest.raises(ValueError, match="between 0 and 1"):
        Reached(Decimal(share), Origin.BY_HAND)
