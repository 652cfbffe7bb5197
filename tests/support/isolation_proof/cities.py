"""Twenty cities and fifty residents whose every word is marked, in a PostgreSQL of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select

from smartcity_saas.audit import system
from smartcity_saas.catalog.service import ImportRequest
from smartcity_saas.configuration.validation import Candidate
from smartcity_saas.configuration.yaml_source import parse
from smartcity_saas.database.transactions import db
from smartcity_saas.forms import deciding
from smartcity_saas.forms.models import ApplicationPaper
from smartcity_saas.identity.federation.channels import AuthenticatedIdentity
from smartcity_saas.identity.residents import accounts
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.identity.staff.roles import CITY_ADMIN
from smartcity_saas.notifications.messages import notify
from smartcity_saas.payments.checkout import Place, begin_payment
from smartcity_saas.payments.settlement import sync_payment
from smartcity_saas.services.hospital_appointments import booking
from smartcity_saas.services.hospital_appointments.patients import add_patient
from smartcity_saas.services.traffic_tickets.tickets import link_vehicle
from smartcity_saas.services.utility_bills.bills import LinkRequest, link_account
from smartcity_saas.services.utility_bills.csv_import import import_bills
from smartcity_saas.services.utility_bills.models import UtilityBill
from smartcity_saas.settings import Settings
from smartcity_saas.tenancy.flask_app import SiteFlask
from tests.support import bills, tickets
from tests.support.api_client import Office
from tests.support.application_desk import CERTIFICATE
from tests.support.applications import FIRST, SECOND, THIRD, begin, save
from tests.support.applications import NAME as FORM
from tests.support.browser import Browser
from tests.support.clinic import Clinic
from tests.support.documents import PLATFORM
from tests.support.isolation_proof.marks import Marks, Reader
from tests.support.postgres import TestDatabase
from tests.support.problem_reports import LAMP
from tests.support.problem_reports import ROOT as REPORTS
from tests.support.served_world import served_world, session_cookie
from tests.support.world import World

PROVINCE = """\
province: sample
division_code: "900000"
name: {zh: 示例省, en: Sample Province}
"""
PLATES = "ABCDEFGHJK"


@dataclass(frozen=True)
class Visitor:
    """Someone who asks: on which host, with which headers, and what they may read."""

    name: str
    host: str
    headers: dict[str, str]
    reader: Reader
    seeds: tuple[str, ...]
    """The pages from which their links are followed."""


@dataclass(frozen=True)
class Cities:
    """What was made."""

    marks: Marks
    visitors: list[Visitor]


@contextmanager
def marked_cities(
    database: TestDatabase, cities: int, residents: int
) -> Iterator[tuple[Settings, Cities]]:
    """Make them, and say how they are served; the residents are spread over the cities."""
    with served_world(database) as world:
        yield world.app.product.settings, _filled(world, cities, residents)


def _filled(world: World, cities: int, residents: int) -> Cities:
    marks, visitors = Marks(), []
    slugs = [f"sample-{number}" for number in range(cities)]
    _store(world, marks, slugs)
    for number, slug in enumerate(slugs):
        people = [f"{slug}-{one}" for one in range(number, residents, cities)]
        filler = _CityFiller(world, marks, slug)
        visitors += filler.fill(people)
    return Cities(marks, visitors)


def _store(world: World, marks: Marks, slugs: list[str]) -> None:
    texts = [
        PLATFORM,
        PROVINCE,
        *(_document(n, slug, marks.of(slug)) for n, slug in enumerate(slugs)),
    ]
    world.documents().save_all([Candidate(parse(text, "proof")) for text in texts], {}, "", "file")
    world.app.registry.refresh()


def _document(number: int, slug: str, mark: str) -> str:
    return (
        f'city: {slug}\nprovince: sample\ndivision_code: "90{number + 1:02d}00"\n'
        f"name: {{zh: 示例{mark}市, en: Sample {mark}}}\nstate: live\n"
        f"services:\n  problem_reports: {{state: open}}\n"
        + CERTIFICATE.replace("FEE", "0").replace("证签注证明", f"证明{mark}")
    )


class _CityFiller:
    """Fills one city, and makes those who will visit it."""

    def __init__(self, world: World, marks: Marks, slug: str) -> None:
        self.world, self.marks, self.slug = world, marks, slug
        self.app: SiteFlask = world.app
        self.city_mark = marks.of(slug)
        self.clinic = Clinic(world, slug)
        self.stripe = world.open_payments(slug)
        self.papers: list[str] = []

    def fill(self, people: list[str]) -> Iterator[Visitor]:
        """The city's own rows, each resident's, and who may read which."""
        self._open_clinic()
        for number, name in enumerate(people):
            yield self._resident(number, name)
        yield self._staff()
        yield self._back_office()
        yield Visitor(
            f"anybody at {self.slug}",
            f"{self.slug}.localhost",
            {},
            Reader(self.slug),
            ("/", f"{REPORTS}/all", *(f"/verify/{code}" for code in self.papers)),
        )

    def _open_clinic(self) -> None:
        names = {
            "hospital_zh": f"{self.city_mark}医院",
            "hospital_en": f"Hospital {self.city_mark}",
            "doctor_zh": f"{self.city_mark}医生",
            "doctor_en": f"Doctor {self.city_mark}",
            "capacity": "50",
        }
        self.clinic.bring(names)

    def _resident(self, number: int, name: str) -> Visitor:
        mark = self.marks.of(self.slug, name)
        with self.world.inside(self.slug):
            now = datetime.now(UTC)
            identity = AuthenticatedIdentity((name,), f"示例{mark}", demo=True)
            token = accounts.sign_in("demo", identity, now=now)
            resident = accounts.signed_in(token, now)
            assert resident is not None
        self._bills(resident, number, mark)
        self._vehicle(resident, number, mark)
        self._appointment(resident, mark)
        self._message(resident, mark)
        host = f"{self.slug}.localhost"
        cookie = session_cookie(self.app, host, {"resident": token})
        browser = self.world.client(host)
        browser.client.set_cookie("session", cookie.removeprefix("session="), domain=host)
        application = self._application(browser, mark)
        report = self._report(browser, mark)
        return Visitor(
            name,
            host,
            {"Cookie": cookie},
            Reader(self.slug, name),
            (
                *("/", "/me", "/me/data", "/me/messages", "/me/payments", f"/search?q={mark}"),
                *(application, "/applications", "/api/v1/applications", f"/api/v1{application}"),
                *(report, f"{REPORTS}/mine"),
            ),
        )

    def _bills(self, resident: SignedInResident, number: int, mark: str) -> None:
        account = f"41002{number:05d}"
        rows = "".join(
            f"water,{account},{mark}户,示例路{mark}号,2026-{month:02d},15,43.50,2026-11-03,2027-11-30,\n"
            for month in range(8, 11)
        )
        with self.world.inside(self.slug):
            now, city = datetime.now(UTC), self.world.city(self.slug)
            data = (bills.HEADER + rows).encode()
            import_bills(ImportRequest(system("proof"), city, data, "b.csv", now))
            wanted = LinkRequest("water", account, f"{mark}户", f"家{mark}"[:20])
            link_account(resident, city.catalog["utility_bills"], wanted, now)
            first = db.session.scalars(
                select(UtilityBill.id)
                .where(UtilityBill.paid_on.is_(None))
                .order_by(UtilityBill.id.desc())
            ).first()
            place = Place(f"http://{self.slug}.localhost", "zh")
            paid = begin_payment(city, resident, "utility_bills", [str(first)], place, now)
            self.stripe.pay()
            assert sync_payment(city, paid.id, now).state == "paid"

    def _vehicle(self, resident: SignedInResident, number: int, mark: str) -> None:
        plate = f"浙{PLATES[number]}12345"
        tickets.bring(
            self.world,
            {
                "plate": plate,
                "number": f"T-{number}",
                "place_zh": f"示例路{mark}",
                "place_en": f"Road {mark}",
            },
            city=self.slug,
        )
        with self.world.inside(self.slug):
            entry = self.world.city(self.slug).catalog["traffic_tickets"]
            link_vehicle(resident, entry, plate, "A00017", datetime.now(UTC))

    def _appointment(self, resident: SignedInResident, mark: str) -> None:
        session = self.clinic.session()
        with self.world.inside(self.slug):
            now = datetime.now(UTC)
            typed = {"name": f"示例{mark}", "relation": "self", "phone": "13800000000"}
            patient = add_patient(resident, typed, now).id
            booking.book(resident, patient, session, None, self.clinic.rules, now)

    def _application(self, browser: Browser, mark: str) -> str:
        """Sent, written of, approved with a certificate; and a draft. The address of the first."""
        number = begin(browser)
        street = {**FIRST, "street": f"示例路{mark}号"}
        for step, answers in enumerate((street, {**SECOND, "note": f"备注{mark}"}, THIRD), 1):
            save(browser, number, step, **answers)
        here = f"/applications/{number}"
        browser.post(f"{here}/submit", f"{here}/check")
        written = browser.post(f"{here}/messages", here, words=f"还有{mark}")
        assert written.status_code == 303, written.text
        with self.world.inside(self.slug):
            now, clerk = datetime.now(UTC), system("proof")
            deciding.take_over(clerk, FORM, number, now)
            deciding.decide(clerk, FORM, number, "approved", "", now)
            query = select(ApplicationPaper.code).where(ApplicationPaper.number == number)
            self.papers.append(db.session.scalars(query).one())
        save(browser, begin(browser), 1, **street)
        return here

    def _report(self, browser: Browser, mark: str) -> str:
        """A problem whose place everybody may read, and its words the city alone; its address."""
        told = {**LAMP, "place": f"示例路口{self.city_mark}", "words": f"灯不亮{mark}"}
        answer = browser.post(REPORTS, **told)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["Location"]).partition("?")[0]

    def _message(self, resident: SignedInResident, mark: str) -> None:
        with self.world.inside(self.slug):
            words = {"zh": f"示例消息{mark}", "en": f"Sample message {mark}"}
            notify(resident.id, f"proof:{mark}", words, words, "/me", datetime.now(UTC))

    def _staff(self) -> Visitor:
        browser = self.world.staff(f"staff-{self.slug}", CITY_ADMIN, city=self.slug)
        cookie = browser.client.get_cookie("session", "console.localhost")
        assert cookie is not None
        return Visitor(
            f"staff of {self.slug}",
            "console.localhost",
            {"Cookie": f"session={cookie.value}"},
            Reader(self.slug, reads_all=True),
            (f"/cities/{self.slug}/applications", *self._own_console_pages()),
        )

    def _own_console_pages(self) -> Iterator[str]:
        for rule in self.app.url_map.iter_rules():
            if (
                rule.host == "console"
                and rule.arguments == {"city"}
                and "GET" in (rule.methods or ())
            ):
                yield rule.rule.replace("<city>", self.slug)

    def _back_office(self) -> Visitor:
        office = Office(self.world, self.slug)
        return Visitor(
            f"back office of {self.slug}",
            f"{self.slug}.localhost",
            {"Authorization": f"Bearer {office.token}"},
            Reader(self.slug, reads_all=True),
            (
                "/api/v1/utility-bills/bills",
                "/api/v1/traffic-tickets/tickets",
                "/api/v1/hospital-appointments/schedules",
            ),
        )
