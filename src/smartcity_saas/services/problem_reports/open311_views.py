"""Open311 GeoReport v2 at ``/open311/v2/``, in JSON and XML.

The specification is http://wiki.open311.org/GeoReport_v2, with its service discovery and the common
extension ``page`` and ``page_size``. JSON follows XML by the Spark convention: a list has no name inside.
One endpoint is one city, so ``jurisdiction_id`` may be left out; a request is answered with its number at
once (``realtime``), which is its own token. An ``api_key`` is the secret of a client with the scope
``reports:write``. Names, telephones, addresses of mail and ``media_url`` of whoever reports are not kept.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET  # writes alone; nothing that came from elsewhere is parsed
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Response, request
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.exceptions import HTTPException

from smartcity_saas.database import db
from smartcity_saas.errors import FieldErrors, NotFound, SmartCityError
from smartcity_saas.identity.api_clients.call_limits import count_call
from smartcity_saas.identity.api_clients.clients import SignedInClient, client_of_secret
from smartcity_saas.identity.rate_limits import WINDOW
from smartcity_saas.services.problem_reports import lists, reading, reporting
from smartcity_saas.services.problem_reports.api import WRITE
from smartcity_saas.services.problem_reports.categories import Category, ReportRules, report_rules
from smartcity_saas.services.problem_reports.models import (
    OPEN_STATES,
    STATE_NAMES,
    ProblemReport,
    ReportState,
)
from smartcity_saas.services.problem_reports.names import ROOT as PAGES
from smartcity_saas.services.problem_reports.names import SERVICE
from smartcity_saas.services.problem_reports.reporting import Reporter
from smartcity_saas.tenancy.current import current_time, request_city
from smartcity_saas.web.api import moment
from smartcity_saas.web.languages import local
from smartcity_saas.web.policy import Availability, Caller, CityBlueprint

ROOT = "/open311/v2"
SPECIFICATION = "http://wiki.open311.org/GeoReport_v2"
SPAN = timedelta(days=90)
YEARS = range(1900, 9000)
"""Of the times that can be asked for; a span away from any of them is still a date."""
MOST = 1_000
MOST_CALLS = 60
"""Reports of one client in five minutes."""
FORMATS = {"json": "application/json", "xml": "text/xml"}

blueprint = CityBlueprint(f"{SERVICE}_open311", __name__, service=SERVICE)
EXISTING = Availability.EXISTING_BUSINESS


class GeoReportError(SmartCityError):
    """An error of the specification: 403 for an api_key, 404 for what does not exist, else 400."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


@blueprint.before_request
def require_known() -> None:
    """Refuse, before anything is done, what could not be answered.

    Raises:
        GeoReportError: There is no such format, or jurisdiction here.
    """
    asked = request.values.get("jurisdiction_id", "").strip()
    city = request_city()
    if asked and asked not in (city.slug, *city.hosts, request.host, request.host.split(":")[0]):
        raise GeoReportError(
            404, _("jurisdiction_id %(name)s was not found here.", name=asked[:60])
        )
    if (request.view_args or {}).get("kind", "xml") not in FORMATS:
        raise GeoReportError(404, _("There is no such format. Ask for .json or .xml."))


@blueprint.page(f"{ROOT}/discovery.<kind>", who="everyone", availability=EXISTING)
def discovery(kind: str) -> Response:
    """Where the endpoint is, and how to get a key."""
    city = request_city()
    changed = f"{city.slug} {city.revision}"
    number = city.site["hotline"]
    found = {
        "changeset": changed,
        "contact": _("Call the city hotline: %(number)s.", number=number),
        "key_service": _("Ask the city for an API client that may report problems."),
        "endpoints": [
            {
                "specification": SPECIFICATION,
                "url": f"{request.url_root.rstrip('/')}{ROOT}",
                "changeset": changed,
                "type": "production",
                "formats": list(FORMATS.values()),
            }
        ],
    }
    return _answer(kind, "discovery", found)


@blueprint.page(f"{ROOT}/services.<kind>", who="everyone", availability=EXISTING)
def services(kind: str) -> Response:
    """What can be reported."""
    rules = _rules()
    return _answer(kind, "services", [_service(rules, one) for one in rules.categories.values()])


@blueprint.page(f"{ROOT}/services/<code>.<kind>", who="everyone", availability=EXISTING)
def service_definition(code: str, kind: str) -> Response:
    """What one kind of report asks for beside the common fields: nothing."""
    if code not in _rules().categories:
        raise GeoReportError(404, _("service_code %(code)s was not found.", code=code[:60]))
    return _answer(kind, "service_definition", {"service_code": code, "attributes": []})


