"""The population in a city's document, by which comparisons divide."""

from __future__ import annotations

import pytest

from smartcity_saas.configuration.validation import Candidate
from smartcity_saas.configuration.yaml_source import parse
from tests.support.documents import HANGZHOU
from tests.support.world import World


def test_a_population_says_its_year_and_source(world: World) -> None:
    """Taken whole; a city without one has none."""
    assert world.city("hangzhou").residents is None
    world.save(HANGZHOU + "population: {residents: 12624000, as_of: 2024, source: Yearbook}\n")
    assert world.city("hangzhou").residents == 12_624_000


@pytest.mark.parametrize(
    ("written", "pointer"),
    [
        ('{residents: "1262", as_of: 2024, source: Yearbook}', "/population/residents"),
        ("{residents: 12, as_of: 2024, source: Yearbook}", "/population/residents"),
        ("{residents: 12624000, as_of: 24, source: Yearbook}", "/population/as_of"),
        ("{residents: 12624000, as_of: 2024}", "/population"),
        ("{residents: 12624000, as_of: 2024, source: Yearbook, growth: 1}", "/population"),
    ],
)
def test_a_faulty_population_is_refused_where_it_stands(
    world: World, written: str, pointer: str
) -> None:
    """In ten thousands, out of any range, without its source, or with more: each at its own line."""
    text = f"{HANGZHOU}population: {written}\n"
    (found,) = world.documents().problems([Candidate(parse(text, "hangzhou"))])
    assert found.pointer.startswith(pointer)
    assert found.line == len(text.splitlines())
