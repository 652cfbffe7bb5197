"""Withdrawing what was set up by mistake: everything is free again, and nobody's data is lost."""

from __future__ import annotations

import io

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from smartcity_saas.audit import system
from smartcity_saas.city_withdrawal import withdraw
from smartcity_saas.cli.documents import withdraw_command
from smartcity_saas.configuration.models import HostClaim
from smartcity_saas.configuration.revisions import StaleEdit
from smartcity_saas.credentials import store_credential
from smartcity_saas.database import db
from smartcity_saas.database.models import CityModel
from smartcity_saas.database.row_level_security import APPEND_ONLY
from smartcity_saas.errors import Conflict, NotAllowed
from smartcity_saas.identity.staff.accounts import disable_staff
from smartcity_saas.tenancy.context import tenant_context
from tests.support.documents import NINGBO
from tests.support.world import World

WITH_HOST = NINGBO + "hosts: [city.ningbo.example]\n"


def rows_of(world: World, city_id: int) -> dict[str, int]:
    """How many rows a city has, by table, but for its audit log."""
    with tenant_context(city_id):
        return {
            mapper.class_.__tablename__: count
            for mapper in CityModel.registry.mappers
            if issubclass(mapper.class_, CityModel)
            and mapper.class_.__tablename__ not in APPEND_ONLY
            and (count := db.session.scalar(select(func.count()).select_from(mapper.class_)))
        }


def test_a_city_without_residents_is_withdrawn_and_can_be_made_anew(world: World) -> None:
    """By the command: its pages are gone on every process, slug, code and hosts are free, what it
    held is deleted, its audit log is whole; a new city of its name inherits nothing."""
    world.save(WITH_HOST)
    old = world.city_id("ningbo")
    with world.inside("ningbo"):
        keyring = world.app.product.keyring
        store_credential(keyring, system("test"), "stripe_secret_key", "sk_test_x", world.clock())
    world.province_admin().post(
        "/cities/ningbo/announcements", title_zh="题", title_en="T", body_zh="文", body_en="B"
    )
    assert rows_of(world, old)
    others = rows_of(world, world.city_id("hangzhou"))
    done = CliRunner().invoke(withdraw_command, ["ningbo", "-m", "misspelt", "--yes"])
    assert (done.exit_code, "tenants/ningbo.yaml" in done.output) == (0, True)
    world.app.registry.refresh()
    for host in ("ningbo.localhost", "city.ningbo.example"):
        assert world.client(host).get("/").status_code == 404
    assert not rows_of(world, old)
    assert rows_of(world, world.city_id("hangzhou")) == others
    assert not db.session.scalars(select(HostClaim).where(HostClaim.document_id == old)).all()
    assert world.documents().verify_chain("ningbo").found is None
    world.clock.move(minutes=5)
    world.save(WITH_HOST.replace("Ningbo", "Ningbo anew"))
    assert world.city_id("ningbo") != old
    assert "Ningbo anew" in world.client("city.ningbo.example").get("/").text
    assert not rows_of(world, world.city_id("ningbo"))
    assert world.documents().verify_chain("ningbo").found is None
    found, _messages = world.documents().audit_events("ningbo", 20)
    assert [act.action for act in found][:2] == ["document.console", "document.withdraw"]


@pytest.mark.parametrize(
    ("typed", "gone"), [("", False), ("y\n", False), ("hangzhou\n", False), ("ningbo\n", True)]
)
def test_the_command_withdraws_what_is_typed_again(world: World, typed: str, gone: bool) -> None:
    """What goes is said first; nothing is deleted by one press too many, or by a script that
    nobody asked. Without a terminal the refusal names --yes."""
    world.save(WITH_HOST)
    with world.inside("ningbo"):
        keyring = world.app.product.keyring
        store_credential(keyring, system("test"), "stripe_secret_key", "sk_test_x", world.clock())
    done = CliRunner().invoke(withdraw_command, ["ningbo"], input=typed)
    assert "330200, city.ningbo.example, ningbo" in done.output
    assert "1 credential" in done.output
    assert (done.exit_code, "--yes" in done.output) == ((0, False) if gone else (1, True))
    assert ("ningbo" in {found.name for found in world.documents().all()}) is not gone


def test_who_has_had_a_resident_is_not_withdrawn(world: World) -> None:
    """Nor after the last one has left: what accounting keeps stays where it is."""
    resident = world.resident("ningbo")
    for leave in (False, True):
        if leave:
            resident.post("/me/delete", "/me/delete", confirm="1")
        with pytest.raises(Conflict):
            withdraw(world.documents(), "ningbo", 1, now=world.clock())
    assert world.documents().live("ningbo").number == 1


def test_what_others_need_is_not_withdrawn(world: World) -> None:
    """Accounts of staff there, a newer revision, a city beneath, the platform's document, and
    whoever may not: each is refused, and nothing is lost."""
    admin = world.city_staff("ningbo")
    with pytest.raises(Conflict):
        withdraw(world.documents(), "ningbo", 1, now=world.clock())
    assert admin.post("/cities/ningbo/withdraw", "/account", revision="1").status_code == 403
    disable_staff(system("test"), "staff-ningbo", world.clock())
    with pytest.raises(StaleEdit):
        withdraw(world.documents(), "ningbo", 0, now=world.clock())
    with pytest.raises(Conflict):
        withdraw(world.documents(), "province:zhejiang", 1, now=world.clock())
    with pytest.raises(NotAllowed):
        withdraw(world.documents(), "platform", 1, now=world.clock())
    other = world.province_admin("shanghai")
    assert other.post("/cities/ningbo/withdraw", "/account", revision="1").status_code == 404
    assert [found.name for found in world.documents().all()].count("ningbo") == 1


def test_a_misspelt_province_is_withdrawn(world: World) -> None:
    """With no city beneath it: its code is free for the right one."""
    wrong = 'province: island\ndivision_code: "710000"\nname: {zh: 岛, en: Island}\n'
    world.save(wrong)
    withdraw(world.documents(), "province:island", 1, now=world.clock())
    world.save(wrong.replace("island", "taiwan"))
    assert world.documents().live("province:taiwan").division_code == "710000"


def test_a_province_admin_withdraws_on_the_console(world: World) -> None:
    """The page says what goes; the press leads to the list, which says that it is done; a draft
    that a roll-out made can be withdrawn like any other."""
    admin = world.province_admin()
    rows = (
        "division_code,slug,name_zh,name_en,province_slug\n330500,huzhou,湖州市,Huzhou,zhejiang\n"
    )
    page = "/provinces/zhejiang/rollouts"
    job = admin.post(page, file=(io.BytesIO(rows.encode()), "c.csv")).headers["Location"]
    admin.post(f"{job}/step", job)
    assert "/cities/huzhou/withdraw" in admin.get("/cities/huzhou").text
    answer = admin.post(
        "/cities/huzhou/withdraw", "/cities/huzhou/withdraw", revision="1", message="wrong"
    )
    assert answer.status_code == 302
    assert "huzhou has been removed" in admin.get(answer.headers["Location"]).text
    assert admin.get("/cities/huzhou").status_code == 404
