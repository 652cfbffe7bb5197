"""Open311 GeoReport v2, spoken to by a client of others and by hand."""

from __future__ import annotations

import itertools
import json
import socket
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
from georeport import GeoReport
from werkzeug.test import TestResponse

from smartcity_saas.audit import system
from smartcity_saas.identity.api_clients.clients import create_client, revoke_client, rotate_secret
from smartcity_saas.services.problem_reports import lifecycle
from smartcity_saas.services.problem_reports.api import WRITE
from smartcity_saas.services.problem_reports.models import ProblemReport
from smartcity_saas.services.problem_reports.open311_views import FORMATS
from tests.support.browser import fresh
from tests.support.documents import HANGZHOU
from tests.support.loopback import serving
from tests.support.problem_reports import HERE, Reports, photograph

ROOT = "/open311/v2"
POSITION = {"lat": "30.246026", "long": "120.210792"}


def client(reports: Reports, city: str = "hangzhou", scope: str = WRITE) -> Any:
    """A client of a city's API; its secret is the api_key."""
    with reports.world.inside(city):
        return create_client(system("t"), "Map", [scope], reports.world.clock())


def post(reports: Reports, kind: str = "json", city: str = "hangzhou", **form: Any) -> TestResponse:
    browser = reports.stranger(city)
    return fresh(
        browser.client.post, f"{ROOT}/requests.{kind}", base_url=f"http://{browser.host}", data=form
    )


def told_codes(answer: TestResponse) -> list[str]:
    """The codes of the errors of an answer, each of which says what was wrong."""
    if answer.content_type.startswith("text/xml"):
        root = ET.fromstring(answer.data)
        assert root.tag == "errors"
        rows = [{one.tag: one.text for one in error} for error in root.iterfind("error")]
    else:
        rows = json.loads(answer.text)
    assert all(one["description"] for one in rows)
    return [str(one["code"]) for one in rows]


