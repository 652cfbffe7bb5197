"""What the sections measure on: an application with its cities, on a database of its own."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
from collections.abc import Callable, Iterator

from flask import Flask, Response
from tests.support import postgres
from tests.support.documents import HANGZHOU, PLATFORM, ZHEJIANG
from tests.support.served_world import session_cookie
from werkzeug.test import EnvironBuilder, run_wsgi_app

from smartcity_saas.app import create_app
from smartcity_saas.audit import system
from smartcity_saas.cli.operations import upgrade_database
from smartcity_saas.clock import utc_now
from smartcity_saas.configuration.documents import Documents
from smartcity_saas.configuration.validation import Candidate
from smartcity_saas.configuration.yaml_source import parse
from smartcity_saas.credentials import store_credential
from smartcity_saas.identity.federation.channels.demo import sample
from smartcity_saas.identity.residents import accounts
from smartcity_saas.services.utility_bills import demo
from smartcity_saas.services.utility_bills.linked_accounts import linked_accounts
from smartcity_saas.settings import Settings
from smartcity_saas.tenancy.background_compiling import leave_out_of_collections
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.flask_app import SiteFlask

PROVINCE = """\
province: benchmark
division_code: "900000"
name: {zh: 测, en: Benchmark}
"""


@contextlib.contextmanager
def superuser() -> Iterator[str | None]:
    """The URL of a superuser of a durable PostgreSQL; none where it is not installed."""
    if named := os.environ.get(postgres.VARIABLE):
        yield named
        return
    with postgres.throwaway_cluster(durable=True) as found:
        yield found


def application(url: str, owner: str) -> SiteFlask:
    """An application on an empty database, with the platform, two provinces and Hangzhou."""
    settings = Settings(
        demo=True,
        secret_key="b" * 40,
        master_key="b" * 40,
        database_url=url,
        owner_url=owner,
        testing=True,
        allowed_networks=(ipaddress.ip_network("127.0.0.0/8"),),
        stripe_api_base=f"http://127.0.0.1:{free_port()}",
    )
    app = create_app(settings, serving=False)
    with app.app_context():
        upgrade_database(settings)
        documents = Documents(system("bench"), app.registry.extensions, "localhost", utc_now())
        texts = (PLATFORM, ZHEJIANG, PROVINCE, HANGZHOU)
        documents.save_all([Candidate(parse(text, "bench")) for text in texts], {}, "", "file")
        app.registry.refresh()
    leave_out_of_collections()  # as a process that serves does
    return app


def environment(url: str) -> dict[str, str]:
    """How a server of its own comes to the same database and keys."""
    return {
        "SMARTCITY_DEMO": "1",
        "SMARTCITY_SECRET_KEY": "b" * 40,
        "SMARTCITY_MASTER_KEY": "b" * 40,
        "DATABASE_URL": url,
    }


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def grow(app: SiteFlask, made: int, size: int) -> int:
    """Store cities ``town-<made>`` to ``town-<size - 1>``; returns ``size``."""
    with app.app_context():
        documents = Documents(system("bench"), app.registry.extensions, "localhost", utc_now())
        while made < size:
            batch = range(made, min(size, made + 500))
            candidates = [Candidate(parse(town(number), "bench")) for number in batch]
            documents.save_all(candidates, {}, "", "rollout")
            made = batch.stop
    return made


def town(number: int) -> str:
    return (
        f'city: town-{number}\nprovince: benchmark\ndivision_code: "90{number:04d}"\n'
        f"name: {{zh: 城{number}, en: Town {number}}}\nstate: live\n"
    )


def signed_in(app: SiteFlask) -> tuple[str, str]:
    """The cookie of a sample resident of Hangzhou, which takes payments, who has seen a page, and the
    path of their bill page."""
    with app.app_context():
        city = app.registry.snapshot.cities["hangzhou"]
        with tenant_context(city.id):
            for name in ("stripe_secret_key", "stripe_webhook_secret"):
                store_credential(app.product.keyring, system("bench"), name, "sk_test", utc_now())
            demo.fill(city, utc_now())
            token = accounts.sign_in("demo", sample("household"), now=utc_now())
            resident = accounts.signed_in(token, utc_now())
            assert resident is not None
            link = linked_accounts(resident)[0]
    cookie = session_cookie(app, "hangzhou.localhost", {"resident": token})
    path = f"/services/utility-bills/accounts/{link.id}"
    return kept_by_browser(call_of(app, "hangzhou.localhost", path, cookie)()) or cookie, path


def kept_by_browser(answer: Response) -> str:
    """The session's cookie as a browser holds it after its first page, with the token of its forms:
    without it every page would make a token anew and set the cookie again."""
    found = answer.headers.get("Set-Cookie", "").partition(";")[0]
    return found if found.startswith("session=") else ""


def token_in(app: SiteFlask, cookie: str) -> str:
    """The token of a resident's session, from its cookie at Hangzhou's site."""
    with app.test_request_context("/", base_url="http://hangzhou.localhost"):
        serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
        return str(serializer.loads(cookie.partition("=")[2])["resident"])


def call_of(app: Flask, host: str, path: str, cookie: str = "") -> Callable[[], Response]:
    """One request through the WSGI interface, whole."""
    environ = EnvironBuilder(path, base_url=f"http://{host}").get_environ()
    environ |= {"REMOTE_ADDR": "127.0.0.1", "HTTP_ACCEPT_LANGUAGE": "zh"}
    if cookie:
        environ["HTTP_COOKIE"] = cookie

    def call() -> Response:
        chunks, status, headers = run_wsgi_app(app, dict(environ))
        return Response(b"".join(chunks), status=status, headers=headers)

    return call
