"""Walks through the served product in a real browser."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import ConsoleMessage, Locator, Page, expect

from tests.support.paths import ROOT

PASSWORD = "smart-city-demo"
GENEROUS = 100
"""Loads of a page before a walk gives up."""
AXE = ROOT / "tests/browser/axe.min.js"


class Server:
    """The product as ``make run`` starts it, on a port of its own, with two workers."""

    def __init__(self, port: int, log: Path) -> None:
        self.port = port
        self.log = log

    def url(self, site: str, path: str = "/") -> str:
        host = f"{site}.localhost" if site else "localhost"
        return f"http://{host}:{self.port}{path}"


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


class WalkWithoutScript(Walk):
    """A walk in a browser that runs no script, so that axe cannot look at its pages either."""

    def check(self) -> None:
        """Nothing failed to load."""
        self.page.wait_for_load_state()
        assert self.errors == []


def number_of(walk: Walk, last: int) -> str:
    """A number that no other walk uses."""
    return f"139{'00' if walk.language == 'zh' else '11'}{walk.server.port % 10_000:04d}{last:02d}"


def by_phone(walk: Walk, number: str) -> None:
    """Sign in by a number, from the sign-in page."""
    walk.page.fill("input[name=phone]", number)
    walk.press("获取验证码", "Send me a code")
    walk.sees("验证码已发到", "We sent a code to")
    shown = re.search(r"\d{6}", walk.page.inner_text(".card p:has(.tag)"))
    assert shown is not None
    walk.check()
    walk.page.fill("input[name=code]", shown[0])
    walk.press("继续", "Continue")
