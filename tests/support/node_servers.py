"""Servers of tests that run on Node.js, each a folder with its script and its pinned packages."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

OLDEST_NODE = 20


@contextlib.contextmanager
def node_server(folder: Path, script: str, package: str, *arguments: str) -> Iterator[str]:
    """Start a server that says “ready”; gives its origin. Skips loudly where there is no Node.js, or one
    that is too old.

    Args:
        folder: Where the script and ``package-lock.json`` are.
        script: Its name; it is given a port, then ``arguments``.
        package: One of its packages, to know whether they are installed.
    """
    _install(folder, package)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        ["node", script, str(port), *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        while (line := process.stdout.readline().strip()) != "ready":
            assert line or process.poll() is None, f"{script} did not start"
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _install(folder: Path, package: str) -> None:
    node = shutil.which("node")
    version = (
        subprocess.run([node, "--version"], capture_output=True, text=True).stdout if node else ""
    )
    if not version or int(version.strip("v\n").split(".")[0]) < OLDEST_NODE:
        pytest.skip(f"Node.js {OLDEST_NODE} is not installed: apt-get install nodejs npm")
    if not (folder / "node_modules" / package).exists():
        subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=folder, check=True)
