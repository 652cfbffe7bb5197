"""Many cities from one CSV."""

from __future__ import annotations

import pytest

from smartcity_saas.configuration import onboarding_csv
from smartcity_saas.configuration.onboarding_csv import (
    RollOut,
    RolloutFailed,
    read_rows,
    read_table,
    roll_out,
)
from smartcity_saas.configuration.onboarding_rows import province_candidate
from smartcity_saas.database import db
from smartcity_saas.errors import Invalid
from tests.support.documents import ZHEJIANG
from tests.support.world import World

HEADER = "division_code,slug,name_zh,name_en,province_slug,color\n"
GOOD = "330300,wenzhou,温州市,Wenzhou,zhejiang,\n330400,jiaxing,嘉兴市,Jiaxing,zhejiang,#b8232f\n"
BAD = "330500,huzhou,湖州市,Huzhou,zhejiang,#7a7a7a\n,lishui,丽水市,Lishui,zhejiang,\n330900,zhoushan,舟山市,Zhoushan,atlantis,\n330600,wenzhou,绍兴市,Shaoxing,zhejiang,\n"


def roll(world: World, text: str, **options: bool) -> dict[int, str]:
    rows = read_rows(text, "cities.csv")
    results = list(roll_out(world.documents(), rows, "cities.csv", **options))
    world.app.registry.refresh()
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
    assert "huzhou" not in world.app.registry.snapshot.cities


@pytest.mark.parametrize("at", [0, 1, 6, 11])
def test_rows_that_are_stored_at_once_fail_alone(world: World, at: int) -> None:
    """Of a dozen rows in one transaction, one whose fault is seen only beside what is live or beside
    another row stops itself alone, wherever it stands; each other city's history names its line."""
    faults = ("330100,other,外,Other", "339800,other,外,Other", "440100,other,外,Other")
    for turn, fault in enumerate(faults, 97):
        rows = [f"33{turn}{n:02d},town-{turn}-{n},城{n},Town {n},zhejiang," for n in range(11)]
        place = max(at, 1) if turn == 98 else at  # the second has the code of the row before it
        rows.insert(place, f"{fault},zhejiang,")
        outcomes = roll(world, HEADER + "\n".join(rows))
        assert list(outcomes) == list(range(2, 14))
        assert [line for line, outcome in outcomes.items() if outcome == "failed"] == [place + 2]
        last = world.documents().history(f"town-{turn}-10")[0]
        assert last.message == f"rollout of cities.csv, line {13 - (place == 11)}"
    assert not list(world.documents().named(["other"]))