@blueprint.page(f"{ROOT}/requests.<kind>", who="everyone", availability=EXISTING)
def requests(kind: str) -> Response:
    """Reports as everyone may read them, by number, or by kind, time and status."""
    query = select(ProblemReport).order_by(ProblemReport.created_at.desc(), ProblemReport.id.desc())
    if numbers := _several("service_request_id"):
        query = query.where(ProblemReport.number.in_(numbers[:MOST]))
    else:
        since, until = _span(current_time())
        query = query.where(ProblemReport.created_at.between(since, until))
        if codes := _several("service_code"):
            query = query.where(ProblemReport.category.in_(codes))
        if states := _states():
            query = query.where(ProblemReport.state.in_(states))
    size, page = _whole("page_size", MOST, MOST), _whole("page", 1, 1_000_000)
    rows = db.session.scalars(query.limit(size).offset((page - 1) * size)).all()
    return _answer(kind, "service_requests", _requests(rows))


@blueprint.page(f"{ROOT}/requests.<kind>", who="everyone", methods=("POST",), caller=Caller.SIGNED)
def post_request(kind: str) -> Response:
    """Report a problem, with an api_key."""
    now, client = current_time(), _client()
    count_call(f"open311:{client.client_id}", MOST_CALLS, now, WINDOW)
    sent = {name: request.form.get(name, "").strip() for name in _POSTED}
    if any("\0" in value for value in sent.values()):
        raise GeoReportError(400, _("A parameter holds a NUL character."))
    rules, code = _rules(), sent["service_code"]
    if not code:
        raise GeoReportError(400, _("service_code was not provided."))
    if code not in rules.categories:
        raise GeoReportError(404, _("service_code %(code)s was not found.", code=code[:60]))
    if not (sent["lat"] or sent["long"] or sent["address_string"]):
        raise GeoReportError(
            400, _("Send lat and long, or address_string. No address_id is known.")
        )
    typed = {
        "category": code,
        "place": sent["address_string"],
        "latitude": sent["lat"],
        "longitude": sent["long"],
        "words": sent["description"],
    }
    told = reading.read_report(rules, typed)
    made = reporting.report_problem(
        Reporter(client.actor, client_id=client.client_id), told, (), now
    )
    notice = _(
        "It is assigned by %(assigned)s and solved or answered by %(due)s.",
        assigned=moment(made.report.assign_by),
        due=moment(made.report.due_at),
    )
    row = {
        "service_request_id": made.report.number,
        "service_notice": notice,
        "account_id": None,
    }
    return _answer(kind, "service_requests", [row])


@blueprint.page(f"{ROOT}/requests/<number>.<kind>", who="everyone", availability=EXISTING)
def one_request(number: str, kind: str) -> Response:
    """One report as everyone may read it."""
    return _answer(kind, "service_requests", _requests([_by_number(number)]))


@blueprint.page(f"{ROOT}/tokens/<token>.<kind>", who="everyone", availability=EXISTING)
def token(token: str, kind: str) -> Response:
    """The number of a report by its token, which is the number itself."""
    row = {"service_request_id": _by_number(token).number, "token": token}
    return _answer(kind, "service_requests", [row])


@blueprint.page(
    f"{ROOT}/<path:rest>",
    who="everyone",
    methods=("GET", "PUT", "PATCH", "DELETE"),
    availability=EXISTING,
)
def nothing(rest: str) -> Response:
    """Whatever else is asked for."""
    raise GeoReportError(404, _("There is no such resource. See discovery.xml."))


@blueprint.errorhandler(SmartCityError)
def _refused(error: SmartCityError) -> Response:
    """An error in the specification's own form: 403 and 404 as they are, and 400 for anything else."""
    status = error.status if error.status in (403, 404) else 400
    said = error.fields.values() if isinstance(error, FieldErrors) else [error.detail]
    rows = [{"code": status, "description": str(one) or str(error.title)} for one in said]
    response = _answer(_kind(), "errors", rows, status)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


@blueprint.errorhandler(HTTPException)
def _unread(error: HTTPException) -> Response:
    """The same of what could not be read."""
    status = 404 if error.code == 404 else 400
    rows = [{"code": status, "description": str(error.description or error.name)}]
    return _answer(_kind(), "errors", rows, status)


_POSTED = ("service_code", "lat", "long", "address_string", "description")
_INSIDE = {
    "services": "service",
    "service_requests": "request",
    "errors": "error",
    "endpoints": "endpoint",
    "formats": "format",
    "attributes": "attribute",
}
"""What a list's items are called in XML."""


def _client() -> SignedInClient:
    """The client whose secret is the form's api_key; a query would stand in the logs of proxies.

    Raises:
        GeoReportError: There is none, or it may not report.
    """
    key = request.form.get("api_key", "")
    client = client_of_secret(key, current_time()) if key else None
    if client is None or WRITE not in client.scopes:
        raise GeoReportError(403, _("The api_key is missing, unknown, or may not report problems."))
    return client


