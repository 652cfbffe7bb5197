"""A real server with two cities' worth of demo, and a real browser."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect
from playwright.sync_api import Error as PlaywrightError

from tests.support.chromium import launch_arguments
from tests.support.paths import ROOT
from tests.support.walk import Server, Walk, WalkWithoutScript

expect.set_options(timeout=30_000)  # a busy machine is slow, not wrong; outcomes are asserted


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """Debian's Chromium."""
    return launch_arguments()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Started once a worker; ready when it says so."""
    folder = tmp_path_factory.mktemp("server")
    port, sandbox, apps = _free_port(), _free_port(), _free_port()
    env = {
        **os.environ,
        "SMARTCITY_DEMO": "1",
        "SMARTCITY_WORKERS": "2",
        "SMARTCITY_CONFIG_ROOT": str(ROOT),
        "DATABASE_URL": f"sqlite:///{folder}/demo.sqlite3",
        "PORT": str(port),
        "STRIPE_SANDBOX_PORT": str(sandbox),
        "CHANNEL_SANDBOX_PORT": str(apps),
    }
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "smartcity_saas"], env=env, cwd=folder, stdout=log, stderr=log
        )
        try:
            _wait_until_ready(port, process, folder / "log")
            yield Server(port, folder / "log")
        finally:
            process.terminate()
            process.wait(30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(port: int, process: Any, log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.3)
    pytest.fail(f"the server did not become ready:\n{log.read_text()[-3000:]}")


@pytest.fixture(params=["zh", "en"])
def language(request: pytest.FixtureRequest) -> str:
    """The reader's language."""
    return str(request.param)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Show what was on the screen when a walk failed, and what the server had to say."""
    report = yield
    walk = getattr(item, "funcargs", {}).get("walk")
    if report.when == "call" and report.failed and walk is not None:
        with suppress(PlaywrightError):
            report.sections.append((walk.page.url, walk.page.inner_text("body")))
        report.sections.append(("server", walk.server.log.read_text()[-3000:]))
    return report


@pytest.fixture
def walk(browser: Browser, server: Server, language: str) -> Iterator[Walk]:
    """A walk on a phone, 375 wide, in one language."""
    context: BrowserContext = browser.new_context(
        viewport={"width": 375, "height": 812},
        locale="zh-CN" if language == "zh" else "en-US",
        reduced_motion="reduce",
    )
    context.set_default_timeout(40_000)
    yield Walk(context.new_page(), server, language)
    context.close()


@pytest.fixture
def walk_without_script(browser: Browser, server: Server, language: str) -> Iterator[Walk]:
    """The same in a browser that runs no script, where axe cannot look."""
    context: BrowserContext = browser.new_context(
        viewport={"width": 375, "height": 812},
        locale="zh-CN" if language == "zh" else "en-US",
        java_script_enabled=False,
    )
    context.set_default_timeout(40_000)
    yield WalkWithoutScript(context.new_page(), server, language)
    context.close()
