"""The page on which a city sees what it took of its quotas."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from smartcity_saas.clock import today_in
from smartcity_saas.database import db, transaction
from smartcity_saas.tenancy.quota_use import KEPT_DAYS, QuotaUse
from tests.support.documents import HANGZHOU
from tests.support.world import World

PAGE = "/cities/hangzhou/use"
SMALL = HANGZHOU + "quotas: {requests_per_minute: 6000, storage_megabytes: 500}\n"


def note(world: World, slug: str, quota: str, back: int, *figures: int) -> None:
    """Some days ago a city used, was refused and came to a percentage."""
    used, refused, percent = figures
    at, city_id = world.clock() - timedelta(days=back), world.city_id(slug)
    with transaction() as session:
        session.add(
            QuotaUse(
                city_id=city_id,
                began_at=at.replace(minute=0, second=0, microsecond=0),
                quota=quota,
                used=used,
                refused=refused,
                percent=percent,
            )
        )


def test_a_city_sees_what_it_took_and_no_other_city_s(world: World) -> None:
    """Today, the days before and what was refused, each against the quota that holds; a day of which
    nothing of storage is known is no day of zero. What a neighbour took is not among it."""
    world.save(SMALL)
    note(world, "hangzhou", "requests_per_minute", 0, 4321, 0, 85)
    note(world, "hangzhou", "requests_per_minute", 3, 9876, 12, 130)
    note(world, "ningbo", "requests_per_minute", 0, 55555, 777, 400)
    db.session.remove()
    staff = world.city_staff()
    data: Any = staff.get(f"{PAGE}?format=json").json
    requests, _jobs, _calls, storage = data["quotas"]
    assert (requests["quota"], requests["limit"]) == ("requests_per_minute", 6000)
    assert len(requests["days"]) == KEPT_DAYS
    today = today_in(world.city("hangzhou").timezone, world.clock())
    assert requests["days"][-1] == {
        "day": today.isoformat(),
        "used": 4321,
        "percent": 85,
        "refused": 0,
    }
    assert requests["days"][-4]["refused"] == 12
    assert requests["days"][0]["used"] == 0
    assert storage["days"][0]["used"] is None
    assert storage["days"][-1]["used"] == 0
    page = staff.get(PAGE).text
    assert "4,321" in page
    assert "Near the quota" in page
    assert "12 refused in 14 days" in page
    assert "55,555" not in page
    assert "777" not in page


def test_the_use_of_another_city_is_not_there(world: World) -> None:
    """Staff of one city ask for the neighbour's page as for one that does not exist."""
    assert world.city_staff("ningbo").get(PAGE).status_code == 404
