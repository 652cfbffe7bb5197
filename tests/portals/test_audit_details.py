"""What stands beside an act: words of the reader, never a program's keys and lists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from smartcity_saas.health import readiness
from smartcity_saas.portals.audit_details import DETAILS, UNSAID
from smartcity_saas.portals.operator import CHECKS
from tests.support.paths import SOURCE
from tests.support.world import World


def _written() -> Iterator[str]:
    """The keys of every detail that the code writes out where it notes an act."""
    for path in SOURCE.rglob("*.py"):
        if "migrations" in path.parts:
            continue
        text = path.read_text("utf-8")
        for node in ast.walk(ast.parse(text)):
            names = [ast.unparse(one) for one in getattr(node, "targets", [])]
            noted = isinstance(node, ast.Call) and ast.unparse(node.func) in ("record", "_note")
            kept = names == ["detail"] and re.search(r"\brecord\(", text)
            for one in ast.walk(node) if noted or kept else ():
                if isinstance(one, ast.Dict):
                    yield from (key.value for key in one.keys if isinstance(key, ast.Constant))


def test_every_detail_has_words() -> None:
    """A new detail of an act is named before it stands on a page."""
    written = set(_written())
    assert {"roles", "added", "currency"} <= written
    assert written - set(DETAILS) == set(UNSAID)


def test_details_are_read_in_the_readers_language(world: World) -> None:
    """Roles and their like by their titles, no list of Python's, no key of a program."""
    world.staff("editor", "catalog_editor", city="hangzhou")
    page = "/platform/audit"
    operator = world.operator()
    assert "Roles: Catalog editor" in operator.get(page).text
    chinese = operator.get(page, headers={"Accept-Language": "zh"}).text
    assert "角色：服务编辑" in chinese
    for text in (operator.get(page).text, chinese):
        assert "[&#39;" not in text
        assert "roles:" not in text


def test_every_check_of_the_platform_has_words(world: World) -> None:
    """No mark without a word beside it, on the page that says how the platform is."""
    page = world.operator().get("/platform").text
    with world.app.app_context():
        assert set(readiness()) == set(CHECKS)
        assert all(str(holds) in page for holds, _fails in CHECKS.values())


def test_a_desk_is_called_by_its_service(world: World) -> None:
    """In the list of accounts and beside one's own name, in either language; never by a slug."""
    desk, admin = world.staff("till", "desk:utility_bills", city="hangzhou"), world.city_staff()
    for language, words in (("en", "Counter: Utility bills"), ("zh", "窗口：水电燃气账单")):
        headers = {"Accept-Language": language}
        assert words in desk.get("/cities/hangzhou", headers=headers).text
        assert words in admin.get("/cities/hangzhou/staff", headers=headers).text
