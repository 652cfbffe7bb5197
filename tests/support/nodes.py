"""Web nodes behind a proxy, each a process of its own, as ``deploy/`` sets them up."""

from __future__ import annotations

import datetime
import http.client
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.paths import ROOT
from tests.support.served import descendants, free_port, until
from tests.support.shell import Shell

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
HELD = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""
"""What systemd does for a unit with a socket: the socket at descriptor 3, and two variables."""


PRODUCT = ("-m", "smartcity_saas")
DEMO = (
    "-c",
    "from smartcity_saas.__main__ import serve; from smartcity_saas.settings import Settings;"
    "serve(Settings.from_environment())",
)
"""The demo without its sandboxes and its filling, which are there once, not at every node."""


class Node:
    """A web node whose socket is held for it, so that it can be restarted."""

    def __init__(self, shell: Shell, name: str, program: Sequence[str] = PRODUCT) -> None:
        self.shell, self.name, self.program = shell, name, program
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = int(self.socket.getsockname()[1])
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin to serve; returns once the node is ready."""
        held = self.socket.fileno()
        with (self.shell.folder / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", HELD, str(held), *self.program],
                cwd=self.shell.folder,
                env=self.shell.env,
                pass_fds=[held],
                stdout=log,
                stderr=log,
            )
        until(self._serves)

    def stop(self) -> None:
        """SIGTERM, once; returns when the node has ended by itself."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0

    def lose(self) -> None:
        """The machine goes: the node ends, and its port refuses."""
        self.stop()
        self.socket.close()

    def end(self) -> None:
        """Leave nothing behind, whatever the test came to."""
        if self.process is not None and self.process.poll() is None:
            begun = [*descendants(self.process.pid), self.process.pid]
            for pid in begun:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait(30)
        self.socket.close()

    def _serves(self) -> bool:
        assert self.process is not None
        log = self.shell.folder / f"{self.name}.log"
        assert self.process.poll() is None, log.read_text("utf-8")
        return self.is_ready()

    def is_ready(self) -> bool:
        """What ``/readyz`` says."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        with closing(line), suppress(OSError, http.client.HTTPException):
            line.request("GET", "/readyz", headers={"Host": "localhost"})
            return line.getresponse().status == 200
        return False


@contextmanager
def two_nodes(shell: Shell, program: Sequence[str] = PRODUCT) -> Iterator[list[Node]]:
    """Two nodes on one database, ready."""
    shell.env["SMARTCITY_TRUSTED_PROXIES"] = "127.0.0.1"
    nodes = [Node(shell, name, program) for name in ("node-1", "node-2")]
    try:
        for node in nodes:
            node.start()
        yield nodes
    finally:
        for node in nodes:
            node.end()


class Front:
    """The proxy's port, and what trusts its certificate."""

    def __init__(self, port: int, certificate: Path) -> None:
        self.port = port
        self.context = ssl.create_default_context(cafile=str(certificate))

    def client(self, host: str) -> httpx.Client:
        """A visitor of one site, whose name no resolver knows."""
        client = httpx.Client(
            base_url=f"https://127.0.0.1:{self.port}",
            headers={"Host": f"{host}:{self.port}", "Accept-Language": "en"},
            verify=self.context,
            timeout=300,
        )

        def name(request: httpx.Request) -> None:
            request.extensions["sni_hostname"] = host

        client.event_hooks = {"request": [name]}
        return client


@contextmanager
def nginx(folder: Path, ports: Sequence[int]) -> Iterator[Front]:
    """``deploy/nginx`` in front of nodes on some ports, with other ports and files of its own."""
    certificate = make_certificate(folder, "localhost")
    plain, port = free_port(), free_port()
    configuration = nginx_configuration(folder, ports, plain, port)
    process = subprocess.Popen([str(NGINX), "-c", str(configuration), "-g", "daemon off;"])
    try:
        until(lambda: process.poll() is not None or _listens(port), 30)
        assert process.poll() is None
        yield Front(port, certificate)
    finally:
        process.terminate()
        process.wait(30)


def nginx_configuration(
    folder: Path, ports: Sequence[int], plain: int = 8080, tls: int = 8443
) -> Path:
    """The shipped files with the test's ports and folder instead of the machine's."""
    text = (ROOT / "deploy/nginx/smartcity.conf").read_text("utf-8")
    text = text.replace("smartcity.example", "localhost")
    text = text.replace("/etc/smartcity/tls", str(folder / "tls"))
    text = text.replace("/var/log/nginx", str(folder))
    text = re.sub(r"\n *listen \[::\]:.*", "", text)
    text = text.replace("listen 80 ", f"listen 127.0.0.1:{plain} ")
    text = text.replace("listen 443 ", f"listen 127.0.0.1:{tls} ")
    for shipped, port in zip((8001, 8002), ports, strict=True):
        text = text.replace(f"127.0.0.1:{shipped} ", f"127.0.0.1:{port} ")
    (folder / "smartcity.conf").write_text(text, "utf-8")
    proxy = (ROOT / "deploy/nginx/smartcity-proxy.inc").read_text("utf-8")
    # What waits for a node that restarts is answered once it is back, on a busy machine late.
    proxy = proxy.replace("proxy_read_timeout 60s", "proxy_read_timeout 300s")
    (folder / "smartcity-proxy.inc").write_text(proxy, "utf-8")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "\n".join(f"{kind}_temp_path {folder}/temp-{kind};" for kind in kinds)
    user = "user root;" if os.geteuid() == 0 else ""
    configuration = folder / "nginx.conf"
    configuration.write_text(
        f"{user}\npid {folder}/nginx.pid;\nevents {{}}\n"
        f"http {{\n{temporary}\ninclude smartcity.conf;\n}}\n"
    )
    return configuration


def make_certificate(folder: Path, host: str) -> Path:
    """A certificate of a host and of all names under it, good today."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName(host), *(x509.DNSName(f"{one}.{host}") for one in SITES)]
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "tls").mkdir(exist_ok=True)
    found = folder / "tls" / f"{host}.crt"
    found.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    found.with_suffix(".key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return found


SITES = ("console", "hangzhou", "ningbo", "guangzhou", "shanghai")
"""Names of sites in the tests. Not a wildcard: nothing may stand for a whole top-level domain."""


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
