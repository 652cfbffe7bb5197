"""Token buckets admit what they promise and never more."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smartcity_saas.token_buckets import TokenBuckets


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@given(
    rate=st.floats(0.01, 500),
    burst=st.floats(1, 100),
    pauses=st.lists(st.floats(0, 30), min_size=1, max_size=60),
)
def test_never_more_than_the_burst_and_what_came_back(
    rate: float, burst: float, pauses: list[float]
) -> None:
    """However it is asked: no window holds more than a full bucket and the rate's tokens."""
    clock = Clock()
    buckets = TokenBuckets(clock)
    admitted = 0
    for pause in pauses:
        clock.now += pause
        admitted += buckets.take("a", rate, burst) == 0
        assert admitted <= burst + rate * (clock.now - 1000.0) + 1e-6


@given(rate=st.floats(0.01, 500), burst=st.floats(1, 20))
def test_whoever_waits_as_long_as_told_is_admitted(rate: float, burst: float) -> None:
    """The wait of a refusal is enough, and half of it is not."""
    clock = Clock()
    buckets = TokenBuckets(clock)
    while not (wait := buckets.take("a", rate, burst)):
        pass
    clock.now += wait / 2
    assert buckets.take("a", rate, burst) > 0
    clock.now += wait / 2 + 1e-6
    assert buckets.take("a", rate, burst) == 0


def test_buckets_are_apart() -> None:
    """One key's use takes nothing from another's."""
    buckets = TokenBuckets(Clock())
    assert buckets.take("a", 1, 1) == 0
    assert buckets.take("a", 1, 1) > 0
    assert buckets.take("b", 1, 1) == 0
