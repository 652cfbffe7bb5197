"""Pages for everyone over HTTP: the product beside a bare Flask view and a bare WSGI callable that send
the same bytes, each served by granian with one worker.

Cities and languages are asked for at random, after each page was asked for once, and with gzip, as
browsers do; the peers send the packed bytes. The client is wrk on one thread, which is never what is
slow. The three servers run side by side and are measured in turns.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support import postgres

from benchmarks.setting import application, environment, free_port, grow
from benchmarks.table import Row, record
from smartcity_saas.audit import system
from smartcity_saas.clock import utc_now
from smartcity_saas.tenancy.announcements import publish
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.flask_app import SiteFlask
from smartcity_saas.web.static_files import static_url

CITIES = 352
TURNS, SECONDS, CONNECTIONS = 5, 2, 16
FLASK, CALLABLE = "a bare Flask view", "a bare WSGI callable"
AIMS = {FLASK: "≥ 3.0", CALLABLE: "≥ 0.6"}
PAGES = {
    "home page": "/",
    "list of services": "/services",
    "landing of a service": "/services/utility-bills",
    "landing of traffic tickets": "/services/traffic-tickets",
    "landing of hospital appointments": "/services/hospital-appointments",
    "notices": "/announcements",
    "transparency": "/transparency",
}
PACKED = {"Accept-Encoding": "gzip"}
WORDS = {"zh": "城北停水通知", "en": "No water in the north of the city"}
PRODUCT = "smartcity_saas.asgi:create_asgi"
PEERS = {FLASK: "benchmarks.peers.bare:flask_view", CALLABLE: "benchmarks.peers.bare:wsgi_callable"}


@dataclass(frozen=True)
class Load:
    """What is asked for: one path, at every host in each language."""

    path: str
    hosts: Sequence[str]
    languages: Sequence[str] = ("zh", "en")
    headers: Mapping[str, str] | None = None

    def script(self) -> str:
        """As wrk's, in Lua: a host and a language at random each time."""
        more = "".join(f"{name}: {value}\\r\\n" for name, value in (self.headers or {}).items())
        return (
            f"local hosts = {{{', '.join(map(repr, self.hosts))}}}\n"
            f"local languages = {{{', '.join(map(repr, self.languages))}}}\n"
            "function request()\n"
            f"  return 'GET {self.path} HTTP/1.1\\r\\nHost: ' .. hosts[math.random(#hosts)]\n"
            "    .. '\\r\\nAccept-Language: ' .. languages[math.random(#languages)]\n"
            f"    .. '\\r\\n{more}\\r\\n'\n"
            "end\n"
        )


def over_http(cluster: str) -> None:
    """Measure every page beside both peers."""
    if shutil.which("wrk") is None:
        sys.exit("wrk is needed to ask fast enough: apt-get install wrk")
    with postgres.test_database(cluster) as database:
        app = application(database.application, database.owner)
        hosts = _cities(app)
        with app.app_context():
            sheet = static_url("site.css")
        with _served("asginl", PRODUCT, environment(database.application)) as port:
            for name, path in {**PAGES, "stylesheet": sheet}.items():
                _measured(f"{name} over HTTP", port, Load(path, hosts, headers=PACKED))
            _measured("home page over HTTP, not packed", port, Load("/", hosts))
            etag = _get(port, hosts[0], "/", {"Accept-Language": "zh"})[1]["etag"]
            known = Load("/", hosts[:1], ["zh"], {"If-None-Match": etag})
            _measured("home page over HTTP, 304", port, known)


def _cities(app: SiteFlask) -> list[str]:
    """Cities with three notices each; their hosts."""
    grow(app, 1, CITIES)
    with app.app_context():
        app.registry.refresh()
        for city in app.registry.snapshot.cities.values():
            with tenant_context(city.id):
                for _notice in range(3):
                    publish(system("bench"), WORDS, WORDS, WORDS, utc_now())
    return [f"{slug}.localhost" for slug in app.registry.snapshot.cities]


def _measured(name: str, port: int, load: Load) -> None:
    for host in load.hosts:
        for language in load.languages:
            head = {"Accept-Language": language, **(load.headers or {})}
            status, headers, body = _get(port, host, load.path, head)
            assert status in (200, 304), (status, host, load.path)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "body").write_bytes(body)
        script = folder / "ask.lua"
        script.write_text(load.script())
        told = {"BARE_BODY": str(folder / "body"), "BARE_TYPE": headers.get("content-type", "")}
        ports = {
            peer: stack.enter_context(_served("wsgi", target, told))
            for peer, target in PEERS.items()
        }
        turns = [
            {peer: _per_second(one, script) for peer, one in [("", port), *ports.items()]}
            for _turn in range(TURNS)
        ]
    for peer in PEERS:
        _record(f"{name} beside {peer}", peer, turns)


def _record(name: str, peer: str, turns: Sequence[Mapping[str, float]]) -> None:
    ratios = [turn[""] / turn[peer] for turn in turns]
    ours, theirs = (statistics.median(turn[one] for turn in turns) for one in ("", peer))
    spread = min(ratios), max(ratios)
    aim = None if "," in name else AIMS[peer]
    record(Row(name, ours, theirs, "per second", statistics.median(ratios), aim, spread))


def _per_second(port: int, script: Path) -> float:
    done = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", str(script), f"http://127.0.0.1:{port}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "Non-2xx" not in done.stdout, done.stdout
    found = re.search(r"Requests/sec:\s+([0-9.]+)", done.stdout)
    assert found, done.stdout
    return float(found[1])


@contextlib.contextmanager
def _served(interface: str, target: str, told: Mapping[str, str]) -> Iterator[int]:
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "granian", "--interface", interface, "--factory", "--port", str(port),
         "--workers", "1", "--http", "1", target],
        env={**os.environ, **told}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait(port)
        yield port
    finally:
        server.terminate()
        server.wait(30)


def _wait(port: int) -> None:
    for _try in range(600):
        with contextlib.suppress(OSError, http.client.HTTPException):
            if _get(port, "hangzhou.localhost", "/readyz", {})[0] == 200:
                return
        time.sleep(0.1)
    raise RuntimeError("the server did not become ready")


def _get(
    port: int, host: str, path: str, headers: Mapping[str, str]
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path, headers={"Host": host, **headers})
        answer = connection.getresponse()
        names = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, names, answer.read()
    finally:
        connection.close()
