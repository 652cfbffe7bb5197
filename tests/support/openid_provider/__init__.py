"""A certified OpenID provider (npm's oidc-provider, pinned), for tests: its own process."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

HERE = Path(__file__).parent
OLDEST_NODE = 20


@dataclass
class Provider:
    """A running provider; ``secret`` is that of its one kind of client."""

    issuer: str

    def rotate(self, *, drop: bool = False) -> None:
        """Sign with a new key; ``drop`` publishes the old ones no longer."""
        httpx.post(f"{self.issuer}/control/rotate{'?drop=1' if drop else ''}").raise_for_status()

    def sign_in(self, address: str, account: str) -> str:
        """Sign in over there as an account; returns the address that one is sent back to."""
        with httpx.Client() as browser:
            answer = browser.get(f"{address}&login_hint={account}")
            while answer.status_code in (302, 303):
                where = answer.headers["Location"]
                if not where.startswith((self.issuer, "/")):
                    return str(where)
                answer = browser.get(httpx.URL(self.issuer).join(where))
        raise AssertionError(answer.text)


@contextlib.contextmanager
def running(clients: list[dict[str, Any]], **config: Any) -> Iterator[Provider]:
    """Start one; skips loudly where there is no Node.js, or one that is too old."""
    _install()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        ["node", "provider.mjs", str(port), json.dumps({"clients": clients, **config})],
        cwd=HERE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        while (line := process.stdout.readline().strip()) != "ready":
            assert line or process.poll() is None, "the provider did not start"
        yield Provider(f"http://127.0.0.1:{port}")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _install() -> None:
    node = shutil.which("node")
    version = (
        subprocess.run([node, "--version"], capture_output=True, text=True).stdout if node else ""
    )
    if not version or int(version.strip("v\n").split(".")[0]) < OLDEST_NODE:
        pytest.skip(f"Node.js {OLDEST_NODE} is not installed: apt-get install nodejs npm")
    if not (HERE / "node_modules/oidc-provider").exists():
        subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=HERE, check=True)