def test_rows_are_stored_some_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed in the middle, what was told is stored and nothing by halves: results come as their
    rows are committed, some at a time."""
    monkeypatch.setattr(onboarding_csv, "AT_ONCE", 2)
    rows = read_rows(HEADER + GOOD + "330500,huzhou,湖州市,Huzhou,zhejiang,\n", "cities.csv")
    done = RollOut(world.documents(), rows, "cities.csv").one_by_one()
    assert next(done).slug == "wenzhou"
    db.session.rollback()
    stored = {one.name for one in world.documents().named(["wenzhou", "jiaxing", "huzhou"])}
    assert stored == {"wenzhou", "jiaxing"}
    assert [one.slug for one in done] == ["jiaxing", "huzhou"]


def test_all_or_nothing_stores_nothing(world: World) -> None:
    """One bad row and no row is stored; every fault is told with its line."""
    with pytest.raises(RolloutFailed) as caught:
        roll(world, HEADER + GOOD + BAD, all_or_nothing=True)
    assert {problem.line for problem in caught.value.problems} == {4, 5, 6, 7}
    world.app.registry.refresh()
    assert "wenzhou" not in world.app.registry.snapshot.cities


ZHOUSHAN = "330900,zhoushan,舟山市,Zhoushan,zhejiang,"
STATES = HEADER.replace("\n", ",state\n")


def test_every_column_of_a_row_is_compared(world: World) -> None:
    """A draft is counted as one; what a later row says of it is taken, colour, name and state;
    then it is as the file says. Column by column."""
    assert roll(world, STATES + ZHOUSHAN + "#0b6e4f,draft\n") == {2: "draft"}
    assert roll(world, STATES + ZHOUSHAN + "#0B6E4F,draft\n") == {2: "same"}
    assert roll(world, STATES + ZHOUSHAN + ",\n") == {2: "same"}
    assert world.documents().live("zhoushan").values["state"] == "draft"
    assert roll(world, STATES + ZHOUSHAN + "#8b1a1b,draft\n") == {2: "changed"}
    renamed = ZHOUSHAN.replace("Zhoushan", "Zhoushan Islands")
    assert roll(world, STATES + renamed + "#8b1a1b,live\n") == {2: "live"}
    values = world.documents().live("zhoushan").values
    assert (values["state"], values["branding"]["color"]) == ("live", "#8b1a1b")
    assert values["name"] == {"zh": "舟山市", "en": "Zhoushan Islands"}
    assert roll(world, STATES + renamed + "#8b1a1b,live\n") == {2: "same"}


@pytest.mark.parametrize(
    "column, row",
    [
        ("color", ZHOUSHAN + "#8b1a1b,live\n"),
        ("state", ZHOUSHAN + "#0b6e4f,draft\n"),
        ("state", ZHOUSHAN + "#0b6e4f,suspended\n"),
        ("name_zh", ZHOUSHAN.replace("舟山市", "舟山") + "#0b6e4f,live\n"),
        ("name_en", ZHOUSHAN.replace("Zhoushan", "Zhou Shan") + "#0b6e4f,live\n"),
        ("division_code", ZHOUSHAN.replace("330900", "330901") + "#0b6e4f,live\n"),
    ],
)
def test_a_live_city_that_differs_is_named_by_column(world: World, column: str, row: str) -> None:
    """“Already as the file says” is said only where it is: nothing of a live city is overwritten
    by a roll-out, and the column that differs is told with both values."""
    assert roll(world, STATES + ZHOUSHAN + "#0b6e4f,live\n") == {2: "live"}
    rows = read_rows(STATES + row, "cities.csv")
    for results in (
        list(roll_out(world.documents(), rows, "cities.csv")),
        list(RollOut(world.documents(), rows, "cities.csv").look()),
    ):
        assert [(one.outcome, [p.pointer for p in one.problems]) for one in results] == [
            ("failed", [f"/2/{column}"])
        ]
    assert world.documents().live("zhoushan").number == 1


def test_what_is_looked_at_is_what_is_done(world: World) -> None:
    """Looking stores nothing, and tells of each row what doing it then does."""
    world.save(ZHEJIANG.replace("浙江省", "浙江"), 1)
    text = STATES + "".join(
        f"{line},{state}\n"
        for line, state in zip(
            (*GOOD.splitlines(), *BAD.splitlines(), "330800,quzhou,衢州市,Quzhou,zhejiang,"),
            ("", "draft", *("live",) * 5),
            strict=True,
        )
    )
    rows = read_rows(text, "cities.csv")
    for default in ("draft", "live"):
        looked = list(RollOut(world.documents(), rows, "cities.csv", state=default).look())
        if default == "draft":
            assert "wenzhou" not in {found.name for found in world.documents().all()}
    done = list(roll_out(world.documents(), rows, "cities.csv"))
    assert [(one.line, one.outcome) for one in looked] == [(one.line, one.outcome) for one in done]
    assert [one.outcome for one in done] == ["live", "draft", *("failed",) * 4, "live"]


FUJIAN = (
    "division_code,slug,name_zh,name_en,province_slug,province_code,province_zh,province_en\n"
    "350100,fuzhou-fujian,福州市,Fuzhou,fujian,350000,福建省,Fujian\n"
)


@pytest.mark.parametrize("row", ["350200x,xiamen,厦门市,Xiamen", "350200,xiamen,厦门市,"])
def test_a_baseline_is_stored_with_a_city_or_not_at_all(world: World, row: str) -> None:
    """All or nothing leaves no new province behind; row by row a province whose rows all fail
    leaves none either."""
    text = FUJIAN + row + ",fujian,350000,福建省,Fujian\n"
    rows = read_rows(text, "cities.csv")
    brought = [province_candidate("fujian", rows)]
    with pytest.raises(RolloutFailed):
        list(roll_out(world.documents(), rows, "x", all_or_nothing=True, baselines=brought))
    assert not list(world.documents().named(["province:fujian", "fuzhou-fujian"]))
    assert [one.outcome for one in roll_out(world.documents(), rows[1:], "x", baselines=brought)]
    assert not list(world.documents().named(["province:fujian"]))
    done = [one.outcome for one in roll_out(world.documents(), rows, "x", baselines=brought)]
    assert done == ["live", "failed"]
    assert world.documents().live("province:fujian").division_code == "350000"


def test_a_wrong_province_fails_its_row_and_never_becomes_the_baseline(world: World) -> None:
    """Neither the first nor the last row decides what a province's code is: the official list
    does, or what is stored; a name that nothing takes is told."""
    text = (
        FUJIAN.splitlines()[0] + "\n"
        "440200,shaoguan,韶关市,Shaoguan,guangdong,999999,错,Wrong\n"
        "440100,guangzhou,广州市,Guangzhou,guangdong,440000,错,Guangdong\n"
    )
    rows = read_rows(text, "cities.csv")
    brought = [province_candidate("guangdong", rows)]
    done = list(roll_out(world.documents(), rows, "cities.csv", baselines=brought))
    assert [one.outcome for one in done] == ["failed", "live"]
    assert "999999 is not the code of guangdong" in str(done[0].problems[0])
    assert world.documents().live("province:guangdong").division_code == "440000"


def test_a_live_city_is_not_overwritten(world: World) -> None:
    """A row that says something else than what is live fails; what was edited since stays."""
    line = "330100,hangzhou,杭州,Hangchow,zhejiang,\n"
    assert roll(world, HEADER + line) == {2: "failed"}
    assert world.documents().live("hangzhou").number == 1


@pytest.mark.parametrize(
    "data, said",
    [
        (b"a,b\n1,2\n", "Missing columns"),
        (HEADER.encode("utf-32"), "UTF-32"),
        (HEADER.encode() + b"\0", "not a CSV"),
        (b"", "Missing columns"),
    ],
)
def test_an_odd_file_is_refused_whole(data: bytes, said: str) -> None:
    """What is no such CSV is refused with what to do."""
    with pytest.raises(Invalid) as caught:
        read_table(data, "cities.csv")
    assert said in str(caught.value.problems[0])


def test_a_row_beyond_the_header_fails_by_itself(world: World) -> None:
    """And one that ends early; the others go on, in whatever encoding they were saved."""
    text = HEADER + GOOD + "330500,huzhou,湖州市,Huzhou,zhejiang,,x\n330600,shaoxing\n,,,,,\n"
    for encoding in ("gb18030", "utf-16"):
        rows = read_table(text.encode(encoding), "cities.csv").lines
        results = list(roll_out(world.documents(), rows, "cities.csv"))
        assert [one.line for one in results if one.outcome == "failed"] == [4, 5]
        assert [one.line for one in results if one.outcome != "failed"] == [2, 3]
