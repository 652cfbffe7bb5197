"""Tables keep their headings on a phone: a label stands at each value."""

from __future__ import annotations

import re

import pytest

from smartcity_saas.web.stacked_tables import labelled
from tests.support.world import World

PAGES = {
    "/cities/hangzhou": "city",
    "/cities/hangzhou/payments/closings": "city",
    "/cities/hangzhou/secrets": "city",
    "/cities/hangzhou/staff": "city",
    "/cities/hangzhou/audit": "city",
    "/provinces/zhejiang": "province",
    "/provinces/zhejiang/staff": "province",
    "/platform/audit": "platform",
}


def test_each_cell_takes_the_heading_of_its_column() -> None:
    """Cells that span several columns, headings with other tags and empty ones; other tables and
    labels that stand already are left alone, and a page twice is a page once."""
    table = (
        '<table class="stacked"><thead><tr><th scope="col">Day &amp; "hour"</th><th colspan="2">'
        '<span>Net</span></th><th></th></tr></thead><tbody><tr><td>1</td><td colspan="2">2</td>'
        '<td>3</td></tr><tr><th scope="row">4</th><td>5</td><td>6</td></tr></tbody></table>'
    )
    found = labelled(f"{table}<table><tr><td>7</td></tr></table>")
    assert re.findall(r'<t[dh][^>]*data-label="([^"]*)"[^>]*>(\d)', found) == [
        ("Day &amp; &#34;hour&#34;", "1"),
        ("Net", "2"),
        ("Day &amp; &#34;hour&#34;", "4"),
        ("Net", "5"),
        ("Net", "6"),
    ]
    assert labelled(found) == found


@pytest.mark.parametrize("path", PAGES)
def test_every_stacked_table_of_the_console_is_labelled(world: World, path: str) -> None:
    """Each cell under a heading has it as its label."""
    world.open_payments()
    who = {"city": world.city_staff, "province": world.province_admin, "platform": world.operator}
    page = who[PAGES[path]]().get(path).text
    tables = re.findall(r'<table class="stacked.*?</table>', page, re.DOTALL)
    assert tables
    for table in tables:
        head, _end, body = table.partition("</thead>")
        wanted = {" ".join(re.sub("<[^>]*>", " ", one).split()) for one in heads(head)} - {""}
        assert wanted <= set(re.findall(r'data-label="([^"]*)"', body)) or "<td" not in body


def heads(head: str) -> list[str]:
    return re.findall(r"<th\b[^>]*>(.*?)</th>", head, re.DOTALL)
