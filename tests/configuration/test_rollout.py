"""Many cities from one CSV."""

from __future__ import annotations

import pytest

from smartcity_saas.configuration.rollout import RolloutFailed, read_rows, roll_out
from smartcity_saas.errors import Invalid
from tests.conftest import World

HEADER = "division_code,slug,name_zh,name_en,province_slug,color\n"
GOOD = "330300,wenzhou,温州市,Wenzhou,zhejiang,\n330400,jiaxing,嘉兴市,Jiaxing,zhejiang,#b8232f\n"
BAD = "330500,huzhou,湖州市,Huzhou,zhejiang,#7a7a7a\n,lishui,丽水市,Lishui,zhejiang,\n330900,zhoushan,舟山市,Zhoushan,atlantis,\n330600,wenzhou,绍兴市,Shaoxing,zhejiang,\n"


def roll(world: World, text: str, **options: bool) -> dict[int, str]:
    rows = read_rows(text.encode(), "cities.csv")
    results = list(roll_out(world.documents(), rows, "cities.csv", **options))
    world.app.fleet.refresh()
    return {result.line: result.outcome for result in results}


def test_rows_become_live_cities(world: World) -> None:
    """Each row answers on its own host with its own name, and a second run changes nothing."""
    assert roll(world, HEADER + GOOD) == {2: "live", 3: "live"}
    page = world.client("wenzhou.localhost", "zh").get("/")
    assert page.status_code == 200
    assert "温州市" in page.text
    assert roll(world, HEADER + GOOD) == {2: "same", 3: "same"}
    assert world.documents().live("wenzhou").number == 1


def test_a_bad_row_stops_itself_alone(world: World) -> None:
    """Bad colour, missing code, unknown province, a slug twice: each told, the rest go live."""
    outcomes = roll(world, HEADER + GOOD + BAD)
    assert outcomes == {2: "live", 3: "live", 4: "failed", 5: "failed", 6: "failed", 7: "failed"}
    assert "huzhou" not in world.app.fleet.snapshot.cities


def test_all_or_nothing_stores_nothing(world: World) -> None:
    """One bad row and no row is stored; every fault is told with its line."""
    with pytest.raises(RolloutFailed) as caught:
        roll(world, HEADER + GOOD + BAD, all_or_nothing=True)
    assert {problem.line for problem in caught.value.problems} == {4, 5, 6, 7}
    world.app.fleet.refresh()
    assert "wenzhou" not in world.app.fleet.snapshot.cities


def test_a_live_city_is_not_overwritten(world: World) -> None:
    """A row that says something else than what is live fails; what was edited since stays."""
    line = "330100,hangzhou,杭州,Hangchow,zhejiang,\n"
    assert roll(world, HEADER + line) == {2: "failed"}
    assert world.documents().live("hangzhou").number == 1


@pytest.mark.parametrize(
    "data, said",
    [
        (b"a,b\n1,2\n", "Missing columns"),
        ("division_code\n".encode("utf-16"), "UTF-8"),
        (HEADER.encode() + b"\0", "not a CSV"),
        (b"", "Missing columns"),
    ],
)
def test_an_odd_file_is_refused_whole(data: bytes, said: str) -> None:
    """What is no such CSV is refused with what to do."""
    with pytest.raises(Invalid) as caught:
        read_rows(data, "cities.csv")
    assert said in str(caught.value.problems[0])
