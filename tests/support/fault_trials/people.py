"""Those who book and pay: everything that they are told, they remember."""

from __future__ import annotations

import http.client
import itertools
import json
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from urllib.parse import urlencode

from flask import g, session
from flask_wtf.csrf import generate_csrf
from sqlalchemy import select, update

from smartcity_saas.database import db, transaction
from smartcity_saas.identity.federation.channels import AuthenticatedIdentity
from smartcity_saas.identity.residents import accounts
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.identity.residents.models import Resident
from smartcity_saas.sandboxes.stripe import money
from smartcity_saas.sandboxes.stripe.sending import signature
from smartcity_saas.services.hospital_appointments.patients import add_patient
from smartcity_saas.services.utility_bills.bills import LinkRequest, link_account
from smartcity_saas.services.utility_bills.models import UtilityBill
from tests.support import bills
from tests.support.api_client import BILL
from tests.support.clinic import Clinic
from tests.support.fault_trials.processes import HOST, Installation, Node
from tests.support.served_world import session_cookie
from tests.support.stripe import Stripe
from tests.support.world import World

PAGE = re.compile(r"cs_test_\w+")
CITY, OTHER_CITY = "hangzhou", "ningbo"
OTHER_HOST = f"{OTHER_CITY}.localhost"
FAULT = 500


@dataclass(frozen=True)
class Person:
    """A resident with a bill to pay and themselves as a patient."""

    cookie: str
    csrf: str
    patient: str
    bill: str


@dataclass
class Told:
    """What the people and a back office were told, and how often something did not come back."""

    booked: list[str] = field(default_factory=list)
    """Patients who were told that they have a place."""
    paid: list[str] = field(default_factory=list)
    """Bills whose payer paid at the provider, and whose event was taken."""
    stored: list[str] = field(default_factory=list)
    """Numbers of accounts whose bill a back office was told is stored."""
    statuses: Counter[int] = field(default_factory=Counter)
    unclear: list[str] = field(default_factory=list)
    """Answers that tell of a fault in another way than people and programs can act upon."""
    broken: int = 0
    """Requests that got no answer."""

    @property
    def faults(self) -> int:
        """Answers that tell of a fault."""
        return sum(count for status, count in self.statuses.items() if status >= FAULT)


