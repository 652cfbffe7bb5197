"""Files that the product ships: addressed by their content, so that they never go stale."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from flask import Flask, Response, abort, current_app, request, send_from_directory

from smartcity_saas.tenancy.hosts import ALL_HOSTS
from smartcity_saas.web.policy import allow_everyone

BASE = "base.css"
"""Pico and the variables that tame it, as one file: apart, a browser may apply one without the
other for a moment, and ask for pictures that the pages' policy blocks."""
_PARTS = ("pico-variables.css", "vendor/pico.classless.min.css")
FOREVER = "public, max-age=31536000, immutable"


def init_static_files(app: Flask) -> None:
    """Serve ``/static`` on every site; ``static_url`` names a file by its content."""
    for host in ALL_HOSTS:
        app.add_url_rule("/static/<path:name>", "static", static_file, host=host)
    allow_everyone(app, "static")
    app.jinja_env.globals["static_url"] = static_url


def static_file(name: str) -> Response:
    """One file; for ever where its address carries the right mark."""
    if name not in _marks():
        abort(404)
    response = (
        Response(_base(), mimetype="text/css")
        if name == BASE
        else send_from_directory(_root(), name)
    )
    if request.args.get("v") == _marks()[name]:
        response.headers["Cache-Control"] = FOREVER
    return response


def static_url(name: str) -> str:
    """The address of a file that the product ships.

    Raises:
        KeyError: There is no such file.
    """
    return f"/static/{name}?v={_marks()[name]}"


def _root() -> Path:
    return Path(current_app.root_path) / "static"


@cache
def _marks() -> dict[str, str]:
    root = _root()
    found = {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }
    found[BASE] = _base()
    return {name: hashlib.sha256(data).hexdigest()[:12] for name, data in found.items()}


@cache
def _base() -> bytes:
    return b"\n".join((_root() / name).read_bytes() for name in _PARTS)
