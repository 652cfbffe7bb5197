"""What is kept in front of Flask: strangers' pages, no byte of anyone, nothing that is old."""

from __future__ import annotations

import gzip
import ipaddress
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from smartcity_saas.asgi.answer_cache import KeptAnswer
from smartcity_saas.audit import system
from smartcity_saas.services.hospital_appointments.csv_import import take_schedule
from smartcity_saas.tenancy.announcements import publish
from smartcity_saas.tenancy.current import current_time
from smartcity_saas.web.policy import Caller, Policy
from tests.support.city_credit import DOCUMENTS, OPEN
from tests.support.clinic import ROW, Clinic
from tests.support.documents import HANGZHOU, NINGBO
from tests.support.fees import FEES
from tests.support.front import Answer, Asked, Front, fronted
from tests.support.product import other_settings
from tests.support.residents import by_phone
from tests.support.routes import paths
from tests.support.world import World

PHONES = "channels: {phone: {state: open}}\n"
CREDIT = "services: {city_credit: {state: open}}\n"
MARK = "an-unmistakable-mark-of-a-visitor"
KEPT = [
    "/",
    "/accessibility",
    "/announcements",
    "/data",
    "/data/services",
    "/data/services.csv",
    "/privacy",
    "/scorecard",
    "/services",
    "/services/city-credit",
    "/services/city-credit/rules",
    "/services/hospital-appointments",
    "/services/problem-reports/all",
    "/services/traffic-tickets",
    "/services/utility-bills",
    "/transparency",
    "/transparency/12-months",
    "/transparency/3-months",
]
TOKEN = re.compile(r'name="csrf_token" value="[^"]+"')


@pytest.fixture
def front(world: World) -> Iterator[Front]:
    with fronted(world.app) as made:
        yield made


def entries(front: Front) -> list[tuple[object, KeptAnswer]]:
    found = front.kept.cache._found.items()
    return [(key, one) for key, one in found if isinstance(one, KeptAnswer)]


def what_it_says(answer: Answer) -> tuple[object, ...]:
    """An answer without how it is packed, and without what is drawn by lot each time."""
    told = ("content-type", "cache-control", "content-security-policy", "location")
    cookie = answer.headers.get("set-cookie", "").partition("=")[0]
    text = TOKEN.sub("", answer.text) if answer.status != 304 else ""
    return answer.status, text, cookie, *(answer.headers.get(name) for name in told)


@pytest.mark.parametrize("path", KEPT)
def test_a_strangers_page_is_made_once(front: Front, world: World, path: str) -> None:
    """Promise: what may be kept is: the second stranger's page costs the application nothing and is
    the same, by language and text size; a city never has another one's."""
    readers: list[dict[str, str]] = [
        {"accept-language": "zh-CN,zh;q=0.9"},
        {"accept-language": "en", "cookie": "text=large"},
        {"accept-language": "zh", "cookie": "lang=en", "accept-encoding": "gzip"},
    ]
    if "credit" in path:
        world.save(HANGZHOU + CREDIT)
        world.save(NINGBO + CREDIT)
    for city in ("hangzhou", "ningbo"):
        for headers in readers:
            first = front.get(path, host=f"{city}.localhost", headers=headers)
            assert first.status == 200
            before = front.behind
            again = front.get(path, host=f"{city}.localhost", headers=headers)
            assert (again.text, again.headers) == (first.text, first.headers)
            assert front.behind == before
    assert len(entries(front)) == 6


def test_every_page_that_is_kept_is_tried_above(world: World) -> None:
    """Promise: nobody lets a page be kept unseen: what a path alone leads to is in the list above, and
    what is not for everyone cannot be declared."""
    found = set()
    for rule in world.app.url_map.iter_rules():
        policy = world.app.policies.get(rule.endpoint)
        if policy is not None and policy.kept is not None and not rule.arguments:
            found.add(rule.rule)
    assert found - set(KEPT) <= {"/data/catalog.jsonld", "/data/datapackage.json"}
    with pytest.raises(ValueError, match="not everyone"):
        Policy(who="resident", kept=timedelta(1))
    with pytest.raises(ValueError, match="token"):
        Policy(who="resident", caller=Caller.STRANGER)


