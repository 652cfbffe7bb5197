"""A reference back office: the three contracts of docs/connectors, in memory."""

from __future__ import annotations

import itertools
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask, Response, abort, jsonify, request
from werkzeug.serving import make_server

TOKEN = "a token of the tests"
LIES = (
    b"<!doctype html><title>Welcome</title>",
    b"[]",
    b'{"holder": 5, "address": "x", "bills": []}',
    b'{"holder": "x", "address": "x", "bills": "none"}',
    json.dumps(
        {
            "holder": "x",
            "address": "x",
            "bills": [{"period": "2026-10", "usage": 1, "amount": "43.50", "issued_on": 3}],
        }
    ).encode(),
    b'{"holder": "x", "address": "x", "bills": [{"number": "another", "period": "2026-13"}]}',
)
"""200, JSON by its head, and none of them an account as docs/connectors describes it."""


class BackOffice:
    """What it holds, what it was told, and how it misbehaves."""

    def __init__(self) -> None:
        self.accounts: dict[tuple[str, str], dict[str, Any]] = {}
        self.vehicles: dict[str, dict[str, Any]] = {}
        self.sessions: list[dict[str, Any]] = []
        self.told: dict[str, Any] = {}
        self.calls = 0
        self.trouble = ""
        self.base = ""
        self._lies = itertools.cycle(LIES)
        self._let_go = threading.Event()

    def let_go(self) -> None:
        """End what hangs, and behave."""
        self.trouble = ""
        self._let_go.set()
        self._let_go = threading.Event()

    def application(self) -> Flask:
        """The server."""
        app = Flask("back_office")

        @app.before_request
        def admit() -> Any:
            self.calls += 1
            if request.headers.get("Authorization") != f"Bearer {TOKEN}":
                abort(401)
            return self._misbehave()

        @app.get("/accounts/<kind>/<number>")
        def account(kind: str, number: str) -> Any:
            return jsonify(self.accounts.get((kind, number)) or abort(404))

        @app.get("/vehicles/<plate>")
        def vehicle(plate: str) -> Any:
            found = self.vehicles.get(plate) or abort(404)
            if request.args["tail"] not in (found["vin_tail"], found["engine_tail"]):
                abort(404)
            return jsonify(found)

        @app.get("/schedule")
        def schedule() -> Any:
            return jsonify(sessions=self.sessions)

        for path in ("/payments", "/reversals", "/appointments", "/violations/<number>/status"):
            app.add_url_rule(path, path, self._note, methods=["POST"])
        return app

    def _note(self, number: str = "") -> Any:
        self.told.setdefault(request.headers["Idempotency-Key"], {"number": number, **request.json})
        return jsonify(noted=True)

    def _misbehave(self) -> Any:
        if self.trouble == "down":
            return Response(status=503)
        if self.trouble == "refuses":
            return Response(status=403)
        if self.trouble == "redirect":
            return Response(status=302, headers={"Location": "http://127.0.0.1:1/"})
        if self.trouble == "junk":
            return Response("<html>", mimetype="text/html")
        if self.trouble == "large":
            return Response(b'"' + b"x" * 3_000_000 + b'"', mimetype="application/json")
        if self.trouble == "gzip":
            return Response(b"x", headers={"Content-Encoding": "gzip"})
        if self.trouble == "lies":
            return Response(next(self._lies), mimetype="application/json")
        if self.trouble == "hangs":
            self._let_go.wait(120)
            return Response(status=503)
        if self.trouble == "floods":
            flood = itertools.repeat(b" " * 65_536, 100_000)
            return Response(flood, mimetype="application/json")
        if self.trouble == "slow":

            def drip() -> Iterator[bytes]:
                for _byte in range(100):
                    time.sleep(0.3)
                    yield b" "

            return Response(drip(), mimetype="application/json")
        return None


@contextmanager
def open_office(office: BackOffice) -> Iterator[BackOffice]:
    """The office on a port of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = make_server("127.0.0.1", port, office.application(), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    office.base = f"http://127.0.0.1:{port}"
    try:
        yield office
    finally:
        server.shutdown()
        server.server_close()
