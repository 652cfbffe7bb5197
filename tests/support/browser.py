"""Requests as a browser sends them."""

from __future__ import annotations

import contextvars
import re
from collections.abc import Callable
from html import unescape
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse


def fresh(call: Callable[..., TestResponse], *arguments: Any, **options: Any) -> TestResponse:
    """Call outside the test's own application context, which a request would share."""
    return contextvars.Context().run(lambda: call(*arguments, **options))


class Browser:
    """A client on one host that reads the CSRF token of a page before it posts."""

    def __init__(self, client: FlaskClient, host: str, language: str) -> None:
        self.client = client
        self.host = host
        self.language = language

    def get(self, path: str, **options: Any) -> TestResponse:
        headers = {"Accept-Language": self.language, **options.pop("headers", {})}
        return fresh(
            self.client.get, path, base_url=f"http://{self.host}", headers=headers, **options
        )

    def post(self, path: str, page: str | None = None, /, **fields: Any) -> TestResponse:
        token = self.token(page or path)
        return fresh(
            self.client.post,
            path,
            base_url=f"http://{self.host}",
            headers={"Accept-Language": self.language, "Origin": f"http://{self.host}"},
            data={"csrf_token": token, **fields},
        )

    def token(self, page: str) -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get(page).text)
        return unescape(found[1]) if found else ""