def test_no_byte_of_anyone_is_ever_kept(front: Front, world: World) -> None:
    """Promise: whatever a visitor brings to any page of a city's site, by any way in which a request
    can carry it, is in nothing that is kept, and no cookie or form's token either."""
    ways: list[dict[str, object]] = [
        {"headers": {"cookie": f"session={MARK}"}},
        {"headers": {"cookie": f"__Host-session={MARK}"}, "scheme": "https"},
        {"headers": {"cookie": f"lang=en; other={MARK}"}},
        {"headers": {"cookie": f"lang={MARK}; text={MARK}"}},
        {"headers": {"authorization": f"Bearer {MARK}"}},
        {"query": f"q={MARK}"},
        {"query": f"v={MARK}"},
        {"headers": {"user-agent": f"Mozilla MicroMessenger {MARK}"}},
        {"headers": {"accept-language": f"en, {MARK}"}},
        {"headers": {"referer": f"http://hangzhou.localhost/{MARK}", "origin": f"http://{MARK}"}},
        {"headers": {"x-forwarded-host": MARK, "x-forwarded-proto": MARK, "x-real-ip": MARK}},
        {"headers": {"x-forwarded-for": MARK, "forwarded": f"for={MARK}"}},
        {"headers": {"accept": f"text/{MARK}", "if-none-match": f'"{MARK}"'}},
        {"method": "POST", "body": f"q={MARK}".encode()},
        {"method": "HEAD", "headers": {"x-anything": MARK}},
    ]
    every = [*paths(world.app, "city"), "/static/site.css", f"/brand/{MARK}.css", f"/{MARK}"]
    for path in every:
        for way in ways:
            front.get(path, **way)
    assert entries(front)
    for key, kept in entries(front):
        packed = (b"content-encoding", b"gzip") in kept.head
        text = gzip.decompress(kept.body) if packed else kept.body
        assert MARK.encode() not in text + str((key, kept.head, kept.unchanged)).encode(), key
        assert b"csrf_token" not in text, key
        assert not any(name == b"set-cookie" for name, _value in kept.head)


VISITORS = st.sampled_from(["stranger", "in English", "resident", "queried", "program", "posting"])
STEPS = st.tuples(
    VISITORS,
    st.sampled_from(["hangzhou", "ningbo", "wenzhou", "nowhere"]),
    st.sampled_from(
        ["/", "/services", "/services/utility-bills", "/services/traffic-tickets", "/me"]
    ),
    st.sampled_from(["", "gzip", "gzip;q=0, *", "br"]),
    st.booleans(),
)


