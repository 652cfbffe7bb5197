"""Services that a city's document defines, and residents who apply."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

from PIL import Image
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from smartcity_saas.database import db, transaction
from smartcity_saas.forms.models import Application, ApplicationEvent, ApplicationState, EventKind
from smartcity_saas.forms.timeline import add_event
from smartcity_saas.measures import MeasureEvent
from tests.support.browser import Browser
from tests.support.documents import HANGZHOU, NINGBO
from tests.support.world import World

PERMIT = """\
  residence_permit_renewal:
    kind: form
    state: open
    title: {zh: 居住证签注, en: Residence permit renewal}
    help: {zh: 居住证一年签一次, en: Once a year}
    category: papers
    department: {zh: 市公安局（示例）, en: Police (sample)}
    who: {zh: 有居住证的人, en: Whoever has a permit}
    needs: [{zh: 居住证原件, en: The permit itself}]
    takes: {working_days: 5}
    fee: "FEE"
    steps:
      - title: {zh: 你的住处, en: Where you live}
        fields:
          - {name: street, kind: text, required: true, label: {zh: 街道, en: Street}}
          - {name: moved, kind: yes_no, required: true, label: {zh: 搬过家吗, en: Have you moved?}}
          - {name: lease, kind: file, required: true, files: 2, show_if: {moved: yes}, label: {zh: 租房合同, en: Lease}}
      - title: {zh: 联系方式, en: Contact}
        fields:
          - {name: mobile, kind: phone, required: true}
          - {name: note, kind: long_text, label: {zh: 备注, en: Note}}
      - title: {zh: 声明, en: Declaration}
        fields:
          - {name: truth, kind: declaration, required: true, text: {zh: 内容属实, en: All of it is true}}
    result: {kind: none}
    keep: {years: 2}
"""
NAME = "residence_permit_renewal"
ROOT = "/services/residence-permit-renewal"
FIRST = {"street": "Sample Road 18", "moved": "no"}
SECOND = {"mobile": "13800000001", "note": ""}
THIRD = {"truth": "yes"}
STEPS = (FIRST, SECOND, THIRD)
ASKED = (["street", "moved"], ["mobile", "note"], ["truth"])
PDF = (
    b"%PDF-1.3\n%\xbf\xf7\xa2\xfe\n1 0 obj\n<< /Pages 2 0 R /Type /Catalog >>\nendobj\n2 0 obj\n<< /Count 1 "
    b"/Kids [ 3 0 R ] /Type /Pages >>\nendobj\n3 0 obj\n<< /Contents 4 0 R /MediaBox [ 0 0 200 200 ] /Parent "
    b"2 0 R /Resources << >> /Type /Page >>\nendobj\n4 0 obj\n<< /Length 0 >>\nstream\n\nendstream\nendobj\n"
    b"xref\n0 5\n0000000000 65535 f \n0000000015 00000 n \n0000000064 00000 n \n0000000123 00000 n \n"
    b"0000000229 00000 n \ntrailer << /Root 1 0 R /Size 5 /ID [<a6e67d16bdcd0665af3883c3c2551672>"
    b"<2afa904275549147546497bd16b70fea>] >>\nstartxref\n278\n%%EOF\n"
)
"""One empty page, as it is kept."""


def define(world: World, city: str = "hangzhou", fee: str = "0", entry: str = PERMIT) -> None:
    """Give a city the service."""
    base = {"hangzhou": HANGZHOU, "ningbo": NINGBO}[city]
    world.save(f"{base}services:\n{entry.replace('FEE', fee)}")


def begin(browser: Browser) -> str:
    """Press “begin”; returns the application's number."""
    answer = browser.post(f"{ROOT}/begin", "/me")
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"]).split("/")[2]


def save(
    browser: Browser, number: str, step: int, *, asked: list[str] | None = None, **fields: Any
) -> TestResponse:
    """Send a step (from 1) as its page does: answers by the names of fields; ``go`` and other
    controls under their own names."""
    here = f"/applications/{number}/steps/{step}"
    asked = ASKED[step - 1] if asked is None else asked
    names = {
        f"answer-{name}"
        if name.split("-")[0] in (*asked, "lease")
        else name.replace("_", "-"): value
        for name, value in fields.items()
    }
    return browser.post(here, here, **{"asked-fields": asked, "go": "next", **names})


def fill(browser: Browser, number: str) -> None:
    """Fill in all steps."""
    for step, answers in enumerate(STEPS, 1):
        done = save(browser, number, step, **answers)
        assert done.status_code == 303, done.text


def sent(browser: Browser) -> str:
    """Begin, fill in and send; returns the number."""
    number = begin(browser)
    fill(browser, number)
    done = browser.post(f"/applications/{number}/submit", f"/applications/{number}/check")
    assert done.headers["Location"] == f"/applications/{number}", done.text
    return number


def stored(world: World, number: str, city: str = "hangzhou") -> Application | None:
    """An application as it is stored."""
    with world.inside(city):
        query = select(Application).where(Application.number == number)
        return db.session.scalars(query).one_or_none()


def row_of(world: World, number: str, city: str = "hangzhou") -> Application:
    """The same of one that there is."""
    found = stored(world, number, city)
    assert found is not None
    return found


def count_of(world: World, model: type[Any], city: str = "hangzhou") -> int:
    """How many rows a table has in a city."""
    with world.inside(city):
        return int(db.session.scalar(select(func.count(model.id))) or 0)


def measured(world: World, service: str = NAME, city: str = "hangzhou") -> dict[str, int]:
    """What was counted of a service in a city, waiting times left out."""
    query = (
        select(MeasureEvent.measure, func.sum(MeasureEvent.value))
        .where(MeasureEvent.service == service, MeasureEvent.city_id == world.city_id(city))
        .group_by(MeasureEvent.measure)
    )
    return {name: int(total) for name, total in db.session.execute(query) if name != "wait"}


def events(world: World, number: str, city: str = "hangzhou") -> list[EventKind]:
    """What happened to an application, in order."""
    with world.inside(city):
        query = (
            select(ApplicationEvent.kind)
            .join(Application, Application.id == ApplicationEvent.application_id)
            .where(Application.number == number)
            .order_by(ApplicationEvent.at, ApplicationEvent.id)
        )
        return list(db.session.scalars(query))


def ask_for_more(world: World, number: str, words: str, fields: list[str], left: int = 3) -> None:
    """What the desk does: ask for more, and stop the clock."""
    with world.inside("hangzhou"), transaction():
        row = db.session.scalars(select(Application).where(Application.number == number)).one()
        if row.state is not ApplicationState.IN_REVIEW:
            row.move(ApplicationState.IN_REVIEW)
        row.taken_by = "staff:wu.min"
        row.move(ApplicationState.MORE_NEEDED)
        row.days_left = left
        add_event(
            row,
            EventKind.MORE_NEEDED,
            world.clock(),
            words=words,
            by_staff="staff:wu.min",
            fields=fields,
        )


def decide(world: World, number: str, state: ApplicationState, words: str = "") -> None:
    """What the desk does: decide."""
    with world.inside("hangzhou"), transaction():
        row = db.session.scalars(select(Application).where(Application.number == number)).one()
        if row.state is ApplicationState.RECEIVED:
            row.move(ApplicationState.IN_REVIEW)
        row.move(state)
        row.decided_at = world.clock()
        row.erase_on = (world.clock() + timedelta(days=730)).date()
        add_event(row, EventKind(state.value), world.clock(), words=words, by_staff="staff:wu.min")


def picture() -> bytes:
    """A small photograph."""
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "#0b6e4f").save(out, "PNG")
    return out.getvalue()