@pytest.fixture
def address(reports: Reports, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where Hangzhou's endpoint is served; the city's name leads to this machine."""
    own = socket.getaddrinfo

    def here(host: Any, *rest: Any, **more: Any) -> Any:
        return own("127.0.0.1" if host == "hangzhou.localhost" else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", here)
    with serving(lambda base: reports.world.app) as base:
        yield base.replace("127.0.0.1", "hangzhou.localhost") + ROOT


@pytest.mark.parametrize("kind", ["json", "xml"])
def test_a_client_of_others_reads_everything(reports: Reports, address: str, kind: str) -> None:
    """Promise: georeport, as it is published, reads kinds, definitions and reports in both formats."""
    number = reports.report(reports.world.resident(), **HERE)
    reports.report(reports.stranger(), category="noise")
    reports.report(reports.stranger("ningbo"))
    spoken = GeoReport(address, output_format=kind)
    services = spoken.get_service_list()
    assert [one["service_code"] for one in services][:2] == ["street_light", "road"]
    assert spoken.get_service_definition("noise")["service_code"] == "noise"
    assert len(spoken.get_service_requests()) == 2
    one = spoken.get_service_request(number)
    assert (one["status"], one["service_code"], one["address"]) == (
        "open",
        "street_light",
        "示例路口",
    )
    assert (float(one["lat"]), float(one["long"])) == (30.246, 120.211)
    assert one["description"] is None
    with pytest.raises(requests.HTTPError, match="404"):
        spoken.get_service_definition("dragons")
    reports.act(lifecycle.solve, number, "Done.", ())
    closed = spoken.get_service_requests(status="closed")
    assert (closed[0] if kind == "json" else closed)["service_request_id"] == number


def test_a_report_comes_by_key(reports: Reports) -> None:
    """Promise: with the secret of a client that may report, a report is made and answered with its number,
    which is its own token; it is the city's whose host was called."""
    key = client(reports).secret
    made = post(reports, api_key=key, service_code="street_light", description="Dark", **POSITION)
    assert made.status_code == 200, made.text
    number = json.loads(made.text)[0]["service_request_id"]
    row = reports.row(number)
    assert (row.latitude, row.client_id is not None, row.resident_id) == (30.246026, True, None)
    found = reports.stranger().get(f"{ROOT}/tokens/{number}.json")
    assert json.loads(found.text) == [{"service_request_id": number, "token": number}]
    assert reports.stranger("ningbo").get(f"{ROOT}/requests/{number}.json").status_code == 404
    as_xml = post(reports, "xml", api_key=key, service_code="road", address_string="West Road")
    assert as_xml.content_type == "text/xml; charset=utf-8"
    assert ET.fromstring(as_xml.data).find("request/service_request_id") is not None


def test_a_key_is_good_for_its_city_and_its_scope(reports: Reports) -> None:
    """Promise: no key, an unknown one, another city's, one without the scope and a revoked one are refused
    alike, with 403 in the specification's form; one that was changed is good for another day."""
    good, now = client(reports), reports.world.clock()
    keys = ("", "x", client(reports, "ningbo").secret, client(reports, scope="tickets:read").secret)
    for key, kind in itertools.product(keys, ("json", "xml")):
        refused = post(reports, kind, api_key=key, service_code="road", address_string="x")
        assert (refused.status_code, told_codes(refused)) == (403, ["403"])
    with reports.world.inside("hangzhou"):
        rotate_secret(system("t"), good.client_id, now)
    form = {"api_key": good.secret, "service_code": "road", "address_string": "x"}
    assert post(reports, **form).status_code == 200
    reports.world.clock.move(hours=25)
    assert post(reports, **form).status_code == 403
    with reports.world.inside("hangzhou"):
        other = rotate_secret(system("t"), good.client_id, now)
        revoke_client(system("t"), good.client_id, now)
    assert post(reports, **{**form, "api_key": other.secret}).status_code == 403
    assert reports.rows(ProblemReport) == 1


@pytest.mark.parametrize("kind", ["json", "xml", "html", "json.xml.x"])
@pytest.mark.parametrize("jurisdiction", ["", "ningbo", "hangzhou"])
def test_what_is_answered_with_an_error_has_made_nothing(
    reports: Reports, kind: str, jurisdiction: str
) -> None:
    """Promise: a client that is told of an error may send again: the report was not made."""
    form = {"service_code": "road", "address_string": "x", "jurisdiction_id": jurisdiction}
    answer = post(reports, kind, api_key=client(reports).secret, **form)
    known = kind in FORMATS and jurisdiction != "ningbo"
    assert answer.status_code == (200 if known else 404)
    assert reports.rows(ProblemReport) == known


def test_a_key_in_an_address_is_none(reports: Reports) -> None:
    """Promise: a secret is taken from the form alone, not from an address, which stands in logs."""
    key = client(reports).secret
    refused = post(reports, f"json?api_key={key}", service_code="road", address_string="x")
    assert (refused.status_code, reports.rows(ProblemReport)) == (403, 0)


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"address_string": "x"}, 400),
        ({"service_code": "dragons", "address_string": "x"}, 404),
        ({"service_code": "road"}, 400),
        ({"service_code": "road", "address_id": "5"}, 400),
        ({"service_code": "road", "lat": "1"}, 400),
        ({"service_code": "road", "lat": "x", "long": "y"}, 400),
        ({"service_code": "road", "address_string": "x" * 121}, 400),
        ({"service_code": "road", "address_string": "x", "description": "x" * 4001}, 400),
        ({"service_code": "road", "address_string": "x", "description": "a\0b"}, 400),
    ],
)
def test_what_does_not_fit_has_the_specifications_code(
    reports: Reports, form: dict[str, str], status: int
) -> None:
    """Promise: 404 for what does not exist, 400 for all else, in both formats, and nothing is stored."""
    key = client(reports).secret
    for kind in ("json", "xml"):
        answer = post(reports, kind, api_key=key, **form)
        assert (answer.status_code, told_codes(answer)) == (status, [str(status)])
    assert reports.rows(ProblemReport) == 0


