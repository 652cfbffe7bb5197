"""Importing many cities on the console."""

from __future__ import annotations

import io

import pytest

from smartcity_saas.configuration.csv_input import MOST_BYTES
from smartcity_saas.configuration.onboarding_csv import read_rows
from tests.support.world import World


def test_a_csv_is_rolled_out_step_by_step(world: World) -> None:
    """The page drives it; each step is safe to repeat; faults are listed by line."""
    admin = world.province_admin()
    page = "/provinces/zhejiang/rollouts"
    rows = "division_code,slug,name_zh,name_en,province_slug\n" + "".join(
        f"33{2000 + n},town-{n},城{n},Town {n},zhejiang\n" for n in range(20)
    )
    rows += "310101,stolen,偷,Stolen,shanghai\n"
    started = admin.post(page, file=(io.BytesIO(rows.encode()), "cities.csv"))
    job = started.headers["Location"]
    shown = admin.get(job).text
    assert "0 of 21" in shown
    assert shown.count("Becomes a draft") == 21  # 20 rows and the sum
    assert "stolen" in shown
    assert "town-0" not in {found.name for found in world.documents().all()}
    for _step in range(4):
        admin.post(f"{job}/step", job)
    # The button is gone when all is done; the last post above had no token and did nothing.
    done = admin.get(job).text
    assert "21 of 21" in done
    assert "0 went live, 20 created as drafts" in done
    failed = admin.get(f"{job}/failed.csv").text.splitlines()
    assert failed[1].startswith("310101,stolen,偷,Stolen,shanghai,")
    again = read_rows("\n".join(failed), "failed.csv")
    assert [row.values["slug"] for row in again] == ["stolen"]
    assert "stolen" in done
    assert "stolen" not in {found.name for found in world.documents().all()}
    assert (
        world.province_admin("shanghai").get(job.replace("zhejiang", "shanghai")).status_code == 404
    )


def test_all_or_nothing_on_the_console_says_that_nothing_was_stored(world: World) -> None:
    """Before the press there is no button; a press all the same stores nothing, and no tick or
    word of done stands on the page."""
    admin = world.province_admin()
    page = "/provinces/zhejiang/rollouts"
    rows = (
        "division_code,slug,name_zh,name_en,province_slug\n"
        "330300,wenzhou,温州市,Wenzhou,zhejiang\n330500x,huzhou,湖州市,Huzhou,zhejiang\n"
    )
    started = admin.post(page, file=(io.BytesIO(rows.encode()), "cities.csv"), all_or_nothing="1")
    job = started.headers["Location"]
    shown = admin.get(job).text
    assert "Nothing can be saved" in shown
    assert f"{job}/step" not in shown
    admin.post(f"{job}/step", page)
    done = admin.get(job).text
    assert "Nothing was saved: you chose all or nothing" in done
    assert "Done." not in done
    assert "went live" not in done
    assert "wenzhou" not in {found.name for found in world.documents().all()}


def test_the_template_holds_the_cities_that_are_not_there(world: World) -> None:
    """It can be sent as it is: every row becomes a draft."""
    admin = world.province_admin()
    page = "/provinces/zhejiang/rollouts"
    template = admin.get(f"{page}/template.csv").get_data()
    rows = read_rows(template.decode("utf-8-sig"), "zhejiang.csv")
    assert len(rows) == 9
    assert not {"hangzhou", "ningbo"} & {row.values["slug"] for row in rows}
    job = admin.post(page, file=(io.BytesIO(template), "z.csv")).headers["Location"]
    admin.post(f"{job}/step", job)
    assert "0 went live, 9 created as drafts" in admin.get(job).text


@pytest.mark.parametrize(
    ("codec", "said"), [("utf-8", "UTF-8"), ("gb18030", "GB 18030"), ("utf-16", "UTF-16")]
)
def test_the_page_says_how_a_roll_out_was_read(world: World, codec: str, said: str) -> None:
    """The encoding that was found and the columns that nobody reads, as the command says them;
    names come through in each."""
    admin = world.province_admin()
    page = "/provinces/zhejiang/rollouts"
    rows = (
        "division_code,slug,name_zh,name_en,province_slug,colour\n"
        "330300,wenzhou,温州市,Wenzhou,zhejiang,#112233\n"
    )
    job = admin.post(page, file=(io.BytesIO(rows.encode(codec)), "c.csv")).headers["Location"]
    shown = admin.get(job).text
    assert f"Read as {said}." in shown
    assert "Columns not read: colour." in shown
    admin.post(f"{job}/step", job)
    assert world.documents().live("wenzhou").values["name"]["zh"] == "温州市"


def test_a_file_that_grows_as_it_is_kept_goes_on(world: World) -> None:
    """What was taken in is not measured again: as UTF-8 a file of GB 18030 may be half as large
    again, and no step would be made."""
    admin = world.province_admin()
    page = "/provinces/zhejiang/rollouts"
    note = "注" * 100_000
    rows = (
        "division_code,slug,name_zh,name_en,province_slug,note\n"
        f"330300,wenzhou,温州市,Wenzhou,zhejiang,{note}\n"
        + f"330500,huzhou,湖州市,Huzhou,zhejiang,{note}\n"
        * 14
    )
    sent = rows.encode("gb18030")
    assert len(sent) < MOST_BYTES < len(rows.encode())
    job = admin.post(page, file=(io.BytesIO(sent), "c.csv")).headers["Location"]
    assert admin.get(job).status_code == 200
    admin.post(f"{job}/step", job)
    assert world.documents().live("wenzhou").values["name"]["zh"] == "温州市"
