"""A real server with two cities' worth of demo, and a real browser."""

from __future__ import annotations

import os
import shutil
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
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, expect
from playwright.sync_api import Error as PlaywrightError

expect.set_options(timeout=30_000)  # a busy machine is slow, not wrong; outcomes are asserted

PASSWORD = "smart-city-demo"
GENEROUS = 100
"""Loads of a page before a walk gives up."""

ROOT = Path(__file__).parents[2]
AXE = Path(__file__).parent / "axe.min.js"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """Debian's Chromium, quiet and without its calls home."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: apt-get install chromium fonts-noto-cjk")
    return {
        "executable_path": CHROMIUM,
        "args": [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ],
    }


class Server:
    """The product as ``make run`` starts it, on a port of its own, with two workers."""

    def __init__(self, port: int, log: Path) -> None:
        self.port = port
        self.log = log

    def url(self, site: str, path: str = "/") -> str:
        host = f"{site}.localhost" if site else "localhost"
        return f"http://{host}:{self.port}{path}"


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


class Walk:
    """A walk through the product: a page that notes every error and can be checked by axe."""

    def __init__(self, page: Page, server: Server, language: str) -> None:
        self.page = page
        self.server = server
        self.language = language
        self.errors: list[str] = []
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _note(self, message: ConsoleMessage) -> None:
        """Keep what the browser says of our own pages; a provider may have no icon."""
        if message.type == "error" and f":{self.server.port}/" in message.location["url"]:
            self.errors.append(message.text)

    def say(self, zh: str, en: str) -> str:
        return zh if self.language == "zh" else en

    def go(self, site: str, path: str = "/") -> None:
        self.page.goto(self.server.url(site, path))

    def go_until(self, site: str, seen: Locator) -> None:
        """Load a site's first page until something is on it: what was just saved on the console
        is served by every process within a second, and a browser can be quicker than that."""
        self.go(site)
        for _try in range(GENEROUS):
            if seen.count():
                break
            self.page.wait_for_timeout(250)
            self.page.reload()
            self.errors.clear()  # the browser notes a 404 itself
        expect(seen).to_be_visible()

    def as_staff(self, username: str) -> None:
        """Sign in on the console as one of the demo's staff."""
        self.go("console", "/sign-in")
        self.check()
        self.page.fill("#username", username)
        self.page.fill("#password", PASSWORD)
        self.press("登录", "Sign in")
        self.page.wait_for_url(lambda url: not url.endswith("/sign-in"))

    def press(self, zh: str, en: str) -> None:
        name = self.say(zh, en)
        self.page.locator(
            f"button:has-text({name!r}):visible, a:has-text({name!r}):visible"
        ).first.click()

    def sees(self, zh: str, en: str) -> None:
        self.page.get_by_text(self.say(zh, en)).first.wait_for()

    def check(self) -> None:
        """axe finds nothing, the page is no wider than the screen, nothing failed to load.

        A press returns when the next page has begun to come; on a busy machine its document is
        still empty then, so all of it is waited for first.
        """
        self.page.wait_for_load_state()
        self.page.evaluate(AXE.read_text("utf-8"))
        found = self.page.evaluate(
            "axe.run(document, {runOnly: ['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa',"
            "'best-practice']}).then(r => r.violations.map(v => v.id + ': ' + "
            "v.nodes.map(n => n.target + ' ' + n.failureSummary).join(' | ')))"
        )
        assert found == [], f"{self.page.url}: {found}"
        width = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert width <= 0, f"{self.page.url} is {width} px too wide"
        assert self.errors == []


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
