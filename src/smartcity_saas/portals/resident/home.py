"""The first page and the list of services."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Any

from flask import Response, render_template, request, session
from flask.typing import ResponseReturnValue
from flask_babel import get_locale

from smartcity_saas.catalog.entries import by_category, catalog_items
from smartcity_saas.configuration.city import City
from smartcity_saas.identity.authorization import RESIDENT
from smartcity_saas.identity.user_agents import channel_in_app
from smartcity_saas.portals.resident.blueprint import blueprint
from smartcity_saas.product import product
from smartcity_saas.tenancy.announcements import Announcement, published
from smartcity_saas.tenancy.current import request_city
from smartcity_saas.web.languages import language
from smartcity_saas.web.preferences import TEXT_COOKIE

CACHED_PAGES = 2_000
CACHED_SECONDS = 60
NOTICES = 3


@dataclass(frozen=True)
class CachedPage:
    """A page's bytes; ``until`` bounds how long a change that nobody announced stays unseen."""

    body: bytes
    etag: str
    until: float


class PageCache:
    """Anonymous pages by what they are made of: never by who asks."""

    def __init__(self, most: int = CACHED_PAGES) -> None:
        self._pages: OrderedDict[tuple[Any, ...], CachedPage] = OrderedDict()
        self._lock = Lock()
        self._most = most

    def get(self, key: tuple[Any, ...]) -> CachedPage | None:
        """A page that is still good."""
        page = self._pages.get(key)
        return page if page is not None and page.until > time.monotonic() else None

    def put(self, key: tuple[Any, ...], text: str) -> CachedPage:
        """Keep a page; the oldest goes when there are too many."""
        body = text.encode()
        etag = hashlib.sha256(body).hexdigest()[:32]
        page = CachedPage(body, etag, time.monotonic() + CACHED_SECONDS)
        with self._lock:
            self._pages[key] = page
            while len(self._pages) > self._most:
                self._pages.popitem(last=False)
        return page


@blueprint.page("/", who="everyone")
def home() -> ResponseReturnValue:
    """The first page. For the anonymous it holds no byte of the visitor's, and is cached."""
    city = request_city()
    if RESIDENT in session or city.is_draft or request.query_string:
        return render_home(city, published(NOTICES))
    large = request.cookies.get(TEXT_COOKIE) == "large"
    key = (
        city.id,
        city.fingerprint,
        city.content_version,
        language(),
        large,
        channel_in_app() is not None,
    )
    cache = product().home_pages
    page = cache.get(key)
    if page is None:
        page = cache.put(key, render_home(city, published(NOTICES)))
    response = Response(page.body, mimetype="text/html")
    response.set_etag(page.etag)
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Vary"] = "Accept-Language, Cookie, User-Agent"
    return response.make_conditional(request)


@blueprint.page("/services", who="everyone")
def services() -> ResponseReturnValue:
    """Every service, by category."""
    city = request_city()
    return render_template("resident/services.html", categories=_categories(city), tab="services")


def render_home(city: City, announcements: list[Announcement], **values: Any) -> str:
    """The first page of any city, stored or only imagined (previews on the console)."""
    locale = get_locale()
    values = {
        "city": city,
        "categories": _categories(city),
        "announcements": announcements,
        "tab": "home",
        "lang": locale.language if locale else "zh",
        **values,
    }
    return render_template("resident/home.html", **values)


def _categories(city: City) -> list[Any]:
    return list(by_category(catalog_items(city, product().services)))
