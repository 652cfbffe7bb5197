"""Starting the product: ``python -m smartcity_saas``. In demo mode it fills itself first."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from sqlalchemy import make_url

from smartcity_saas.app import create_app
from smartcity_saas.audit import system
from smartcity_saas.cli.operations import upgrade_database
from smartcity_saas.clock import utc_now
from smartcity_saas.configuration.document_files import read_files
from smartcity_saas.configuration.documents import Documents
from smartcity_saas.configuration.file_plan import plan
from smartcity_saas.configuration.repository import count_documents
from smartcity_saas.database import db
from smartcity_saas.demo import PASSWORD, STAFF, create_sample_staff, fill_demo
from smartcity_saas.errors import SettingsError, SmartCityError
from smartcity_saas.held_socket import HeldSocketGranian
from smartcity_saas.identity.demo import connect_channels
from smartcity_saas.identity.staff.accounts import has_staff
from smartcity_saas.logs import get_logger
from smartcity_saas.payments.demo import connect_sandbox
from smartcity_saas.settings import PORT, Settings
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.file_apply import apply_plan
from smartcity_saas.tenancy.flask_app import SiteFlask

CONNECTIONS = 4096
"""Connections of one process, idle ones too; more wait to be accepted."""
HEADER_SECONDS = 20
"""How long the head of a request may take, and how long a connection may be idle before it."""
KILL_SECONDS = 30
"""How long a process may finish what is under way when it is told to stop."""

log = get_logger(__name__)


def main() -> None:
    """Prepare what the mode asks for, say where everything is, and serve."""
    try:
        settings = Settings.from_environment()
        settings.refuse_unsafe_keys()
        if not settings.held_socket:
            refuse_taken_port(settings.bind, settings.port, "PORT")
        if not settings.demo:
            create_app(settings)
            serve(settings)
            return
        with helpers(settings):
            prepare_demo(create_app(settings, serving=False), settings)
            with helper("smartcity_saas.cli", "worker"):
                announce_demo(settings)
                serve(settings)
    except SmartCityError as error:
        sys.exit(f"smartcity: {error.detail or error.title}")


@contextmanager
def helpers(settings: Settings) -> Iterator[None]:
    """The sandboxes that stand in for the apps, and for Stripe unless another address was given.

    Raises:
        SettingsError: It does not start.
    """
    refuse_taken_port("127.0.0.1", settings.channel_sandbox_port, "CHANNEL_SANDBOX_PORT")
    with helper("smartcity_saas.sandboxes.channels") as process:
        _wait_for(process, settings.channel_sandbox_port, "The sandbox of the apps")
        base = f"http://127.0.0.1:{settings.stripe_sandbox_port}"
        if settings.stripe_api_base != base:
            yield
            return
        with _stripe(settings):
            yield


@contextmanager
def _stripe(settings: Settings) -> Iterator[None]:
    state = settings.config_root / "var" / "stripe-sandbox.json"
    database = make_url(settings.database_url).database
    if settings.database_url.startswith("sqlite") and database:
        state = Path(database).with_suffix(".stripe.json")
    state.parent.mkdir(parents=True, exist_ok=True)
    with helper("smartcity_saas.sandboxes.stripe", "--state", str(state)) as process:
        _wait_for(process, settings.stripe_sandbox_port, "The payment sandbox")
        yield


def _wait_for(process: subprocess.Popen[bytes], port: int, name: str) -> None:
    for _try in range(200):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            break
        if process.poll() is not None:
            raise SettingsError(f"{name} did not start; see above.")
        time.sleep(0.05)


@contextmanager
def helper(module: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process beside this one that ends with it, however this one ends: its standard input
    closes then."""
    process = subprocess.Popen(  # noqa: S603 -- our own modules, with our own words
        [sys.executable, "-m", module, *arguments, "--with-parent"],
        stdin=subprocess.PIPE,
    )
    if process.stdin is not None:  # whatever the server forks must not hold the other end open
        os.register_at_fork(after_in_child=process.stdin.close)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