def make_people(world: World, count: int) -> Iterator[Person]:
    """So many, in one city; the clinic has a place for half of them."""
    clinic = Clinic(world, CITY)
    clinic.bring({"capacity": str(max(1, count // 2)), "fee": "0"})
    _bring_bills(world, count)
    form_token = _form_token(world)
    for number in range(count):
        yield _person(world, number, form_token)


def _bring_bills(world: World, count: int) -> None:
    rows = "".join(
        f"water,{4_100_200_000 + number},户{number},示例路,2026-10,15,43.50,2026-11-03,2027-11-30,\n"
        for number in range(count)
    )
    bills.bring(world, bills.HEADER + rows, CITY)


def _person(world: World, number: int, form_token: tuple[str, str]) -> Person:
    with world.inside(CITY):
        now = datetime.now(UTC)
        token, resident = _sign_in(f"p{number}", now)
        with transaction():  # a hospital wants a number at which people can be called
            db.session.execute(
                update(Resident).where(Resident.id == resident.id).values(assurance="contact")
            )
        typed = {"name": f"示例{number}", "relation": "self", "phone": "13800000000"}
        patient = add_patient(resident, typed, now).id
        entry = world.city(CITY).catalog["utility_bills"]
        wanted = LinkRequest("water", str(4_100_200_000 + number), f"户{number}", "家")
        account = link_account(resident, entry, wanted, now).account_id
        bill = db.session.scalars(
            select(UtilityBill.id).where(UtilityBill.account_id == account)
        ).one()
    held = {"resident": token, "csrf_token": form_token[1]}
    cookie = session_cookie(world.app, HOST, held)
    return Person(cookie, form_token[0], str(patient), str(bill))


def _sign_in(name: str, now: datetime) -> tuple[str, SignedInResident]:
    identity = AuthenticatedIdentity((name,), f"示例{name}", demo=True)
    token = accounts.sign_in("demo", identity, now=now)
    resident = accounts.signed_in(token, now)
    assert resident is not None
    return token, resident


def _form_token(world: World, host: str = HOST) -> tuple[str, str]:
    """What a form carries, and what a session must hold for it."""
    with world.app.test_request_context("/", base_url=f"http://{host}"):
        g.pop("csrf_token", None)  # flask_wtf keeps it with the world's own context
        return generate_csrf(), session["csrf_token"]


@dataclass(frozen=True)
class Asker:
    """A resident of the city whose bills are with its back office, where they are looked up."""

    cookie: str
    csrf: str


def make_askers(world: World, count: int) -> Iterator[Asker]:
    """So many, in the other city."""
    form_token = _form_token(world, OTHER_HOST)
    for number in range(count):
        with world.inside(OTHER_CITY):
            token, _resident = _sign_in(f"a{number}", datetime.now(UTC))
        held = {"resident": token, "csrf_token": form_token[1]}
        yield Asker(session_cookie(world.app, OTHER_HOST, held), form_token[0])


@dataclass(frozen=True)
class Answer:
    """What came back; ``headers`` by their names in lower case."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def location(self) -> str:
        """Where it leads."""
        return self.headers.get("location", "")

    @property
    def is_final(self) -> bool:
        """Whether it tells of no fault, and of nothing that a wrong clock has called expired."""
        again = self.status >= FAULT or self.status in (400, 401, 429)
        return not again and "/sign-in" not in self.location

    def unclear(self) -> str | None:
        """What is wrong with it as an answer to somebody who meets a fault: it is 503, says in words
        that there is something to do, and when to come again."""
        if self.status < FAULT:
            return None
        if self.status != 503:
            return f"{self.status} {self.text[:200]!r}"
        if "Traceback" in self.text or not ("<h1" in self.text or '"detail"' in self.text):
            return f"503 without a sentence: {self.text[:200]!r}"
        return None if "retry-after" in self.headers else "503 without Retry-After"


class Crowd:
    """The people at work, on threads of their own, until all have done what they came for; and a back
    office, which stores bills until it is told to stop.

    Args:
        clinic: The session in which everyone wants a place.
        bearer: The token of the back office.
        pause: The seconds that one waits before the next comes, on average.
    """

    def __init__(
        self,
        installation: Installation,
        stripe: Stripe,
        clinic: str,
        people: list[Person],
        bearer: str,
        pause: float = 0.0,
    ) -> None:
        self.installation, self.stripe, self.clinic = installation, stripe, clinic
        self.bearer, self.pause = bearer, pause
        self.told = Told()
        self._lock = threading.Lock()
        self._waiting = iter(people)
        self._hurry = threading.Event()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, threads: int) -> None:
        """Let so many be at work at once."""
        acts = [self._work] * threads + [self._store_bills]
        self._threads = [threading.Thread(target=act, daemon=True) for act in acts]
        for one in self._threads:
            one.start()

    def finish(self) -> None:
        """Let those who still wait come at once, and wait until all are done."""
        self._hurry.set()
        for one in self._threads[:-1]:
            one.join(600)
        self._stop.set()
        self._threads[-1].join(200)

    def _work(self) -> None:
        while True:
            self._hurry.wait(random.uniform(0, 2 * self.pause))
            with self._lock:
                person = next(self._waiting, None)
            if person is None:
                return self._look_around()
            self._book(person)
            self._pay(person)

    def _look_around(self) -> None:
        """Whoever has nothing left to do reads the home page."""
        while not self._hurry.wait(random.uniform(0, 1)):
            self.ask("GET", "/", headers={})

    def _store_bills(self) -> None:
        """One bill at a time, each sent until it is told as stored, within the 600 calls a minute that a
        client is let through."""
        path = "/api/v1/utility-bills/bills"
        for number in itertools.count(4_200_000_001):
            if self._stop.wait(0.25):
                return
            head = {
                "Authorization": f"Bearer {self.bearer}",
                "Idempotency-Key": str(number),
                "Content-Type": "application/json",
            }
            body = json.dumps({"items": [{**BILL, "account_number": str(number)}]})
            answer = self._again(path, body, lambda head=head: head)  # type: ignore[misc]
            if answer is not None and answer.status == 200:
                self._note(self.told.stored, str(number))

    def _book(self, person: Person) -> None:
        path = f"/services/hospital-appointments/sessions/{self.clinic}/book"
        answer = self._send_form(person, path, {"patient": person.patient})
        if answer is not None and "/appointments/" in answer.location:
            self._note(self.told.booked, person.patient)

    def _pay(self, person: Person) -> None:
        answer = self._send_form(person, "/services/utility-bills/pay", {"bill": person.bill})
        found = PAGE.search(answer.location) if answer is not None else None
        if found is None:
            return
        page = self.stripe.account.objects[found[0]]
        with self.stripe.sandbox.lock:
            if page["payment_status"] != "paid":
                money.pay(self.stripe.sandbox, self.stripe.account, page, "card")
            event = next(
                one for one in reversed(self.stripe.events()) if found[0] in json.dumps(one["data"])
            )
        if self._tell(json.dumps(event)):
            self._note(self.told.paid, person.bill)

    def _tell(self, body: str) -> bool:
        """As a provider does: until it is taken."""

        def head() -> dict[str, str]:
            signed = signature(self.stripe.secret, body.encode(), int(time.time()))
            return {"Stripe-Signature": signed, "Content-Type": "application/json"}

        answer = self._again("/webhooks/stripe", body, head)
        return answer is not None and answer.status == 200

    def _send_form(self, person: Person, path: str, fields: dict[str, str]) -> Answer | None:
        body = urlencode({"csrf_token": person.csrf, **fields})
        head = form_headers(person.cookie)
        return self._again(path, body, lambda: head)

    def _again(self, path: str, body: str, head: Callable[[], dict[str, str]]) -> Answer | None:
        """Press again, at either node, until there is an answer that is final."""
        until = time.monotonic() + 180
        while time.monotonic() < until:
            answer = self.ask("POST", path, body, head())
            if answer is not None and answer.is_final:
                return answer
            time.sleep(0.2)
        return None

    def ask(
        self,
        method: str,
        path: str,
        body: str = "",
        headers: Mapping[str, str] = MappingProxyType({}),
        *,
        host: str = HOST,
        node: Node | None = None,
    ) -> Answer | None:
        """One request to one of the nodes; None where there is no answer. What came is counted."""
        port = (node or random.choice(self.installation.nodes)).port
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        try:
            line.request(method, path, body or None, {"Host": host, **headers})
            found = line.getresponse()
            names = {name.lower(): value for name, value in found.getheaders()}
            answer = Answer(found.status, names, found.read().decode("utf-8", "replace"))
        except (OSError, http.client.HTTPException):
            with self._lock:
                self.told.broken += 1
            return None
        finally:
            line.close()
        with self._lock:
            self.told.statuses[answer.status] += 1
            if unclear := answer.unclear():
                self.told.unclear.append(f"{method} {path}: {unclear}")
        return answer

    def _note(self, into: list[str], what: str) -> None:
        with self._lock:
            into.append(what)


def form_headers(cookie: str) -> dict[str, str]:
    """Those of a form that somebody with a session sends."""
    return {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
