"""Drawings as data: what a template draws stands where it should."""

from __future__ import annotations

from smartcity_saas.web.charts import share_chart


def test_a_share_stands_against_its_limit() -> None:
    """The limit's line is always in the drawing, whatever is beyond it; a day of which nothing is known
    is a gap up to the line, and none is no bar."""
    chart = share_chart([0, 50, 100, 220, None])
    none, half, reached, beyond, gap = chart.bars
    assert (none.height, none.beyond) == (0, False)
    assert (half.beyond, reached.beyond, beyond.beyond) == (False, True, True)
    assert reached.y == gap.y == chart.limit
    assert gap.percent is None
    assert beyond.y < chart.limit < half.y < chart.base
    assert abs(half.height * 2 - reached.height) < 0.2
    assert share_chart([3]).limit < 20
