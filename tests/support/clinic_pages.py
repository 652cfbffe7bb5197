"""Booking on the pages of a clinic."""

from __future__ import annotations

from typing import Any

from tests.support.browser import Browser, fresh
from tests.support.clinic import Clinic

ROOT = "/services/hospital-appointments"
NEW = {"patient": "new", "name": "示例甲", "relation": "self", "phone": "13800000000"}


def book(clinic: Clinic, browser: Browser | None = None) -> tuple[Browser, str]:
    browser = browser or clinic.world.resident()
    done = browser.post(f"{ROOT}/sessions/{clinic.session()}/book", "/me", **NEW)
    assert done.status_code == 302, done.text
    return browser, done.headers["Location"]


def api(browser: Browser, method: str, path: str, body: Any = None) -> Any:
    token = browser.get("/api/v1/session").json["csrf_token"]  # type: ignore[index]
    return fresh(
        getattr(browser.client, method),
        path,
        base_url=f"http://{browser.host}",
        json=body,
        headers={"X-CSRFToken": token},
    )