@pytest.mark.parametrize("kind", ["json", "xml"])
@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("requests", "status=dragon", 400),
        ("requests", "start_date=yesterday", 400),
        ("requests", "start_date=2026-02-30T00:00:00Z", 400),
        ("requests", "end_date=0001-01-01T00:00:00%2B14:00", 400),
        ("requests", "start_date=9999-12-31T00:00:00Z", 400),
        ("requests", "end_date=0001-01-01T00:00:00Z", 400),
        ("requests", "start_date=2026-01-01T00:00:00", 400),
        ("requests", "start_date=2026-01-01T00:00:00Z&end_date=2026-06-01T00:00:00Z", 400),
        ("requests", "page=0", 400),
        ("requests", "page_size=1001", 400),
        ("requests/1", "", 404),
        ("tokens/1", "", 404),
        ("services/1", "", 404),
        ("services", "jurisdiction_id=paris", 404),
        ("nothing", "", 404),
        ("services", "jurisdiction_id=hangzhou", 200),
        ("requests", "status=&service_code=&page=", 200),
    ],
)
def test_questions_are_refused_in_its_form(
    reports: Reports, path: str, query: str, status: int, kind: str
) -> None:
    """Promise: what cannot be asked is told as the specification says, in the format that was asked for; an
    empty parameter is none."""
    answer = reports.stranger().get(f"{ROOT}/{path}.{kind}", query_string=query)
    assert answer.status_code == status
    assert answer.content_type == f"{FORMATS[kind]}; charset=utf-8"
    if status != 200:
        assert told_codes(answer) == [str(status)]


def test_requests_are_filtered_and_paged(reports: Reports) -> None:
    """Promise: by number over all else, by kind, time and status, page by page; a photograph only once it is
    released."""
    now = reports.world.clock()
    first = reports.report(reports.world.resident(), photos=[photograph()])
    reports.world.clock.move(days=10)
    second = reports.report(reports.world.resident(), category="noise")

    def found(query: str) -> list[str]:
        text = reports.stranger().get(f"{ROOT}/requests.json", query_string=query).text
        return [one["service_request_id"] for one in json.loads(text)]

    assert found("") == [second, first]
    assert found("service_code=noise,road") == [second]
    assert found(f"service_request_id={first}&service_code=noise") == [first]
    assert found("page_size=1&page=2") == [first]
    assert found("status=closed") == []
    until = (now + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert found(f"end_date={until}") == [first]
    photo = json.loads(reports.stranger().get(f"{ROOT}/requests/{first}.json").text)[0]
    assert photo["media_url"] is None
    reports.world.clock.move(days=81)
    assert found("") == [second]


def test_discovery_leads_to_the_endpoint(reports: Reports) -> None:
    """Promise: discovery names the endpoint of the city that was asked, in both formats."""
    told = json.loads(reports.stranger("ningbo").get(f"{ROOT}/discovery.json").text)
    assert told["endpoints"][0]["url"] == f"http://ningbo.localhost{ROOT}"
    told = ET.fromstring(reports.stranger().get(f"{ROOT}/discovery.xml").data)
    assert told.findtext("endpoints/endpoint/url") == f"http://hangzhou.localhost{ROOT}"
    assert told.findtext("endpoints/endpoint/formats/format") == "application/json"


def test_a_paused_service_says_so_in_its_form(reports: Reports) -> None:
    """Promise: while the service is paused nothing is taken, and what there is can be read."""
    key, number = client(reports).secret, reports.report(reports.stranger())
    pause = "{state: paused, notice: {zh: 停, en: Paused}}"
    reports.world.save(HANGZHOU + f"services: {{problem_reports: {pause}}}\n")
    answer = post(reports, api_key=key, service_code="road", address_string="x")
    assert (answer.status_code, json.loads(answer.text)[0]["code"]) == (400, 400)
    assert reports.stranger().get(f"{ROOT}/requests/{number}.json").status_code == 200
