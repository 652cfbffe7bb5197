"""Names as they are compared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity_saas.web.name_folding import folded_name


@pytest.mark.parametrize(
    "one, other",
    [
        ("样例", "样　例"),
        ("样例", " 样 例\u00a0"),
        ("样例\u200b", "样例"),
        ("买买提·吐尔逊", "买买提•吐尔逊"),
        ("买买提·吐尔逊", "买买提・吐尔逊"),
        ("买买提·吐尔逊", "买买提．吐尔逊"),
        ("买买提·吐尔逊", "买买提‧吐尔逊"),
        ("样例（中国）有限公司", "样例(中国)有限公司"),
        ("ＡＢＣ公司", "abc公司"),
        ("José", "Jose\u0301"),
    ],
)
def test_one_name_however_it_is_typed(one: str, other: str) -> None:
    """Padding, width, kinds of the middle dot and of composition make no other person."""
    assert folded_name(one) == folded_name(other)


@pytest.mark.parametrize("one, other", [("样例", "样列"), ("买买提·吐尔逊", "买买提吐尔逊")])
def test_other_names_stay_others(one: str, other: str) -> None:
    """Folding is no guessing."""
    assert folded_name(one) != folded_name(other)


@given(st.text(max_size=20))
def test_folding_again_changes_nothing(text: str) -> None:
    """So a key that is stored can be compared with what was folded just now."""
    once = folded_name(text)
    assert folded_name(once) == once
