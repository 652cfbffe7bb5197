"""Nobody sets a level: it is stored nowhere, and no desk, import or API takes one."""

from __future__ import annotations

import inspect
import re

from smartcity_saas.audit import system
from smartcity_saas.catalog.service import ImportRequest
from smartcity_saas.clock import today_in
from smartcity_saas.database import CityModel
from smartcity_saas.services.city_credit import models
from smartcity_saas.services.city_credit.csv_import import REQUIRED, import_entries
from tests.support.api_client import Office
from tests.support.city_credit import CreditCity

DESK = "/cities/hangzhou/city-credit"
_ALLOWED = {"credit_figures"}
"""Counts of everybody together."""


def test_no_table_has_a_level() -> None:
    """Promise: a level is computed each time; there is no column that anybody could set."""
    tables = [
        one.__table__
        for _name, one in inspect.getmembers(models, inspect.isclass)
        if issubclass(one, CityModel) and one is not CityModel
    ]
    assert len(tables) >= 8
    columns = {f"{table.name}.{column.name}" for table in tables for column in table.columns}
    assert [one for one in columns if re.search("level|point|score|standing", one)] == []


def test_staff_see_no_level(credit: CreditCity) -> None:
    """Promise: neither the desk nor an appeal says at which level its resident stands, or by how
    many points."""
    browser = credit.member()
    for reference in ("one", "two", "three"):
        credit.tell(reference)
    credit.tell("late", fulfilled=False)
    credit.appeal(browser)
    staff = credit.world.city_staff("hangzhou")
    for page in (DESK, f"{DESK}/appeals/{credit.one_appeal().id}"):
        text = staff.get(page).text.partition("<main")[2]
        for level in ("Starting", "Good", "Excellent"):
            assert level not in text
        assert not re.search(r"[0-9]+ points?\b", text)


def test_the_console_has_no_page_for_it(credit: CreditCity) -> None:
    """Promise: the desk's pages are appeals, their photographs and the import; a new one has to be
    named here, with what it shows."""
    rules = credit.world.app.url_map.iter_rules()
    found = {one.rule for one in rules if "<city>/city-credit" in one.rule}
    known = re.compile(r"/cities/<city>/city-credit(/(appeals|photos)/<uuid:[a-z_]+>|/import)?")
    assert found
    assert [one for one in found if not known.fullmatch(one)] == []


def test_neither_a_table_nor_the_api_takes_a_level(credit: CreditCity) -> None:
    """Promise: a column of levels is read by nobody, and a pushed one is refused."""
    credit.member()
    today = str(today_in("Asia/Shanghai", credit.world.clock()))
    row = ["volunteer_hours", "V-1", "11010519491231002X", today, "6"]
    table = ",".join([*REQUIRED, "level"]) + "\n" + ",".join([*row, "excellent"])
    with credit.world.inside("hangzhou"):
        city = credit.world.city("hangzhou")
        read = import_entries(
            ImportRequest(system("t"), city, table.encode(), "v.csv", credit.world.clock())
        )
    assert read.unread == ("level",)
    office = Office(credit.world, "hangzhou", "credit:write")
    item = {**dict(zip(REQUIRED, row, strict=True)), "quantity": 6, "level": "excellent"}
    answer = office.call("POST", "/city-credit/entries", {"items": [item]})
    assert "stored" not in answer.text
