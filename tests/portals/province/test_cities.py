"""The cities of a province on the console."""

from __future__ import annotations

import io

from smartcity_saas.audit import Actor
from smartcity_saas.configuration.validation import Candidate
from smartcity_saas.configuration.yaml_source import parse
from tests.support.documents import NINGBO, ZHEJIANG
from tests.support.world import World


def test_filters_and_search_of_cities(world: World) -> None:
    """A province admin sees their province's cities only, filtered and found."""
    admin = world.province_admin()
    page = admin.get("/provinces/zhejiang").text
    assert "Hangzhou" in page
    assert "Ningbo" in page
    assert "Shanghai" not in page
    assert (
        "Hangzhou"
        not in admin.get("/provinces/zhejiang?q=ningbo")
        .text.split("</table>")[0]
        .split("<table")[1]
    )
    assert "No city found" in admin.get("/provinces/zhejiang?show=draft").text


def test_another_provinces_city_is_not_named(world: World) -> None:
    """That a code is taken is said; by whom only within one's reach."""
    admin = world.province_admin("zhejiang")
    rows = "division_code,slug,name_zh,name_en,province_slug\n330200,other,另,Other,zhejiang\n"
    job = admin.post(
        "/provinces/zhejiang/rollouts", file=(io.BytesIO(rows.encode()), "c.csv")
    ).headers["Location"]
    admin.post(f"{job}/step", job)
    assert "is already the code of ningbo" in admin.get(job).text
    documents = world.documents(Actor("staff:x", "X", "province:shanghai"))
    text = (
        NINGBO.replace("ningbo", "other")
        .replace("330200", "330100")
        .replace("zhejiang", "shanghai")
    )
    said = [str(found) for found in documents.problems([Candidate(parse(text, "other"))])]
    assert any("another city" in one for one in said)
    assert not any("hangzhou" in one for one in said)


def test_a_city_stays_in_the_province_of_the_official_list(world: World) -> None:
    """Neither its code nor its slug can be taken by another province."""
    admin = world.province_admin("zhejiang")
    rows = (
        "division_code,slug,name_zh,name_en,province_slug\n"
        "440600,somewhere,佛山市,Foshan,zhejiang\n339999,foshan,佛山市,Foshan,zhejiang\n"
    )
    job = admin.post(
        "/provinces/zhejiang/rollouts", file=(io.BytesIO(rows.encode()), "c.csv")
    ).headers["Location"]
    admin.post(f"{job}/step", job)
    assert admin.get(job).text.count("In the official list this is 佛山市 Foshan.") == 2
    baseline = ZHEJIANG.replace('division_code: "330000"\n', "")
    answer = admin.post("/provinces/zhejiang/document", revision="1", text=baseline)
    assert answer.status_code == 422
