"""Applications as JSON, as a page's script asks for them."""

from __future__ import annotations

from typing import Any

from werkzeug.test import TestResponse

from tests.support.browser import Browser, fresh

API = "/api/v1/applications"
FORM = f"{API}/forms/residence-permit-renewal"


def call(browser: Browser, method: str, path: str, body: Any = None) -> TestResponse:
    """Call the API as a page's script does, with the token of a form."""
    return fresh(
        browser.client.open,
        path,
        method=method,
        base_url=f"http://{browser.host}",
        json=body,
        headers={"X-CSRFToken": browser.token("/me"), "Origin": f"http://{browser.host}"},
    )


def pointers(answer: TestResponse) -> dict[str, str]:
    """What is wrong, by place in the body."""
    assert answer.status_code == 422, answer.text
    assert answer.mimetype == "application/problem+json"
    return {one["pointer"]: one["message"] for one in answer.json["problems"]}  # type: ignore[index]
