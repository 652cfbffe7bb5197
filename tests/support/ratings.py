"""What residents finished and can rate, and what they and the desk then do."""

from __future__ import annotations

import re
import uuid
from typing import Any

from sqlalchemy import select

from smartcity_saas.audit import system
from smartcity_saas.database import db
from smartcity_saas.ratings.models import Rating, RatingAnswer
from smartcity_saas.services.traffic_tickets.disputes import answer
from smartcity_saas.services.traffic_tickets.models import Dispute
from tests.support import tickets
from tests.support.browser import Browser
from tests.support.world import World

MINE = "/me/ratings"
DESK = "/cities/hangzhou/ratings"
REASON = "那天我不在那里，车也不在。"


def press(browser: Browser, page: str, level: str, **instead: Any) -> Any:
    """Press one of the five levels on the page of what is finished."""
    text = browser.get(page).text
    fields = dict(re.findall(r'name="(service|act|key)" value="([^"]+)"', text))
    assert set(fields) == {"service", "act", "key"}, text
    return browser.post(MINE, page, **{**fields, "level": level, **instead})


def rated(browser: Browser, page: str, level: str) -> str:
    """The page of a rating that was just given."""
    sent = press(browser, page, level)
    assert sent.status_code == 303, sent.text
    return str(sent.headers["Location"])


def disputed(world: World, decision: str | None = "kept") -> tuple[Browser, str]:
    """A resident whose dispute was answered, and its ticket's page."""
    tickets.bring(world, {"at": f"{world.clock():%Y-%m-%dT00:15}"})
    browser = tickets.linked(world)
    page = f"{tickets.ROOT}/{tickets.tickets(browser)[0]['id']}"
    assert browser.post(f"{page}/dispute", page, reason=REASON).status_code == 302
    if decision is not None:
        decide(world, decision)
    return browser, page


def decide(world: World, decision: str, words: str = "The camera shows your car.") -> None:
    """The desk answers the only dispute."""
    with world.inside("hangzhou"):
        key = db.session.scalars(select(Dispute.id)).one()
        answer(system("desk"), key, decision, words, world.clock())


def rows(world: World, model: type[Any] = Rating, city: str = "hangzhou") -> list[dict[str, Any]]:
    """Every row of a table in one city, as it stands in the database now."""
    db.session.rollback()
    with world.inside(city):
        found = db.session.scalars(select(model).order_by(model.id)).all()
        return [{c.key: getattr(row, c.key) for c in model.__table__.columns} for row in found]  # type: ignore[attr-defined]


def one_answer(world: World) -> dict[str, Any]:
    """The only answer that is owed or was given."""
    (found,) = rows(world, RatingAnswer)
    return found


def key_of(page: str) -> uuid.UUID:
    """The key at the end of a page's address."""
    return uuid.UUID(page.rpartition("/")[2])