def refuse_taken_port(address: str, port: int, variable: str) -> None:
    """Stop before anything is said if another program listens on the port.

    The server shares its port among its processes, so it would not notice by itself.

    Raises:
        SettingsError: The port is taken, or the address is not ours.
    """
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise SettingsError(
                f"Port {port} on {address} cannot be used: {error.strerror}. "
                f"Set {variable} to another one."
            ) from None


def serve(settings: Settings) -> None:
    """Serve with granian until told to stop."""
    end_children_while_they_start()
    log.info("server.listening", bind=settings.bind, port=settings.port, workers=settings.workers)
    server = HeldSocketGranian if settings.held_socket else Granian
    server(
        "smartcity_saas.asgi:create_asgi",
        factory=True,
        address=settings.bind,
        port=settings.port,
        interface=Interfaces.ASGINL,
        workers=settings.workers,
        backpressure=CONNECTIONS,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_SECONDS * 1000),
        workers_kill_timeout=KILL_SECONDS,
        websockets=False,
        log_level=LogLevels.error,
        log_access=False,  # its lines have paths, and a path may hold a token
    ).serve()


def end_children_while_they_start() -> None:
    """Let a signal to stop end a process of the server that is still loading the product.

    It inherits a handler that only wakes its parent's loop, so a signal before it has its own was
    lost, and the parent waited for it for ever. Signals wait while a process is being made.
    """
    stops = {signal.SIGTERM, signal.SIGINT}

    def begin_anew() -> None:
        for number in stops:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, stops)

    os.register_at_fork(
        before=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, stops),
        after_in_parent=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, stops),
        after_in_child=begin_anew,
    )


def prepare_demo(app: SiteFlask, settings: Settings) -> None:
    """Migrate, and fill an empty platform; a second start finds everything there. A platform
    that has documents and no account gets the sample accounts.

    Every connection is closed afterwards. The server forks, and SQLite must not be carried across
    a fork: a child would count on its parent's locks, and one process could go on reading a
    write-ahead log that another has deleted (sqlite.org/howtocorrupt.html, 2.6).
    """
    with app.app_context():
        upgrade_database(settings)
        if not count_documents():
            _fill(app, settings)
        elif not has_staff():
            create_sample_staff(utc_now())
        _connect(app, settings)
    with app.app_context():
        db.engine.dispose()


def _fill(app: SiteFlask, settings: Settings) -> None:
    with app.app_context():
        root = settings.config_root
        _say("Making the sample cities …")
        registry = app.registry
        documents = Documents(
            system("demo"), registry.extensions, registry.platform_host, utc_now()
        )
        files, problems = read_files([root / "config", root / "tenants"])
        for problem in problems:
            _say(str(problem))
        apply_plan(documents, plan(documents, files), "首次启动 / first start")
        fill_demo(lambda slug: _say(f"  {slug}"), utc_now())


def _connect(app: SiteFlask, settings: Settings) -> None:
    registry = app.registry
    registry.refresh()
    for city in registry.snapshot.cities.values():
        with tenant_context(city.id):
            connect_channels(city, utc_now())
        if city.payments is not None and city.payments["provider"] == "stripe":
            with tenant_context(city.id):
                site = f"http://{city.slug}.{settings.host}:{settings.port}"
                connect_sandbox(city, site, utc_now())


def announce_demo(settings: Settings) -> None:
    """Say where everything is and how to sign in."""
    port = f":{settings.port}"
    _say("")
    _say("smartcity demo: every account, resident and bill is sample data.")
    _say(f"  Index of cities   http://{settings.host}{port}")
    _say(f"  Hangzhou          http://hangzhou.{settings.host}{port}")
    _say(f"  Guangzhou         http://guangzhou.{settings.host}{port}")
    _say(f"  Shanghai          http://shanghai.{settings.host}{port}")
    _say(f"  Console           http://console.{settings.host}{port}")
    _say(f"  Sign in on the console as one of: {', '.join(a['username'] for a in STAFF)}")
    _say(f"  Their password: {PASSWORD}")
    _say("  Residents: open a city, press sign in, choose a sample resident.")
    _say(f"  For programs: http://{settings.host}{port}/demo.json")
    if settings.port != PORT:
        _say(f"  The command:      export SMARTCITY_DEMO=1 PORT={settings.port}")
    _say("Stop with Ctrl+C.")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
