"""Nothing in the product can punish: without city credit, or at its lowest, all is as before."""

from __future__ import annotations

import ast
import re
import uuid

from sqlalchemy import select

from smartcity_saas.database import db
from smartcity_saas.services.hospital_appointments.fee_models import PayWhen
from smartcity_saas.services.hospital_appointments.models import ClinicSession
from smartcity_saas.tenancy.hosts import CITY_HOST
from tests.support.bills import linked
from tests.support.browser import Browser
from tests.support.city_credit import ROOT, CreditCity
from tests.support.clinic import Clinic
from tests.support.fees import FeeClinic
from tests.support.paths import ROOT as CHECKOUT
from tests.support.routes import paths
from tests.support.world import World

_RESTING = re.compile(r'<p class="help">\s*<svg[^>]*>.{0,80}clock.{0,80}</svg>.*?</p>', re.DOTALL)
_TOKEN = re.compile(r'name="csrf_token" value="[^"]*"')


def pages(world: World) -> list[str]:
    """Every page of every other service, and where services are found."""
    every = paths(world.app, CITY_HOST)
    services = [one for one in every if one.startswith("/services/") and ROOT not in one]
    assert len(services) >= 9
    return ["/", "/services", "/search?q=bill", *services]


def seen(world: World, browser: Browser) -> dict[str, tuple[int, str]]:
    """What a resident gets of every service."""
    found = {}
    for path in pages(world):
        answer = browser.get(path)
        found[path] = answer.status_code, _TOKEN.sub("", answer.text)
    return found


def test_every_service_is_the_same_at_every_level(world: World) -> None:
    """Promise: a resident who never joined, one without entries, one of each level and one who has
    left see the same services, to the letter."""
    credit = CreditCity(world)
    browser, _account = linked(world)
    never = seen(world, browser)
    assert all(status in (200, 302, 404) for status, _text in never.values())
    credit.join(browser)
    assert seen(world, browser) == never
    credit.tell("missed", fulfilled=False)
    assert seen(world, browser) == never
    for count in range(1, 6):
        credit.tell(f"bill-{count}")
    page = browser.get(f"{ROOT}/entries").text
    assert "30 + 0 + 0 = 30" in page
    assert seen(world, browser) == never
    browser.post(f"{ROOT}/leave")
    assert seen(world, browser) == never


def test_whoever_holds_nothing_books_as_everybody(clinic: Clinic, clinic_time: None) -> None:
    """Promise: a resident who never joined, one without entries, one whose benefit rests and one who
    has left get the same form to the letter, but for the line that says what brings a benefit back;
    one who holds it gets the same way to pay and one more; everybody books."""
    fees = FeeClinic(clinic)
    patient = fees.clinic.person("household")[1]
    never = booking_form(fees)
    fees.join("household")
    assert booking_form(fees) == never
    fees.benefit("household")
    held = booking_form(fees)
    assert 'value="after"' in held
    assert 'value="ahead" checked' in held
    made = fees.book("household", PayWhen.AFTER)
    fees.visit(made)
    fees.world.clock.move(days=8)
    rests = booking_form(fees)
    assert "It comes back as soon as you have paid" in rests
    assert _RESTING.sub("", rests) == booking_form(fees, "parents", patient)
    assert fees.book("household", session=newest(fees)).state == "booked"
    fees.leave("household")
    assert booking_form(fees) == booking_form(fees, "parents", patient)


def newest(fees: FeeClinic) -> uuid.UUID:
    """A clinic of the first department, four days from now."""
    fees.clinic.bring({})
    with fees.world.inside(fees.slug):
        query = select(ClinicSession.id).order_by(ClinicSession.day.desc()).limit(1)
        return db.session.scalars(query).one()


def booking_form(fees: FeeClinic, who: str = "household", patient: uuid.UUID | None = None) -> str:
    """The form that books at the first time of the newest clinic, apart from who asks."""
    mine = fees.clinic.person(who)[1]
    day = fees.clinic.day()
    path = f"/services/hospital-appointments/sessions/{newest(fees)}/book?at={day}T08:00"
    answer = fees.world.resident(subject=who).get(path)
    assert answer.status_code == 200
    page = _TOKEN.sub("", answer.text).replace(str(mine), str(patient or mine))
    main = page.partition("<main")[2].partition("</main>")[0].replace(who, "somebody")
    return re.sub(r"139\*+\d{4}", "139", main)


def test_no_other_code_asks_for_a_level() -> None:
    """Promise: no code path outside the service reads levels, entries or membership."""
    package = CHECKOUT / "src/smartcity_saas"
    inside = package / "services/city_credit"
    found = []
    for path in package.rglob("*.py"):
        if path.is_relative_to(inside):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if isinstance(node, ast.Import):
                names = [one.name for one in node.names]
            found += [f"{path.name}: {name}" for name in names if "city_credit" in name]
    assert found == []
