"""The least that sends a page: one view of Flask, and one callable, that have its bytes in memory."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask, Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def flask_view() -> Flask:
    """An application whose every path is answered with the bytes of ``BARE_BODY``."""
    body, media_type = _page()
    app = Flask("bare", static_folder=None)

    @app.get("/", defaults={"path": ""})
    @app.get("/<path:path>")
    def page(path: str) -> Response:
        return Response(body, content_type=media_type)

    return app


def wsgi_callable() -> WSGIApplication:
    """The same without a framework."""
    body, media_type = _page()
    headers = [("Content-Type", media_type), ("Content-Length", str(len(body)))]

    def page(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", headers)
        return [body]

    return page


def _page() -> tuple[bytes, str]:
    return Path(os.environ["BARE_BODY"]).read_bytes(), os.environ["BARE_TYPE"]