def test_the_front_says_what_the_application_would(world: World) -> None:
    """Promise: in whatever order strangers, residents, programs and those who post come to cities, to a
    draft and to a host that leads nowhere, and whatever is announced between, each is told what the
    application itself would have told them."""
    for yaml in (HANGZHOU, NINGBO):
        world.save(yaml + PHONES)
    draft = HANGZHOU.replace("hangzhou", "wenzhou").replace("330100", "330300")
    world.save(draft.replace("state: live", "state: draft").replace("杭州", "温州"))
    cookies = {}
    for city in ("hangzhou", "ningbo"):
        cookie = by_phone(world, city=city).client.get_cookie("session", f"{city}.localhost")
        assert cookie is not None
        cookies[city] = f"session={cookie.value}"

    def asked(step: tuple[str, str, str, str, bool]) -> Asked:
        visitor, city, path, encoding, secure = step
        one = Asked(path, f"{city}.localhost", scheme="https" if secure else "http")
        headers = {"accept-language": "zh", "accept-encoding": encoding}
        if visitor == "resident":
            one = replace(one, scheme="http")
            headers["cookie"] = cookies.get(city, cookies["hangzhou"])
        elif visitor == "in English":
            headers["cookie"] = "lang=en"
        elif visitor == "queried":
            one = replace(one, query="utm_source=x")
        elif visitor == "program":
            headers["authorization"] = "Bearer nothing"
        elif visitor == "posting":
            one = replace(one, method="POST", body=b"x=1")
        return replace(one, headers=headers)

    @settings(max_examples=8, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(st.lists(STEPS, min_size=4, max_size=10), st.integers(0, 9))
    def holds(steps: list[tuple[str, str, str, str, bool]], told_after: int) -> None:
        with fronted(world.app) as front, fronted(world.app) as bare:
            bare.app.kept = None
            for number, step in enumerate(steps):
                (answer,), (expected,) = front.ask(asked(step)), bare.ask(asked(step))
                assert what_it_says(answer) == what_it_says(expected), step
                if number == told_after:
                    announce(world, f"Told after {number}")

    holds()


def announce(world: World, words: str) -> None:
    both = {"zh": words, "en": words}
    with world.inside("hangzhou"):
        publish(system("test"), both, both, both, world.clock())
    world.documents().touch_content("hangzhou")
    look_again(world)


def look_again(world: World) -> None:
    world.app.registry._looked_at = float("-inf")  # the next request looks, as after 0.4 seconds


def test_what_was_told_as_saved_is_seen(front: Front, world: World) -> None:
    """Promise: a change of the document or of what is announced, stored by another process, is on the
    next page once it is time to look, and in nobody's copy that is asked for again."""
    first = front.get()
    announce(world, "Water off tonight")
    known = {"if-none-match": first.headers["etag"]}
    assert "Water off tonight" in front.get(headers=known).text
    assert "Water off tonight" not in front.get(host="ningbo.localhost").text
    live = world.documents().live_revision("hangzhou").text
    pause = 'services:\n  utility_bills: {state: paused, notice: {zh: 停, en: "Closed today"}}\n'
    assert front.get("/services/utility-bills").status == 200
    world.save(live + pause)
    assert "Closed today" in front.get().text
    assert front.get("/services/utility-bills").status == 503
    world.save(live.replace("state: live", "state: suspended"))
    assert [front.get(path).status for path in ("/", "/privacy")] == [503, 200]


def test_hospitals_are_on_the_next_page(front: Front, world: World) -> None:
    """Promise: what a table or a hospital's system says of hospitals and departments is on the next
    page of appointments, and a city's pages are left as they are by what they do not show; so is how
    fees are paid, which the city's secrets decide."""
    page = "/services/hospital-appointments"
    clinic = Clinic(world)
    clinic.bring()
    look_again(world)
    first = front.get(page).text
    assert "Cardiology" in first
    clinic.bring({"doctor_code": "d2", "doctor_en": "Doctor B"})
    look_again(world)
    assert front.get(page).text == first
    assert len(entries(front)) == 1
    clinic.bring({"department_en": "Heart diseases"})
    look_again(world)
    assert "Heart diseases" in front.get(page).text
    answer = {"sessions": [{**ROW, "day": clinic.day(), "department_en": "Heart centre"}]}
    with world.inside("hangzhou"):
        assert not take_schedule(answer, "h1", "cardio", world.clock())
    look_again(world)
    assert "Heart centre" in front.get(page).text
    assert "Cardiology" not in front.get(page, host="ningbo.localhost").text
    world.save(DOCUMENTS["hangzhou"] + OPEN + FEES.format("ahead"))
    assert "Booking is free" in front.get(page).text
    staff = world.city_staff()
    for name, value in (
        ("stripe_secret_key", "sk_test_hangzhou"),
        ("stripe_webhook_secret", "whsec_x"),
    ):
        staff.post("/cities/hangzhou/secrets", name=name, secret=value)
    look_again(world)
    assert "The slot is held for 30 minutes" in front.get(page).text


def test_a_paused_service_is_told_without_being_asked(front: Front, world: World) -> None:
    """Promise: the page that says a service is paused is kept as any other, with its status and without
    an ETag, by language; a resident's own has what they still can do; open again, it is gone at once."""
    path = "/services/utility-bills"
    pause = "services:\n  utility_bills: {state: paused, notice: {zh: 停, en: Closed today}}\n"
    for yaml in (HANGZHOU, NINGBO):
        world.save(yaml + PHONES)
    cookie = by_phone(world).client.get_cookie("session", "hangzhou.localhost")
    assert cookie is not None
    world.save(HANGZHOU + PHONES + pause)
    for headers in ({}, {"accept-language": "zh"}, {"accept-encoding": "gzip"}):
        first = front.get(path, headers=headers)
        assert (first.status, "etag" in first.headers) == (503, False)
        assert ("停" if headers.get("accept-language") else "Closed today") in first.text
        before = front.behind
        again = front.get(path, headers={**headers, "if-none-match": '"x"'})
        assert (again.status, again.text, again.headers) == (503, first.text, first.headers)
        assert front.behind == before
    before = front.behind
    assert front.get(path, headers={"cookie": f"session={cookie.value}"}).status == 503
    assert front.behind == before + 1
    assert front.get(path, host="ningbo.localhost").status == 200
    world.save(HANGZHOU + PHONES)
    assert front.get(path).status == 200


def test_a_page_ends_when_the_time_in_it_does(front: Front, world: World) -> None:
    """Promise: "today" ends at the city's midnight, "expected back" at its time, and a clock that is
    put back makes nothing last."""
    live = world.documents().live_revision("hangzhou").text
    pause = "services:\n  utility_bills: {state: paused, notice: {zh: 停, en: Off}"
    world.save(f'{live}{pause}, until: "2099-01-02T08:00"}}\n')
    world.clock.now = datetime(2099, 1, 1, 15, 59, 30, tzinfo=UTC)  # half a minute before midnight
    announce(world, "Water off tonight")
    assert "today 23:59" in front.get("/announcements").text
    world.clock.move(seconds=40)
    assert "today 23:59" not in front.get("/announcements").text
    world.clock.now = datetime(2099, 1, 1, 23, 59, 50, tzinfo=UTC)
    assert "Expected back today 8:00" in front.get().text
    world.clock.move(seconds=20)
    assert "taking longer than planned" in front.get().text
    world.clock.now = datetime(2099, 1, 1, 15, 59, 50, tzinfo=UTC)
    assert "today 23:59" in front.get("/announcements").text


def test_what_reads_the_clock_by_itself_is_not_kept(front: Front, world: World) -> None:
    """Promise: a page that asks what time it is, and does not say until when its answer holds, is made
    each time, whatever its policy says."""
    endpoint = next(r.endpoint for r in world.app.url_map.iter_rules() if r.rule == "/search")
    policies, views = dict(world.app.policies), dict(world.app.view_functions)
    world.app.policies[endpoint] = replace(policies[endpoint], kept=timedelta(1))
    try:
        world.app.view_functions[endpoint] = lambda: "the same at any time"
        front.get("/search")
        assert len(entries(front)) == 1
        world.app.view_functions[endpoint] = lambda: str(current_time())
        front.get("/search", host="ningbo.localhost")
        assert len(entries(front)) == 1
    finally:
        world.app.policies, world.app.view_functions = policies, views


def test_a_reader_who_has_it_is_told_so(front: Front) -> None:
    """Promise: an ETag is answered with 304 whichever way the page is packed and whoever answers; HEAD
    has the head alone; who refuses gzip gets none."""
    plain = front.get()
    packed = front.get(headers={"accept-encoding": "gzip"})
    assert len(packed.body) < len(plain.body) / 2
    assert packed.text == plain.text
    for etag in (plain.headers["etag"], packed.headers["etag"]):
        for more in ({}, {"accept-encoding": "gzip"}, {"cookie": "session=x"}):
            again = front.get(headers={"if-none-match": f'"other", {etag}', **more})
            assert (again.status, again.body) == (304, b""), more
    assert "content-length" not in again.headers
    head = front.get(method="HEAD")
    assert (head.status, head.body) == (200, b"")
    assert head.headers == plain.headers
    for refusal in ("gzip;q=0", "gzip;q=0, *", "identity", "br, gzip; q=0.000"):
        assert "content-encoding" not in front.get(headers={"accept-encoding": refusal}).headers
    assert "Accept-Encoding" in plain.headers["vary"]
    assert "date" not in plain.headers


def test_a_crowd_makes_one_page(front: Front) -> None:
    """Promise: however many ask at once for what is not there yet, it is made once."""
    answers = front.ask(*[Asked()] * 30)
    assert {answer.text for answer in answers} == {answers[0].text}
    assert front.behind == 1


def test_tls_counts_as_the_proxy_says_it(world: World) -> None:
    """Promise: a page by TLS carries HSTS and one without does not, each kept apart; the header that
    says so counts from a proxy that the operator named, and from nobody else."""
    named = (ipaddress.ip_network("192.0.2.0/24"),)
    with other_settings(world.app, demo=False, trusted_proxies=named), fronted(world.app) as front:
        world.app.wsgi_app.networks = named  # type: ignore[attr-defined]
        told = {"x-forwarded-proto": "https", "x-forwarded-for": "198.51.100.7"}
        for peer, secure in (("192.0.2.1", True), ("198.51.100.1", False), ("192.0.2.1", True)):
            for _turn in range(2):
                answer = front.get(peer=peer, headers=told)
                assert ("strict-transport-security" in answer.headers) is secure
        odd = front.get(peer="192.0.2.1", headers={"x-forwarded-proto": "https, http"})
        assert "strict-transport-security" not in odd.headers
        assert len(entries(front)) == 2
        world.app.wsgi_app.networks = ()  # type: ignore[attr-defined]


def test_the_demo_answers_this_machine_alone(front: Front) -> None:
    """Promise: what is kept of the demo is not told to another machine either."""
    assert front.get().status == 200
    assert front.get(peer="192.0.2.1").status == 403


def test_requests_are_counted(front: Front, world: World) -> None:
    """Promise: what is answered from what is kept stands in the metrics as any other request."""
    seen = []
    before = world.app.count_request
    world.app.count_request = lambda kind, status, seconds: seen.append((kind, status))
    try:
        first = front.get("/services")
        front.get("/services", headers={"if-none-match": first.headers["etag"]})
    finally:
        world.app.count_request = before
    assert seen[-1] == ("city", 304)


def test_a_shipped_file_is_kept_once_for_every_city(front: Front) -> None:
    """Promise: a stylesheet is the same at every site and kept once; an address that carries another
    mark, of which there are endlessly many, is not kept."""
    page = front.get().text
    found = re.search(r'href="/static/site\.css\?(v=[0-9a-f]+)"', page)
    assert found
    for host in ("hangzhou.localhost", "ningbo.localhost", "console.localhost"):
        sheet = front.get("/static/site.css", host=host, query=found[1])
        assert "immutable" in sheet.headers["cache-control"]
    known = [key for key, _kept in entries(front) if "/static/" in str(key)]
    assert len(known) == 1
    for query in ("v=0", f"{found[1]}&x=1", "x=1"):
        assert front.get("/static/site.css", query=query).status == 200
    assert len([key for key, _kept in entries(front) if "/static/" in str(key)]) == 1
