"""The shipped Caddyfile over a real Caddy, which asks a real application for each name."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.brokers import answers
from tests.support.loopback import serving
from tests.support.nodes import make_certificate
from tests.support.paths import ROOT
from tests.support.served import free_port, until
from tests.support.world import World

pytestmark = pytest.mark.processes


@contextmanager
def caddy(folder: Path, node: str) -> Iterator[int]:
    """The port of a Caddy with the shipped file, and an authority of its own for certificates."""
    port, ask = free_port(), free_port()
    certificate = make_certificate(folder, "localhost")
    options = (
        f"{{\n\tadmin off\n\tlocal_certs\n\tskip_install_trust\n\tdefault_bind 127.0.0.1\n"
        f"\thttp_port {free_port()}\n\thttps_port {port}\n\tstorage file_system {folder}/caddy\n"
    )
    shipped = (ROOT / "deploy/caddy/Caddyfile").read_text("utf-8")
    text = shipped.replace("127.0.0.1:2020", f"127.0.0.1:{ask}").replace("{\n", options, 1)
    (folder / "Caddyfile").write_text(text, "utf-8")
    env = {
        **os.environ,
        "HOME": str(folder),
        "SMARTCITY_HOST": "localhost",
        "SMARTCITY_NODES": node,
        "SMARTCITY_CERTIFICATE": str(certificate),
        "SMARTCITY_CERTIFICATE_KEY": str(certificate.with_suffix(".key")),
    }
    program = Path(sys.executable).with_name("caddy")
    with (folder / "caddy.log").open("wb") as log:
        words = [program, "run", "--config", folder / "Caddyfile"]
        process = subprocess.Popen(words, env=env, cwd=folder, stdout=log, stderr=log)
    try:
        until(lambda: process.poll() is not None or answers(port), 60)
        assert process.poll() is None, (folder / "caddy.log").read_text("utf-8")
        yield port
    finally:
        process.terminate()
        process.wait(30)


def first_line(port: int, host: str, path: str = "/") -> str:
    """The status line of a page, asked by TLS with the name of its host.

    Raises:
        ssl.SSLError: There is no certificate for it.
    """
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port), 60) as plain,
        context.wrap_socket(plain, server_hostname=host) as line,
    ):
        line.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        with line.makefile("rb") as answer:
            return answer.readline().decode().strip()


def test_caddy_makes_certificates_for_what_is_served_alone(world: World, tmp_path: Path) -> None:
    """A city's own host has one as soon as somebody asks for it, a stranger's name never; what
    proxies ask is not told to visitors."""
    with (
        serving(lambda _base: world.app) as node,
        caddy(tmp_path, node.removeprefix("http://")) as port,
    ):
        assert first_line(port, "city.hangzhou.example") == "HTTP/1.1 200 OK"
        assert first_line(port, "ningbo.localhost") == "HTTP/1.1 200 OK"
        for stranger in ("nowhere.example", "hangzhou.example"):
            with pytest.raises(ssl.SSLError):
                first_line(port, stranger)
        asked = first_line(port, "ningbo.localhost", "/internal/tls-ask?domain=ningbo.localhost")
        assert asked.startswith("HTTP/1.1 404")
