"""Who is signed in, as JSON, and the token that writing by ``/api/v1`` needs."""

from __future__ import annotations

from typing import Any

from flask_wtf.csrf import generate_csrf

from smartcity_saas.identity.gatekeeper import current_resident
from smartcity_saas.portals.resident.blueprint import blueprint
from smartcity_saas.web.api import ROOT


@blueprint.page(f"{ROOT}/session", who="everyone", continues=True)
def api_session() -> Any:
    """The resident, or null; ``csrf_token`` goes back as the header ``X-CSRFToken``."""
    found = current_resident()
    resident = {"id": str(found.id), "name": found.name} if found else None
    return {"resident": resident, "csrf_token": generate_csrf()}
