"""The signed-in bill page on bare Flask and psycopg: a session cookie, the statements that the
product sends, and its template. There is no isolation, no ORM, no policy, no header of security.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import psycopg
from flask import Flask, render_template, request, session
from flask.sessions import SecureCookieSessionInterface
from jinja2 import ChoiceLoader

from smartcity_saas.clock import today_in, utc_now
from smartcity_saas.installed import translation_folders
from smartcity_saas.payments.terms import PayTerms
from smartcity_saas.services.utility_bills import bills, views
from smartcity_saas.services.utility_bills.linked_accounts import Bill, LinkedAccount
from smartcity_saas.services.utility_bills.models import KIND_NAMES
from smartcity_saas.services.utility_bills.names import ROOT, UNITS
from smartcity_saas.tenancy.flask_app import SiteFlask
from smartcity_saas.web.formats import init_formats
from smartcity_saas.web.languages import init_languages, local
from smartcity_saas.web.templates import LanguageEnvironment

PAGE = f"{ROOT}/accounts/<uuid:link_id>"
SHARED = ("static_url", "text_on", "city_path", "decimals")
SHARED_FILTERS = ("method_name",)
Statement = tuple[str, Mapping[str, Any] | None]


def bare_flask(app: SiteFlask, statements: Sequence[Statement], url: str) -> Flask:
    """An application of the one page.

    Args:
        app: The product, whose templates, city and terms it shows.
        statements: What the product sends for the page: ``SET LOCAL``, who is signed in, the
            links, the bills, money on its way, secrets' uses, the largest amount refused.
        url: The database, for one connection that is kept.
    """
    bare = Flask("bare")
    bare.secret_key = app.secret_key
    _prepare_templates(bare, app)
    connection = psycopg.connect(url.replace("+psycopg", ""))
    city = app.registry.snapshot.cities["hangzhou"]

    def page(link_id: uuid.UUID) -> str:
        found = _read(connection, statements, session["resident"])
        return _page(app, city, link_id, found, utc_now())

    bare.add_url_rule(PAGE, view_func=page)
    return bare


def bare_cookie(bare: Flask, token: str) -> str:
    """A session of somebody who holds one of the product's tokens."""
    serializer = SecureCookieSessionInterface().get_signing_serializer(bare)
    if serializer is None:
        raise ValueError("the product has no key")
    return f"session={serializer.dumps({'resident': token, 'csrf': 'x' * 40})}"


def _prepare_templates(bare: Flask, app: SiteFlask) -> None:
    bare.jinja_environment = LanguageEnvironment
    init_languages(bare, translation_folders(), "zh")
    bare.jinja_env.trim_blocks = bare.jinja_env.lstrip_blocks = True
    folders = [app, *app.iter_blueprints()]
    bare.jinja_env.loader = ChoiceLoader([one.jinja_loader for one in folders if one.jinja_loader])
    init_formats(bare, lambda: "Asia/Shanghai", lambda _zone: utc_now(), lambda _moment: utc_now())
    for name in SHARED:
        bare.jinja_env.globals[name] = app.jinja_env.globals[name]
    for name in SHARED_FILTERS:
        bare.jinja_env.filters[name] = app.jinja_env.filters[name]
    bare.jinja_env.globals["typed_fields"] = lambda: None
    bare.jinja_env.globals["switch_url"] = lambda name, value: f"{request.path}?{name}={value}"
    bare.jinja_env.globals["csrf_token"] = lambda: session["csrf"]


def _read(
    connection: psycopg.Connection[Any], statements: Sequence[Statement], token: str
) -> list[list[Any]]:
    """The rows of each statement, in one transaction."""
    setting, (signed_in, values), *others = statements
    hashed = {**(values or {}), "token_hash": hashlib.sha256(token.encode()).hexdigest()}
    with connection.transaction():
        connection.execute(setting[0])
        found = [connection.execute(signed_in, hashed).fetchall()]
        found += [connection.execute(sql, bound).fetchall() for sql, bound in others]
    return found


def _page(
    app: SiteFlask, city: Any, link_id: uuid.UUID, found: list[list[Any]], now: datetime
) -> str:
    people, linked, billed, _coming, _secrets, refused = found
    links = [LinkedAccount._make(row) for row in linked]
    link = next(one for one in links if one.id == link_id)
    all_bills = [Bill._make(row) for row in billed]
    own = sorted((one for one in all_bills if one.account_id == link.account_id), key=_period)
    due = [one for one in all_bills if one.due]
    entry = city.catalog["utility_bills"]
    supplier = entry.settings.get("suppliers", {}).get(link.kind, {})
    usage, year = bills.usage_of(own), today_in(city.timezone, now).year
    terms = app.product.providers["stripe"]
    return render_template(
        "utility_bills/account.html",
        **_shared(app, city, people[0]),
        link=link,
        links=links,
        accounts={one.account_id: one for one in links},
        household=[one for one in links if one.nickname == link.nickname],
        nicknames=list(dict.fromkeys(one.nickname for one in links)),
        due=due,
        coming=[],
        receipts=set(),
        paying=PayTerms(
            "CNY", terms.limits("CNY"), refused[0][0] or 0, terms.methods(city.payments)
        ),
        fresh=True,
        bills=own[:6],
        bill_count=len(own),
        supplier=supplier,
        usage=usage,
        chart=views._chart(usage),
        tiers=bills.tiers_used(supplier.get("tiers", ()), own, year),
        year_usage=sum(one.usage for one in own if one.period.year == year) / bills.THOUSANDTHS,
        entry=entry,
        kind_names=KIND_NAMES,
        icons=views.ICONS,
        units=UNITS,
        root=ROOT,
        masked=bills.masked,
        thousandths=bills.THOUSANDTHS,
    )


def _period(bill: Bill) -> int:
    """The newest first."""
    return -bill.period.toordinal()


def _shared(app: SiteFlask, city: Any, person: Sequence[Any]) -> dict[str, Any]:
    """What every template of a city's site is given, in Chinese."""
    return {
        "colon": "：",
        "comma": "，",
        "gap": "",
        "stop": "。",
        "demo": True,
        "lang": "zh",
        "large_text": request.cookies.get("text") == "large",
        "text": local,
        "services": app.product.services,
        "city": city,
        "resident": {"id": person[0], "name": person[1], "acting": None},
        "frame": False,
        "embedded": False,
    }
