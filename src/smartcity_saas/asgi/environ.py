"""An ASGI scope as the environment of a WSGI application (PEP 3333)."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any

from smartcity_saas.asgi.bodies import Body

_PLAIN = {"content-length": "CONTENT_LENGTH", "content-type": "CONTENT_TYPE"}


def environ_of(scope: Mapping[str, Any], body: Body) -> dict[str, Any]:
    """The environment of a request whose body has been collected.

    The length is what was collected, whichever way it came. A header with an underscore in its name
    is left out: it would pass for the one with a hyphen.
    """
    server, client = scope.get("server") or ("localhost", None), scope.get("client")
    environ = _headers(scope["headers"])
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    if body.size or "CONTENT_LENGTH" in environ:
        environ["CONTENT_LENGTH"] = str(body.size)
    return environ | {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1] or 80),
        "REMOTE_ADDR": client[0] if client else "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": body.file,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


def _headers(found: Iterable[tuple[bytes, bytes]]) -> dict[str, Any]:
    """Headers by their WSGI names; what comes more than once is joined (RFC 9110, section 5.3)."""
    environ: dict[str, Any] = {}
    for raw_name, raw_value in found:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if "_" in name:
            continue
        key = _PLAIN.get(name) or f"HTTP_{name.upper().replace('-', '_')}"
        separator = "; " if name == "cookie" else ","
        environ[key] = f"{environ[key]}{separator}{value}" if key in environ else value
    return environ
