"""Sample measures look like those of a city that works."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest

from smartcity_saas.measures.demo import sample_ratings

DAY = date(2026, 11, 29)


@pytest.mark.parametrize("answers", [1, 2, 3, 7, 40])
def test_sample_ratings_are_mostly_good_however_few(answers: int) -> None:
    """Promise: over a month a small service's sample ratings are about as good as a large one's: most
    satisfied, some not, and as many as answered."""
    month: Counter[int] = Counter()
    for back in range(30):
        month += sample_ratings(answers, DAY - timedelta(days=back))
    assert month.total() == 30 * answers
    content = sum(number for level, number in month.items() if level >= 3)
    assert 0.85 <= content / month.total() <= 0.95
    assert min(month) < 3
    assert not sample_ratings(0, DAY)
