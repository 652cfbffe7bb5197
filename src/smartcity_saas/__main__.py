"""Starting the product: ``python -m smartcity_saas``. In demo mode it fills itself first."""

from __future__ import annotations

import socket
import sys
from typing import Any

import structlog
from flask import Flask
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels

from smartcity_saas.app import create_app
from smartcity_saas.audit import system
from smartcity_saas.cli.operations import upgrade_database
from smartcity_saas.configuration.documents import Documents
from smartcity_saas.configuration.folder import read_files
from smartcity_saas.configuration.planning import plan
from smartcity_saas.configuration.stored import count_documents
from smartcity_saas.demo import PASSWORD, STAFF, fill_demo
from smartcity_saas.errors import SettingsError, SmartCityError
from smartcity_saas.settings import Settings
from smartcity_saas.tenancy.applying import apply_plan

THREADS = 8

log = structlog.get_logger(__name__)


def main() -> None:
    """Prepare what the mode asks for, say where everything is, and serve."""
    try:
        settings = Settings.from_environment()
        settings.refuse_unsafe_keys()
        refuse_taken_port(settings)
        if settings.demo:
            prepare_demo(create_app(settings, serving=False), settings)
            announce_demo(settings)
        else:
            create_app(settings)
    except SmartCityError as error:
        sys.exit(f"smartcity: {error.detail or error.title}")
    serve(settings)


def refuse_taken_port(settings: Settings) -> None:
    """Stop before anything is said if another program listens on the port.

    The server shares its port among its processes, so it would not notice by itself.

    Raises:
        SettingsError: The port is taken, or the address is not ours.
    """
    with socket.socket(socket.AF_INET6 if ":" in settings.bind else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.bind, settings.port))
        except OSError as error:
            raise SettingsError(
                f"Port {settings.port} on {settings.bind} cannot be used: {error.strerror}. "
                "Set PORT to another one."
            ) from None


def serve(settings: Settings) -> None:
    """Serve with granian until told to stop."""
    log.info("server.listening", bind=settings.bind, port=settings.port, workers=settings.workers)
    Granian(
        "smartcity_saas.app:create_app",
        factory=True,
        address=settings.bind,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.workers,
        blocking_threads=THREADS,
        http=HTTPModes.http1,
        websockets=False,
        log_level=LogLevels.error,
    ).serve()


def prepare_demo(app: Flask, settings: Settings) -> None:
    """Migrate, and fill an empty platform; a second start finds everything there."""
    with app.app_context():
        upgrade_database(settings)
        if count_documents():
            return
        root = settings.config_root
        _say("Making the sample cities …")
        fleet: Any = app.fleet  # type: ignore[attr-defined]
        documents = Documents(system("demo"), fleet.extensions, fleet.platform_host)
        files, problems = read_files([root / "config", root / "tenants"])
        for problem in problems:
            _say(str(problem))
        apply_plan(documents, plan(documents, files), "首次启动 / first start")
        fill_demo(lambda slug: _say(f"  {slug}"))


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
    _say("Stop with Ctrl+C.")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
