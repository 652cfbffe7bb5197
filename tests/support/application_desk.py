"""A desk of a form: a service with a certificate, and staff who decide."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy import select

from smartcity_saas.database import db
from smartcity_saas.forms.models import ApplicationPaper
from tests.support.applications import PERMIT
from tests.support.browser import Browser
from tests.support.staff import STRONG, enter, make
from tests.support.world import World

FORM = "residence-permit-renewal"
DESK = f"/cities/hangzhou/applications/{FORM}"
CERTIFICATE = PERMIT.replace(
    "result: {kind: none}",
    """result:
      kind: certificate
      title: {zh: 居住证签注证明, en: Proof of renewal}
      text:
        zh: 兹证明{name}住在{street}。
        en: This certifies that {name} lives at {street}.
      valid: {years: 1}""",
)
REASON = "The lease does not name you."


def at_noon(world: World, day: date) -> None:
    """Noon of a day in the city."""
    world.clock.now = datetime.combine(day, time(12), ZoneInfo("Asia/Shanghai"))


def clerk(world: World, name: str, *roles: str, city: str = "hangzhou") -> Browser:
    """Somebody of a city's staff, signed in; at the desk of the form by default."""
    make(world, name, *(roles or ("desk:residence_permit_renewal",)), city=city)
    return signed_in(world, name)


def signed_in(world: World, name: str) -> Browser:
    """A member of staff who comes in, again on another day."""
    browser, answer = enter(world, name, STRONG)
    assert answer.status_code == 302, answer.text
    return browser


def take(browser: Browser, number: str, desk: str = DESK) -> None:
    """Press “take it over”."""
    answer = browser.post(f"{desk}/{number}/take", f"{desk}/{number}")
    assert answer.status_code == 303, answer.text


def send_decision(browser: Browser, number: str, decision: str, words: str = "") -> None:
    """Take over and decide."""
    take(browser, number)
    answer = browser.post(
        f"{DESK}/{number}/decide", f"{DESK}/{number}", decision=decision, words=words
    )
    assert answer.status_code == 303, answer.text


def code_of(world: World, number: str, city: str = "hangzhou") -> str:
    """The code of a paper."""
    with world.inside(city):
        query = select(ApplicationPaper.code).where(ApplicationPaper.number == number)
        return str(db.session.scalars(query).one())


def numbers_in(page: str) -> list[str]:
    """The numbers of a queue in its order."""
    return re.findall(r"<code>([A-Z]+-[A-Z]+-\d{4}-\d+)</code>", page)
