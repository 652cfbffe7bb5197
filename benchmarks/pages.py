"""Pages beside the least that could answer them."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask, Response
from sqlalchemy import event

from benchmarks import django_peer
from benchmarks.peers.bare_flask import bare_cookie, bare_flask
from benchmarks.peers.toy import toy_page
from benchmarks.setting import call_of, token_in
from benchmarks.table import compare, compare_seconds, seconds
from smartcity_saas.database.transactions import db
from smartcity_saas.tenancy.flask_app import SiteFlask
from smartcity_saas.tenant_context import current_city_id_or_none

CALLS = 30
_TOKENS = re.compile(r'name="csrf_token" value="[^"]*"')


def home_page(app: SiteFlask) -> None:
    """The anonymous first page beside a bare Flask view that returns the same bytes."""
    ours = call_of(app, "hangzhou.localhost", "/")
    body = ours().get_data()
    bare = Flask("bare")
    bare.add_url_rule("/", view_func=lambda: Response(body, mimetype="text/html"))
    theirs = call_of(bare, "localhost", "/")
    compare("home page, in process, beside a bare Flask view", ours, theirs)


def bill_page(app: SiteFlask, url: str, rows: str, cookie: str, path: str) -> None:
    """The signed-in bill page beside bare Flask with the same statements and template, and beside
    psycopg with a toy template; by CPU time, because the database's is everyone's.

    Args:
        app: The product.
        url: Its database.
        rows: How many bills there are, for the rows' names.
        cookie: Of a resident (``setting.signed_in``).
        path: Of their page.
    """
    ours = call_of(app, "hangzhou.localhost", path, cookie)
    page = ours()
    statements = _statements(app, ours)
    bare = bare_flask(app, statements, url)
    theirs = call_of(bare, "localhost", path, bare_cookie(bare, token_in(app, cookie)))
    if _without_tokens(page) != _without_tokens(theirs()):
        raise ValueError("the peer does not answer with the page")
    beside = f"bill page, {rows} bills, CPU beside"
    compare(f"{beside} bare Flask", ours, theirs, aim="≥ 0.6", clock=time.process_time, calls=30)
    toy = toy_page(statements, url)
    compare(f"{beside} psycopg with a toy template", ours, toy, clock=time.process_time, calls=30)


def bill_page_of_django_tenants(
    app: SiteFlask, superuser: str, peers: str, rows: str, cookie: str, path: str
) -> None:
    """The same beside a project on django-tenants: the city's accounts and bills in a schema of its
    own, its middleware, sessions and ORM, and a template with the same words.

    Args:
        app: The product.
        superuser: Its database.
        peers: Another database, for the peer.
        rows: How many bills there are, of which the city has its share.
        cookie: Of a resident (``setting.signed_in``).
        path: Of their page.
    """
    ours = call_of(app, "hangzhou.localhost", path, cookie)
    city_id = app.registry.snapshot.cities["hangzhou"].id
    page = ours().get_data(as_text=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        django_peer.write_rows(superuser, folder, city_id, path)
        django_peer.write_template(folder, page)
        with django_peer.running(peers, folder, "pages") as peer:
            answer = peer.ask("page")
            if _words(str(answer["body"])) != _words(page):
                raise ValueError("the peer does not answer with the page")
            compare_seconds(
                f"bill page, {rows} bills, CPU beside django-tenants",
                lambda: seconds(ours, time.process_time, CALLS),
                lambda: peer.seconds(CALLS),
                aim="≥ 2.5",
                calls=CALLS,
            )


def _words(page: str) -> str:
    """A page without the tokens of its forms and the space between its words and marks."""
    return re.sub(r"\s+", "", _TOKENS.sub("", page))


def _without_tokens(answer: Response) -> str:
    """A page without the tokens of its forms, which are never twice the same."""
    return _TOKENS.sub("", answer.get_data(as_text=True))


def _statements(app: SiteFlask, call: Callable[[], Any]) -> list[tuple[str, Any]]:
    """What a call sends in its city: not the look for changes that may come before."""
    found: list[tuple[str, Any]] = []

    def note(conn: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        if current_city_id_or_none() is not None:
            found.append((statement, parameters or None))

    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", note)
        call()
        event.remove(db.engine, "before_cursor_execute", note)
    return found
