"""A resident's own reports as JSON, under ``/api/v1/problem-reports``. What everyone may read of all of
them, and reporting by programs, is GeoReport v2 (``open311_views``)."""

from __future__ import annotations

import marshmallow as ma
from flask_babel import lazy_gettext as _
from marshmallow import fields

from smartcity_saas.identity.authorization import signed_in_resident
from smartcity_saas.services.problem_reports.models import ProblemReport, ReportState
from smartcity_saas.services.problem_reports.names import SERVICE
from smartcity_saas.services.problem_reports.reporting import reports_of
from smartcity_saas.web.api import ROOT as API
from smartcity_saas.web.api import Answer, ApiBlueprint, moment
from smartcity_saas.web.policy import Availability

ROOT = f"{API}/problem-reports"
WRITE = "reports:write"
"""The scope of clients whose secret is an ``api_key`` of GeoReport."""

blueprint = ApiBlueprint(
    f"{SERVICE}_api", __name__, service=SERVICE, description="Problem reports."
)


class ReportSchema(ma.Schema):
    """A report of the resident's."""

    number = fields.String()
    category = fields.String()
    department = fields.String()
    place = fields.String()
    latitude = fields.Float(allow_none=True, metadata={"description": _("WGS 84, in degrees.")})
    longitude = fields.Float(allow_none=True)
    state = fields.Enum(ReportState, by_value=True)
    created_at = fields.String()
    due_at = fields.String()
    expected_on = fields.Date(allow_none=True)
    solved_at = fields.String(allow_none=True)
    reopened = fields.Integer()


class ReportsSchema(ma.Schema):
    """The resident's reports, the newest first."""

    reports = fields.List(fields.Nested(ReportSchema))


@blueprint.operation(ROOT, who="resident", availability=Availability.EXISTING_BUSINESS)
@blueprint.response(200, ReportsSchema)
def api_own_reports() -> Answer:
    """The resident's own reports and what became of them."""
    return {"reports": [_shown(one) for one in reports_of(signed_in_resident())]}


def _shown(one: ProblemReport) -> dict[str, object]:
    return {
        "number": one.number,
        "category": one.category,
        "department": one.department,
        "place": one.place,
        "latitude": one.latitude,
        "longitude": one.longitude,
        "state": one.state,
        "created_at": moment(one.created_at),
        "due_at": moment(one.due_at),
        "expected_on": one.expected_on,
        "solved_at": moment(one.solved_at),
        "reopened": one.reopened,
    }
