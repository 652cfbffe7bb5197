"""Editions of GB/T 33356: what was read, what was not, and files with faults."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from smartcity_saas.app import create_app
from smartcity_saas.errors import Invalid, SettingsError
from smartcity_saas.scorecard.edition_files import FOLDER, load_editions, read_edition
from smartcity_saas.scorecard.figures import FIGURES
from smartcity_saas.scorecard.standard import TOTAL, Counts
from smartcity_saas.settings import Settings
from tests.support.scorecard import KEY, WHOLE, edition

EDITIONS = load_editions(Path("nowhere"), FIGURES)


@pytest.mark.parametrize(
    ("key", "counts"),
    [("gbt_33356_2016", Counts(8, 21, 54)), ("gbt_33356_2022", Counts(9, 29, 62))],
)
def test_what_is_listed_and_what_was_not_read_are_all_there_are(key: str, counts: Counts) -> None:
    """Promise: an edition has the standard's own counts; what could not be read is counted."""
    found = EDITIONS[key]
    listed, unread = found.listed, found.unread
    assert found.counts == counts
    assert listed.items + unread.items == counts.items
    assert min(unread.indicators, unread.sub_indicators, unread.items) >= 0
    assert found.verified_points <= TOTAL


def test_what_counts_of_2016_is_what_was_read() -> None:
    """Promise: no weight or formula is made up. Whoever adds one names here what was read."""
    found = EDITIONS["gbt_33356_2016"]
    assert [item.number for item in found.items if item.is_verified] == ["L1P1-A1"]
    weights = {sub.number: sub.weight for one in found.indicators for sub in one.sub_indicators}
    assert weights == {
        "L1P1": 8,
        "L1P2": 3,
        "L1P3": 3,
        "L1P4": 3,
        "L1P5": 3,
        "L1P6": 3,
        "L1P7": 7,
        "L1P8": 5,
        "L2P1": None,
        "L2P2": None,
    }
    heads = {one.number: one.weight for one in found.indicators}
    assert list(heads) == [f"L{number}" for number in range(1, 9)]
    assert list(heads.values()) == [37, 9, 8, 7, 7, 8, 4, 20]
    assert len(found.unverified) == 26
    assert found.unread.items == 27
    booking = found.item("L1P4-A2")
    assert booking is not None
    assert booking.computed_by == "hospital_booking"


def test_a_complete_edition_comes_to_100() -> None:
    """Promise: the points of all items are the total, none lost by rounding."""
    whole = edition()
    assert whole.verified_points == TOTAL
    assert not whole.unverified
    assert whole.item("L2P1-A1").points == Decimal("20.2")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("weight: 25\n", "weight: 125\n", 22, "A weight is above 0"),
        ("weight: 25\n", "weight: 0\n", 22, "A weight is above 0"),
        ("weight: 25\n", 'weight: "25"\n', 22, "This must be a number"),
        ("weight: 25\n", "weight: true\n", 22, "This must be a number"),
        ("weight: 25\n", "weight: 25.00001\n", 22, "four decimals"),
        ("weight: 75\n", "weight: 76\n", 27, "come to 101, more than 100"),
        ("weight: 75\n", "weight: 74\n", 9, "come to 99.4"),
        ("number: L1P1-A2", "number: L2P1-A2", 25, "does not stand under L1P1"),
        ("number: L2P1-A2", "number: L2P1-A1", 46, "stands here twice"),
        ("number: L2P1-A2", "number: L2P1A2", 46, "like L1P4-A2"),
        ("items: 4", "items: 3", 4, "More are listed"),
        ("computed_by: services_offered", "computed_by: magic", 29, "Enter one of: hospital"),
        ("edition: gbt_33356_2016", "edition: gbt_33356_2022", 1, "another edition"),
    ],
)
def test_a_fault_is_told_with_its_line(old: str, new: str, line: int, message: str) -> None:
    """Promise: an impossible weight, or a number that fits nowhere, is refused where it stands."""
    text = WHOLE.replace(old, new)
    with pytest.raises(Invalid) as refused:
        read_edition(text.encode(), "own.yaml", FIGURES, KEY)
    told = [(found.line, str(found)) for found in refused.value.problems]
    assert any(at == line and message in words for at, words in told), told


def test_an_installations_own_file_wins(tmp_path: Path) -> None:
    """Promise: whoever holds the text completes an edition without touching the product."""
    folder = tmp_path / FOLDER
    folder.mkdir(parents=True)
    (folder / f"{KEY}.yaml").write_text(WHOLE, "utf-8")
    found = load_editions(tmp_path, FIGURES)
    assert found[KEY].counts.items == 4
    assert found["gbt_33356_2022"].counts.items == 62


def test_a_faulty_file_of_an_installation_stops_the_start(tmp_path: Path) -> None:
    """Promise: nobody is scored by half a file; the message says where the fault stands."""
    folder = tmp_path / FOLDER
    folder.mkdir(parents=True)
    text = WHOLE.replace("weight: 25\n", "weight: 250\n")
    (folder / f"{KEY}.yaml").write_text(text, "utf-8")
    with pytest.raises(SettingsError, match=rf"{FOLDER}/{KEY}\.yaml:22:\d+: .*above 0"):
        create_app(Settings(demo=True, config_root=tmp_path, testing=True), serving=False)
