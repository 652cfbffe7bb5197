"""Files that the product ships: addressed by their content, so that they never go stale."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from functools import cache
from pathlib import Path

from flask import Flask, Response, abort, current_app, request, send_from_directory

from smartcity_saas.tenancy.answer_life import answer_life
from smartcity_saas.tenancy.hosts import ALL_HOSTS
from smartcity_saas.web.policy import allow_everyone

STATIC = "/static/"
FOREVER = "public, max-age=31536000, immutable"
LONGEST = timedelta(days=1)
FILE_POLICY = "default-src 'none'; sandbox"
"""What a file may do that is opened as if it were a page."""
STYLES = {
    "site.css": ("tokens.css", "elements.css", "components/*.css", "print.css"),
    "console.css": (
        "tokens.css",
        "elements.css",
        "components/*.css",
        "console/*.css",
        "print.css",
    ),
}
"""The stylesheets by what of ``static/styles/`` they are joined from. They are one file each: in
parts, a browser may apply Pico without the tokens for a moment, and ask for pictures that the
pages' policy blocks."""
_PICO = "vendor/pico.classless.min.css"
_CHARSET = '@charset "UTF-8";'  # allowed only where a file begins


def init_static_files(app: Flask) -> None:
    """Serve ``/static`` on every site; ``static_url`` names a file by its content."""
    for host in ALL_HOSTS:
        app.add_url_rule(f"{STATIC}<path:name>", "static", static_file, host=host)
    allow_everyone(app, "static", kept=LONGEST)
    app.jinja_env.globals["static_url"] = static_url


def static_file(name: str) -> Response:
    """One file, the same at every site; for ever where its address carries the right mark."""
    if name not in _marks():
        abort(404)
    response = (
        Response(_stylesheets()[name], mimetype="text/css")
        if name in STYLES
        else send_from_directory(_root(), name)
    )
    response.headers["Content-Security-Policy"] = FILE_POLICY
    if request.args.get("v") == _marks()[name]:
        response.headers["Cache-Control"] = FOREVER
    if (life := answer_life()) is not None:
        life.names_a_file = request.query_string == f"v={_marks()[name]}".encode()
    return response


def static_url(name: str) -> str:
    """The address of a file that the product ships.

    Raises:
        KeyError: There is no such file.
    """
    return f"{STATIC}{name}?v={_marks()[name]}"


def joined(root: Path, name: str) -> str:
    """A stylesheet of ``STYLES``: the order of its layers, Pico in the lowest of them, its parts."""
    styles = root / "styles"
    pico = (root / _PICO).read_text("utf-8").removeprefix(_CHARSET)
    parts = [path for pattern in STYLES[name] for path in sorted(styles.glob(pattern))]
    return "\n".join(
        (
            (styles / "layers.css").read_text("utf-8"),
            f"@layer pico {{\n{pico}}}\n",
            *(path.read_text("utf-8") for path in parts),
        )
    )


def _root() -> Path:
    return Path(current_app.root_path) / "static"


@cache
def _stylesheets() -> dict[str, str]:
    return {name: joined(_root(), name) for name in STYLES}


@cache
def _marks() -> dict[str, str]:
    root = _root()
    found = {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.suffix != ".css"
    }
    found |= {name: sheet.encode() for name, sheet in _stylesheets().items()}
    return {name: hashlib.sha256(data).hexdigest()[:12] for name, data in found.items()}
