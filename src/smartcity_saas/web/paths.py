"""Paths of the present site: where one may be led, and from which page a form came."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import current_app, request

from smartcity_saas.product import request_site


def safe_next(target: str | None, default: str = "/") -> str:
    """A path of this site to go on to; anything else becomes the default."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return default
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or "\\" in target or any(ord(c) < 32 for c in target):
        return default
    return target


def page_before(default: str = "/") -> str:
    """The page of this site that the present form was sent from, with its query."""
    before = urlsplit(request.headers.get("Referer", ""))
    if request.method != "POST" or before.netloc != request.host or not is_page(before.path):
        return default
    return safe_next(before.path + (f"?{before.query}" if before.query else ""))


def page_of_form() -> str:
    """The page at the address that the present form was sent to, else the one that it stood on."""
    before = page_before()
    if not is_page(request.path) or urlsplit(before).path == request.path:
        return before
    return request.full_path.rstrip("?")


def is_page(path: str) -> bool:
    """Whether something of this site can be fetched at a path."""
    return current_app.url_map.bind(request_site().kind).test(path, "GET")
