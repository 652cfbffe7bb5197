"""Language and text size: chosen by a switch on any page, remembered in a cookie of the host.

On a page that was fetched, a switch is a link with the page's whole query; where scripts run and
something is typed, ``forms.js`` posts that instead. On an answer to a form a switch is a button
that posts what was typed. Either way the page on which the form stood is fetched in its place, and
the form comes back filled in, so that nothing is sent again and nothing typed is lost.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from flask import Flask, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_cookie
from werkzeug.wrappers import Request as WsgiRequest
from werkzeug.wrappers import Response as WsgiResponse

from smartcity_saas.configuration.secrets import masked
from smartcity_saas.tenancy.hosts import CITY_HOST, CONSOLE_HOST, INDEX_HOST
from smartcity_saas.web.languages import COOKIE, LANGUAGES

TEXT_COOKIE = "text"
CHOICES: Mapping[str, tuple[str, ...]] = {COOKIE: LANGUAGES, TEXT_COOKIE: ("normal", "large")}
"""What may be chosen, by the cookie and by the name in a query."""
SECONDS = 365 * 24 * 3600
FORM = "_form"
"""The field that says to which address the form was sent whose fields are carried."""
_TYPED = "smartcity.typed"
_OFFERED = {CITY_HOST: {COOKIE, TEXT_COOKIE}, CONSOLE_HOST: {COOKIE}, INDEX_HOST: {COOKIE}}
_FORMS = re.compile(r"<form\b.*?</form>", re.S | re.I)
_ACTION = re.compile(r"""\baction="([^"]*)\"""", re.I)

Fields = list[tuple[str, str]]


def init_preferences(
    app: Flask, page_before: Callable[[], str], secret: Callable[[str], Any]
) -> None:
    """Let every page of an application offer its switches.

    Args:
        app: The application.
        page_before: The path and query of the page that the present form stood on.
        secret: Tells whether a field's value is never to be written into a page.
    """

    def switch_url(name: str, value: str) -> str:
        """Where a switch leads: this page, or the one its form stood on, with the choice."""
        here = request.full_path if request.method in ("GET", "HEAD") else page_before()
        parts = urlsplit(here)
        kept = [(k, v) for k, v in _query(parts.query) if k != name]
        return f"{parts.path}?{urlencode([*kept, (name, value)])}"

    def typed_fields() -> Fields | None:
        """What the form sent that the present page answers, without anything that looks like a
        secret in it; None where no form was sent."""
        carried: Fields | None = request.environ.get(_TYPED)
        if carried is not None:
            return carried
        if request.method != "POST":
            return None
        own = [(FORM, request.path), *request.form.items(multi=True)]
        return [(k, masked(v)) for k, v in own if k != "csrf_token" and not secret(k)]

    app.jinja_env.globals.update(switch_url=switch_url, typed_fields=typed_fields)
    app.wsgi_app = SwitchedAnswers(app.wsgi_app, app.config["MAX_CONTENT_LENGTH"])  # type: ignore[method-assign]


def choose_preferences(kind: str) -> ResponseReturnValue | None:
    """Remember what the query chooses, and lead to the same page without it.

    Args:
        kind: The symbolic host of the page.

    Returns:
        The redirect; None where nothing is chosen.
    """
    asked = _chosen(request.args.items(), _OFFERED.get(kind, set()))
    if request.method != "GET" or not asked or request.endpoint is None:
        return None
    kept = [(k, v) for k, v in request.args.items(multi=True) if k not in asked]
    path = "/" + quote(request.path.lstrip("/\\"))  # never the host of another site
    response = redirect(path + (f"?{urlencode(kept)}" if kept else ""))
    return _remember(response, asked, secure=request.is_secure)


class SwitchedAnswers:
    """Turns a switch that was pressed on an answer to a form into the form's own page."""

    def __init__(self, app: Any, most_bytes: int) -> None:
        self.app = app
        self.most_bytes = most_bytes

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Serve a request; one that is no switch goes on untouched."""
        query = _query(environ.get("QUERY_STRING", ""))
        asked = _chosen(query, set(CHOICES))
        typed = self._typed(environ) if environ["REQUEST_METHOD"] == "POST" and asked else None
        if typed is None:
            answer: Iterable[bytes] = self.app(environ, start_response)
            return answer
        response = WsgiResponse.from_app(self.app, _fetching(environ, query, asked, typed))
        if response.status_code == 200 and response.mimetype == "text/html":
            response.set_data(filled(response.get_data(as_text=True), typed))
        if response.status_code < 400:
            _remember(response, asked, secure=environ["wsgi.url_scheme"] == "https")
        return response(environ, start_response)

    def _typed(self, environ: dict[str, Any]) -> Fields | None:
        """What the switch carries, nothing from a page of another origin; None where this is none
        of ours, but a write that happens to have such a query: it is left to the application."""
        sent = WsgiRequest(environ)
        if sent.mimetype != "application/x-www-form-urlencoded":
            return None
        sent.max_content_length = sent.max_form_memory_size = self.most_bytes
        try:
            environ["wsgi.input"] = io.BytesIO(sent.get_data(cache=True))
        except RequestEntityTooLarge:
            return None
        if FORM not in sent.form:
            return None
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None and urlsplit(origin).netloc != environ.get("HTTP_HOST"):
            return []
        return [(k, masked(v)) for k, v in sent.form.items(multi=True) if k != "csrf_token"]


def filled(page: str, typed: Fields) -> str:
    """A page whose form holds what was typed into it: the form that sends where it was sent."""
    values = MultiDict(typed)
    action = values.pop(FORM, None)
    if action is None:
        return page

    def fill(form: re.Match[str]) -> str:
        found = _ACTION.search(form[0])
        return (
            form[0] if found and found[1].partition("?")[0] != action else _filled(form[0], values)
        )

    return _FORMS.sub(fill, page)


def _filled(form: str, values: MultiDict[str, str]) -> str:
    from lxml import html  # 10 MB that most processes never need

    made = html.fragment_fromstring(form)
    for element in made.inputs:
        if element.name in (None, "csrf_token") or element.get("type") in ("file", "password"):
            continue
        typed = values.getlist(element.name)
        if element.get("type") in ("checkbox", "radio"):
            element.checked = element.get("value", "on") in typed
        elif typed:
            element.value = typed[-1]
    return str(html.tostring(made, encoding="unicode"))


def _query(text: str) -> Fields:
    return parse_qsl(text, keep_blank_values=True)


def _chosen(query: Iterable[tuple[str, str]], offered: set[str]) -> dict[str, str]:
    """What a query chooses of what is offered."""
    return {k: v for k, v in query if k in offered and v in CHOICES[k]}


def _remember(response: WsgiResponse, chosen: Mapping[str, str], *, secure: bool) -> WsgiResponse:
    for name, value in chosen.items():
        response.set_cookie(name, value, SECONDS, samesite="Lax", secure=secure)
    return response


def _fetching(
    environ: dict[str, Any], query: Fields, asked: Mapping[str, str], typed: Fields
) -> dict[str, Any]:
    """The same request as a fetch of the page, in the chosen language and text size."""
    cookies = parse_cookie(environ)
    kept = [(k, v) for k, v in cookies.items(multi=True) if k not in asked]
    header = "; ".join(f"{name}={value}" for name, value in [*kept, *asked.items()])
    left_out = {"CONTENT_TYPE", "HTTP_IF_NONE_MATCH", "HTTP_TRANSFER_ENCODING"}
    return {
        **{name: value for name, value in environ.items() if name not in left_out},
        "REQUEST_METHOD": "GET",
        "QUERY_STRING": urlencode([(k, v) for k, v in query if k not in asked]),
        "CONTENT_LENGTH": "0",
        "wsgi.input": io.BytesIO(),
        "wsgi.input_terminated": True,
        "HTTP_COOKIE": header,
        _TYPED: typed,
    }
