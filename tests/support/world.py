"""An application whose database holds two provinces and three cities, and levers."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask.testing import FlaskClient

from smartcity_saas.audit import system
from smartcity_saas.configuration.city import City
from smartcity_saas.configuration.documents import Documents
from smartcity_saas.configuration.validation import Candidate
from smartcity_saas.configuration.yaml_source import parse
from smartcity_saas.credentials import store_credential
from smartcity_saas.database.transactions import db
from smartcity_saas.identity.staff.accounts import create_staff
from smartcity_saas.identity.staff.roles import CITY_ADMIN, OPERATOR, PROVINCE_ADMIN
from smartcity_saas.sandboxes.stripe.objects import account_id, signing_secret
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.flask_app import SiteFlask
from smartcity_saas.worker import make_runner
from tests.support.browser import Browser, fresh
from tests.support.sandboxes import Sandboxes
from tests.support.states import States
from tests.support.stripe import Stripe

PASSWORD = "correct horse battery"


class MovableClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **parts: float) -> None:
        self.now += timedelta(**parts)


@dataclass
class World:
    """An application whose database holds two provinces and three cities."""

    app: SiteFlask
    clock: MovableClock
    engine: str
    states: States
    sandboxes: Sandboxes
    clients: dict[str, FlaskClient] = field(default_factory=dict)

    def documents(self, actor: Any = None) -> Documents:
        db.session.rollback()  # what the test read before is not what is there now
        registry = self.app.registry
        return Documents(
            actor or system("test"), registry.extensions, registry.platform_host, self.clock()
        )

    def save(self, yaml: str, based_on: int | None = None, **options: Any) -> Any:
        candidate = Candidate(parse(yaml, "test"))
        documents = self.documents(options.pop("actor", None))
        if based_on is None:
            based_on = next((d.number for d in documents.named([candidate.name])), 0)
        made = documents.save(candidate, based_on, options.pop("message", ""), **options)
        self.app.registry.refresh()
        return made

    def once(self, name: str, make: Callable[[], object]) -> None:
        """Let the database hold what ``make`` writes: made once a worker and day (in Shanghai), brought
        back afterwards. Asked first of all, since it takes away what a test has written before."""
        state = f"{name}-{self.clock().astimezone(ZoneInfo('Asia/Shanghai')).date()}"
        db.session.rollback()
        if not self.states.bring(state):
            make()
            db.session.rollback()
            self.states.keep(state)
        self.app.registry.refresh()

    def city(self, slug: str) -> City:
        """A city as it is served."""
        return self.app.registry.snapshot.cities[slug]

    def work(self) -> int:
        """Do what the outbox holds and is due, as the runner does; returns how much was done."""
        db.session.rollback()
        return fresh(lambda: make_runner(self.app).run_due())

    def open_payments(self, slug: str = "hangzhou") -> Stripe:
        """Give a city its account at the sandbox; returns the sandbox as that city sees it."""
        key = f"sk_test_{slug}"
        account = account_id(key)
        secret = signing_secret(account, f"http://{slug}.localhost/webhooks/stripe")
        with self.inside(slug):
            for name, value in (("stripe_secret_key", key), ("stripe_webhook_secret", secret)):
                store_credential(
                    self.app.product.keyring, system("test"), name, value, self.clock()
                )
        return Stripe(self, slug, self.sandboxes.stripe.account(account), secret)

    def city_id(self, slug: str) -> int:
        return self.documents().live(slug).id

    @contextlib.contextmanager
    def inside(self, slug: str) -> Iterator[None]:
        with tenant_context(self.city_id(slug)):
            yield

    def client(self, host: str, language: str = "en") -> Browser:
        return Browser(self.app.test_client(), host, language)

    def staff(self, username: str, role: str, **place: str) -> Browser:
        create_staff(
            system("test"),
            username,
            username.title(),
            (role,),
            PASSWORD,
            demo=True,
            now=self.clock(),
            **place,
        )
        browser = self.client("console.localhost")
        answer = browser.post("/sign-in", username=username, password=PASSWORD)
        assert answer.status_code == 302, answer.text
        return browser

    def operator(self) -> Browser:
        return self.staff("root", OPERATOR)

    def province_admin(self, province: str = "zhejiang") -> Browser:
        return self.staff(f"admin-{province}", PROVINCE_ADMIN, province=province)

    def city_staff(self, city: str = "hangzhou") -> Browser:
        return self.staff(f"staff-{city}", CITY_ADMIN, city=city)

    def resident(self, city: str = "hangzhou", subject: str = "household") -> Browser:
        browser = self.client(f"{city}.localhost")
        answer = browser.post("/sign-in/demo", "/sign-in", subject=subject)
        assert answer.status_code == 302, answer.text
        return browser
