"""Serving a stand-in for another party on this machine alone, in demo mode."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from contextlib import suppress

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from smartcity_saas.errors import SmartCityError
from smartcity_saas.settings import Settings


class _Quiet(WSGIRequestHandler):
    """Logs nothing: what a stand-in does shows in the product."""

    def log_request(self, *ignored: object) -> None:
        """Nothing."""


def demo_settings(name: str) -> Settings:
    """The settings of a demo; anything else ends the process with a sentence."""
    try:
        settings = Settings.from_environment()
    except SmartCityError as error:
        sys.exit(f"{name}: {error.detail}")
    if not settings.demo:
        sys.exit(f"{name}: it runs in demo mode only (SMARTCITY_DEMO=1).")
    return settings


def serve_on_loopback(
    name: str, app: Flask, port: int, variable: str, *, with_parent: bool
) -> None:
    """Serve until stopped, or until the parent is gone (standard input ends)."""
    try:
        server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Quiet)
    except (OSError, SystemExit):
        sys.exit(f"{name}: port {port} is taken. Set {variable} to another one.")
    if with_parent:
        threading.Thread(target=_stop_with_parent, args=(server.shutdown,), daemon=True).start()
    with suppress(KeyboardInterrupt):
        server.serve_forever()


def _stop_with_parent(stop: Callable[[], None]) -> None:
    sys.stdin.read()
    stop()
