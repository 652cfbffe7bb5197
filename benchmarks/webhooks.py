"""Webhooks a second on PostgreSQL with default durability: taken, beside bare SQL that writes the
same; and followed, from the event's arrival until the payment is posted and the payer told."""

from __future__ import annotations

import io
import json
import logging
import multiprocessing
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.test import run_wsgi_app

from benchmarks.peers.bookings import Connections, take_event_bare
from benchmarks.table import absolute
from benchmarks.work import TURNS, beside, inside, per_second
from smartcity_saas.audit import system
from smartcity_saas.catalog.service import ImportRequest
from smartcity_saas.configuration.city import City
from smartcity_saas.credentials import store_credential
from smartcity_saas.database import db, transaction
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.identity.residents.models import Resident
from smartcity_saas.outbox.runner import Runner
from smartcity_saas.payments.checkout import Place, begin_payment
from smartcity_saas.payments.models import Payment
from smartcity_saas.payments.webhooks import receive
from smartcity_saas.sandboxes.stripe import money
from smartcity_saas.sandboxes.stripe.objects import account_id, make, signing_secret
from smartcity_saas.sandboxes.stripe.sending import signature
from smartcity_saas.sandboxes.stripe.server import create_sandbox
from smartcity_saas.sandboxes.stripe.state import Account, Sandbox
from smartcity_saas.services.utility_bills.bills import LinkRequest, link_account
from smartcity_saas.services.utility_bills.csv_import import REQUIRED, import_bills
from smartcity_saas.services.utility_bills.models import UtilityBill
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.flask_app import SiteFlask

EVENTS = 40
"""In a turn."""
PRICE = 100
KEY = "sk_test_bench"


class KeepAlive(WSGIRequestHandler):
    """Leaves connections open, as Stripe does; Werkzeug's own closes each, and reads on after an answer."""

    protocol_version = "HTTP/1.1"

    def run_wsgi(self) -> None:
        """Answer one request, of which all has been read, with a length."""
        environ = self.make_environ()
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        environ["wsgi.input"] = io.BytesIO(sent)
        chunks, status, headers = run_wsgi_app(self.server.app, environ, buffered=True)
        self.send_response(int(status.split()[0]))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"".join(chunks))


def webhooks(app: SiteFlask, url: str) -> None:
    """Taken, by eight threads: signature, event kept, task written. Followed: that, and then, by one
    runner, the task claimed, the payment fetched from the provider, posted, fulfilled, its payer told,
    the task done."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    city = app.registry.snapshot.cities["hangzhou"]
    sandbox = Sandbox()
    account = sandbox.account(account_id(KEY))
    secret = signing_secret(account.id, "bench")
    with _provider(app, sandbox) as serve:
        paid = _paid_payments(app, city, sandbox, account, secret)
        serve()
        rates, followed = [], []
        for start in range(0, len(paid), EVENTS):
            events = [
                make("event", type="x", data={"object": one})
                for one in paid[start : start + EVENTS]
            ]
            taken = per_second(
                events, lambda event: inside(app, lambda: _take(city, secret, event))
            )
            done = _done_per_second(app, len(events))
            with Connections(url) as pool:
                bare = per_second(events, lambda _event, pool=pool: take_event_bare(pool, city.id))  # type: ignore[misc]
            rates.append((taken, bare))
            followed.append(1 / (1 / taken + 1 / done))
    inside(app, lambda: _check(city, len(paid)))
    beside("webhooks taken, 8 threads", rates[1:], "per second", None)
    absolute("webhooks followed, one city, one runner", followed[1:], "per second", "≥ 100")


@contextmanager
def _provider(app: SiteFlask, sandbox: Sandbox) -> Iterator[Callable[[], None]]:
    """The sandbox: in this process while payments are made, then, once ``serve`` is called, in one of
    its own, so that what it takes is not ours."""
    port = int(app.product.settings.stripe_api_base.rpartition(":")[2])
    served = create_sandbox(sandbox, f"http://127.0.0.1:{port}")
    with socket.create_server(("127.0.0.1", port)) as listening:

        def server() -> BaseWSGIServer:
            return make_server(
                "127.0.0.1",
                port,
                served,
                threaded=True,
                request_handler=KeepAlive,
                fd=listening.fileno(),
            )

        first = server()
        here = threading.Thread(target=first.serve_forever, daemon=True)
        here.start()
        there = multiprocessing.get_context("fork").Process(
            target=lambda: server().serve_forever(), daemon=True
        )

        def serve() -> None:
            first.shutdown()
            here.join()
            there.start()

        try:
            yield serve
        finally:
            if there.is_alive():
                there.kill()


def _take(city: City, secret: str, event: Any) -> None:
    with tenant_context(city.id):
        body = json.dumps(event).encode()
        headers = {"Stripe-Signature": signature(secret, body, int(time.time()))}
        assert receive(city, "stripe", body, headers, datetime.now(UTC))


def _done_per_second(app: SiteFlask, wanted: int) -> float:
    """How many of the tasks that follow what was taken one runner does a second, quotas aside."""
    runner = Runner(app, app.product.tasks, tenant_context, lambda: datetime.now(UTC))
    begun = time.perf_counter()
    assert runner.run_due() == wanted
    return wanted / (time.perf_counter() - begun)


def _check(city: City, wanted: int) -> None:
    with tenant_context(city.id):
        query = select(func.count(Payment.id)).where(Payment.state == "paid")
        assert db.session.scalar(query) == wanted


def _paid_payments(
    app: SiteFlask, city: City, sandbox: Sandbox, account: Account, secret: str
) -> list[Any]:
    """Payments that were paid at the provider, and that we have yet to hear of."""
    now, many = datetime.now(UTC), EVENTS * (TURNS + 1)
    header = ",".join([*REQUIRED, "paid_on"])
    rows = [
        f"water,4100280055,x,x,{2000 + n // 12}-{n % 12 + 1:02d},1,1.00,2026-01-01,2026-12-31,"
        for n in range(many)
    ]
    with app.app_context(), tenant_context(city.id):
        ring = app.product.keyring
        for name, value in (("stripe_secret_key", KEY), ("stripe_webhook_secret", secret)):
            store_credential(ring, system("bench"), name, value, now)
        import_bills(
            ImportRequest(system("bench"), city, "\n".join([header, *rows]).encode(), "b", now)
        )
        with transaction() as session:
            person = Resident(name="x", created_at=now)
            session.add(person)
            session.flush()
        resident = SignedInResident(person.id, "x", False)
        wanted = LinkRequest("water", "4100280055", "x", "x")
        link_account(resident, city.catalog["utility_bills"], wanted, now)
        unpaid = select(UtilityBill.id).where(
            UtilityBill.paid_on.is_(None), UtilityBill.amount == PRICE
        )
        bills = [str(key) for key in db.session.scalars(unpaid)][:many]
        return [_paid(city, resident, sandbox, account, bill, now) for bill in bills]


def _paid(
    city: City,
    resident: SignedInResident,
    sandbox: Sandbox,
    account: Account,
    bill: str,
    now: datetime,
) -> Any:
    place = Place("http://hangzhou.localhost", "zh")
    made = begin_payment(city, resident, "utility_bills", [bill], place, now)
    page = account.objects[str(made.checkout_id)]
    money.pay(sandbox, account, page, "card")
    return page