def _by_number(number: str) -> ProblemReport:
    try:
        return reporting.by_number(number)
    except NotFound:
        raise GeoReportError(
            404, _("service_request_id %(number)s was not found.", number=number[:60])
        ) from None


def _service(rules: ReportRules, one: Category) -> dict[str, Any]:
    group = rules.groups.get(one.group, one.name)
    return {
        "service_code": one.code,
        "service_name": local(one.name),
        "description": local(rules.department_name(one.department)),
        "metadata": False,
        "type": "realtime",
        "keywords": ", ".join(dict.fromkeys((*one.name.values(), *group.values()))),
        "group": local(group),
    }


def _requests(rows: Sequence[ProblemReport]) -> list[dict[str, Any]]:
    """Reports as everyone may read them; a position is rounded, and a photograph is one that was released."""
    rules, photos = _rules(), lists.first_released([row.id for row in rows])
    pages = f"{request.url_root.rstrip('/')}{PAGES}"
    return [
        {
            "service_request_id": row.number,
            "status": "open" if row.is_open else "closed",
            "status_notes": str(STATE_NAMES[row.state]),
            "service_name": local(rules.category_name(row.category)),
            "service_code": row.category,
            "description": row.public_words or None,
            "agency_responsible": local(rules.department_name(row.department)),
            "service_notice": None,
            "requested_datetime": moment(row.created_at),
            "updated_datetime": moment(row.updated_at),
            "expected_datetime": moment(row.due_at),
            "address": row.public_place or None,
            "address_id": None,
            "zipcode": None,
            "lat": where.latitude if (where := row.public_position) else None,
            "long": where.longitude if where else None,
            "media_url": f"{pages}/photos/{photos[row.id]}" if row.id in photos else None,
        }
        for row in rows
    ]


def _several(name: str) -> list[str]:
    """The values of a parameter that may be named several times, or hold several with commas."""
    given = ",".join(request.args.getlist(name)).split(",")
    return [one.strip()[:60] for one in given if one.strip()]


def _states() -> list[ReportState]:
    wanted = _several("status")
    if unknown := [one for one in wanted if one not in ("open", "closed")]:
        raise GeoReportError(400, _("status is open or closed, not %(word)s.", word=unknown[0]))
    closed = [one for one in ReportState if one not in OPEN_STATES]
    return [
        *(OPEN_STATES if "open" in wanted else ()),
        *(closed if "closed" in wanted else ()),
    ]


def _span(now: datetime) -> tuple[datetime, datetime]:
    """From when to when: ninety days at most, up to now where nothing else is said."""
    since, until = _moment("start_date"), _moment("end_date")
    if until is None:
        until = min(since + SPAN, now) if since is not None else now
    since = until - SPAN if since is None else since
    if until - since > SPAN:
        raise GeoReportError(400, _("start_date and end_date may not span more than 90 days."))
    return since, until


def _moment(name: str) -> datetime | None:
    text = request.args.get(name, "").strip()
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is None or found.year not in YEARS:
            raise ValueError
        return found.astimezone(UTC)
    except ValueError:
        raise GeoReportError(
            400, _("%(name)s is a time with its zone, such as 2026-11-20T00:00:00Z.", name=name)
        ) from None


def _whole(name: str, otherwise: int, most: int) -> int:
    text = request.args.get(name, "").strip()
    if not text:
        return otherwise
    if not (text.isascii() and text.isdecimal() and len(text) < 8 and 1 <= int(text) <= most):
        raise GeoReportError(
            400, _("%(name)s is a whole number from 1 to %(most)s.", name=name, most=most)
        )
    return int(text)


def _rules() -> ReportRules:
    return report_rules(request_city())


def _kind() -> str:
    """The format that the address asks for; XML, which every client reads, where it names none."""
    return "json" if request.path.endswith(".json") else "xml"


def _answer(kind: str, name: str, found: Any, status: int = 200) -> Response:
    if kind == "json":
        text: str | bytes = json.dumps(found, ensure_ascii=False)
    else:
        text = ET.tostring(_element(name, found), encoding="utf-8", xml_declaration=True)
    return Response(text, status, content_type=f"{FORMATS[kind]}; charset=utf-8")


def _element(name: str, found: Any) -> ET.Element:
    made = ET.Element(name)
    if isinstance(found, Mapping):
        made.extend(_element(key, value) for key, value in found.items())
    elif isinstance(found, Sequence) and not isinstance(found, str):
        made.extend(_element(_INSIDE[name], one) for one in found)
    elif found is not None:
        plain = str(found).lower() if isinstance(found, bool) else str(found)
        made.text = "".join(one for one in plain if one.isprintable() or one in "\n\t")
    return made
