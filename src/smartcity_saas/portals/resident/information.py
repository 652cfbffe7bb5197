"""Announcements, and the pages that a public site must have."""

from __future__ import annotations

import uuid
from typing import Any

from flask import redirect, render_template, session
from flask_babel import lazy_gettext as _

from smartcity_saas.errors import NotFound
from smartcity_saas.identity.gatekeeper import PREVIEW
from smartcity_saas.identity.preview import use_preview_link
from smartcity_saas.pages import site
from smartcity_saas.portals.resident.blueprint import blueprint
from smartcity_saas.tenancy import announcements as domain
from smartcity_saas.tenancy.entering import outside_city
from smartcity_saas.tenancy.here import present_time


@blueprint.page("/announcements", who="everyone", continues=True)
def announcements() -> Any:
    """All announcements."""
    return render_template("resident/announcements.html", notices=domain.published())


@blueprint.page("/announcements/<uuid:notice_id>", who="everyone", continues=True)
def announcement(notice_id: uuid.UUID) -> Any:
    """One announcement."""
    return render_template("resident/announcement.html", notice=domain.announcement(notice_id))


@blueprint.page("/privacy", who="everyone", always=True)
def privacy() -> Any:
    """What the site keeps of its visitors."""
    return render_template("resident/privacy.html")


@blueprint.page("/accessibility", who="everyone", always=True)
def accessibility() -> Any:
    """How to use the site with large text, a keyboard or a screen reader."""
    return render_template("resident/accessibility.html")


@blueprint.page("/preview/<token>", who="everyone", always=True, draft=True)
def preview(token: str) -> Any:
    """Open a draft by a single-use link from the console, for reading only."""
    city = site().city
    if city is None or city.state != "draft" or not _used(token, city.id):
        raise NotFound(_("The link has been used or is too old. Make a new one on the console."))
    session[PREVIEW] = present_time().timestamp()
    return redirect("/")


def _used(token: str, city_id: int) -> bool:
    """A link is the platform's row, so it is used up outside the city's scope."""
    with outside_city():
        return use_preview_link(token, city_id)
