"""A secret that is tried out."""

from __future__ import annotations

import re

from tests.support.world import World


def probed(world: World, name: str) -> tuple[str, str]:
    """Try a secret of Hangzhou; returns what the page of its secrets then says, and why."""
    staff, page = world.city_staff("hangzhou"), "/cities/hangzhou/secrets"
    staff.post(f"{page}/{name}/probe", page)
    shown = re.split(rf"<td[^>]*><code>{name}</code>", staff.get(page).text)[1]
    row = shown.partition("</tr>")[0]
    found = re.search(
        r'(Works|Does not work|could not be tested)</span>(?:<br><span class="help">([^<]*)<)?', row
    )
    assert found, row
    return found[1], found[2]
