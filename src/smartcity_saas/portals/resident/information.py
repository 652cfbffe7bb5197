"""Announcements, and the pages that a public site must have."""

from __future__ import annotations

import uuid

from flask import render_template
from flask.typing import ResponseReturnValue

from smartcity_saas.portals.resident.blueprint import blueprint
from smartcity_saas.tenancy import announcements as domain
from smartcity_saas.web.policy import UNTIL_CHANGED, Availability


@blueprint.page(
    "/announcements",
    who="everyone",
    availability=Availability.EXISTING_BUSINESS,
    kept=UNTIL_CHANGED,
)
def announcements() -> ResponseReturnValue:
    """All announcements."""
    return render_template("resident/announcements.html", announcements=domain.published())


@blueprint.page(
    "/announcements/<uuid:notice_id>",
    who="everyone",
    availability=Availability.EXISTING_BUSINESS,
    kept=UNTIL_CHANGED,
)
def announcement(notice_id: uuid.UUID) -> ResponseReturnValue:
    """One announcement."""
    return render_template("resident/announcement.html", notice=domain.announcement(notice_id))


@blueprint.page("/privacy", who="everyone", availability=Availability.ANY_STATE, kept=UNTIL_CHANGED)
def privacy() -> ResponseReturnValue:
    """What the site keeps of its visitors."""
    return render_template("resident/privacy.html")


@blueprint.page(
    "/accessibility", who="everyone", availability=Availability.ANY_STATE, kept=UNTIL_CHANGED
)
def accessibility() -> ResponseReturnValue:
    """How to use the site with large text, a keyboard or a screen reader."""
    return render_template("resident/accessibility.html")
