"""Cities where problems can be reported, and what residents and the desk do there."""

from __future__ import annotations

import contextvars
import io
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from typing import Any

from PIL import Image
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from smartcity_saas.audit import system
from smartcity_saas.database import db
from smartcity_saas.services.problem_reports.models import ProblemReport
from tests.support.browser import Browser
from tests.support.documents import HANGZHOU, NINGBO
from tests.support.world import World

ROOT = "/services/problem-reports"
DESK = system("desk")
OPEN = "services: {problem_reports: {state: open}}\n"
LAMP = {"category": "street_light", "place": "示例路口", "words": "Dark for three days."}
HERE = {"latitude": "30.246026", "longitude": "120.210792"}
NUMBER = re.compile(rf"{ROOT}/(\d{{6}}-\d{{5}})")


def photograph(color: str = "red") -> tuple[io.BytesIO, str]:
    """A photograph whose EXIF says by which camera it was taken, and where."""
    picture, out = Image.new("RGB", (40, 30), color), io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    exif.get_ifd(0x8825)[1] = "N"
    picture.save(out, "JPEG", exif=exif)
    out.seek(0)
    return out, "photo.jpg"


def form_of(browser: Browser, page: str = ROOT) -> str:
    """What tells the page with the form that a browser is given from another one."""
    found = re.search(r'name="form" value="([^"]+)"', browser.get(page).text)
    assert found is not None
    return found[1]


@dataclass
class Reports:
    """Hangzhou and Ningbo, where problems can be reported, with levers."""

    world: World

    def __post_init__(self) -> None:
        for city in (HANGZHOU, NINGBO):
            self.world.save(city + OPEN)

    def send(self, browser: Browser, **typed: Any) -> TestResponse:
        """Fill in the form and press."""
        return browser.post(ROOT, **{**LAMP, **typed})

    def report(self, browser: Browser, **typed: Any) -> str:
        """Report a problem; its number."""
        answer = self.send(browser, **typed)
        assert answer.status_code == 303, answer.text
        found = NUMBER.search(answer.headers["Location"])
        assert found is not None
        return found[1]

    def stranger(self, city: str = "hangzhou") -> Browser:
        """A browser that nobody has signed in with."""
        return self.world.client(f"{city}.localhost")

    def row(self, number: str, city: str = "hangzhou") -> ProblemReport:
        """A report as it stands in the database now."""
        db.session.rollback()
        with self.world.inside(city):
            return db.session.scalars(
                select(ProblemReport).where(ProblemReport.number == number)
            ).one()

    def act(
        self, act: Callable[..., Any], number: str, *values: Any, city: str = "hangzhou"
    ) -> Any:
        """Let the desk do something, now."""
        key = self.row(number, city).id
        with self.world.inside(city):
            return act(DESK, key, *values, self.world.clock())

    def rows(self, model: Any, city: str = "hangzhou") -> int:
        """How many rows of a table the city has."""
        db.session.rollback()
        with self.world.inside(city):
            return int(db.session.scalar(select(func.count()).select_from(model)) or 0)


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Several acts in the same moment, each in a thread of its own: what each gave, or raised."""
    gate = Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        gate.wait()
        try:
            return contextvars.Context().run(act)
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))
