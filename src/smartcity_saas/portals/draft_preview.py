"""Opening a draft by a link from the console, at hosts that lead nowhere: a draft's is one."""

from __future__ import annotations

from flask import make_response, redirect, request
from flask.typing import ResponseReturnValue

from smartcity_saas.errors import NotFound
from smartcity_saas.identity.staff.preview_links import (
    PATH,
    show_draft,
    shows_draft,
    use_preview_link,
)
from smartcity_saas.product import running_app
from smartcity_saas.tenancy.current import current_time
from smartcity_saas.tenancy.flask_app import SiteFlask
from smartcity_saas.tenancy.hosts import UNKNOWN_HOST, site_of
from smartcity_saas.web.policy import allow_everyone

NO_DOCUMENT = 0
"""No document's key: at a host without a city a link is looked for all the same."""


def init_drafts(app: SiteFlask) -> None:
    """Show drafts to whoever opens a link to them, and to nobody else."""
    app.shows_draft = lambda request, city: shows_draft(app, request, city, app.product.clock())
    app.add_url_rule(f"{PATH}<token>", "preview", preview, host=UNKNOWN_HOST)
    allow_everyone(app, "preview")


def preview(token: str) -> ResponseReturnValue:
    """Open a draft by a single-use link, for reading only."""
    app, now = running_app(), current_time()
    city = site_of(request.environ.get("HTTP_HOST"), app.registry).city
    if not use_preview_link(token, city.id if city else NO_DOCUMENT, now):
        raise NotFound
    if city is None or not city.is_draft:
        raise NotFound
    return show_draft(app, request, make_response(redirect("/")), city, now)
