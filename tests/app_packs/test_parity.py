"""The parity report: what works inside each app follows from the configuration and what was read."""

from __future__ import annotations

import pytest

from smartcity_saas.app_packs.parity import Parity, Use, parity
from smartcity_saas.app_packs.platforms import Support, app_names, platform_of
from tests.support.app_packs import FORM
from tests.support.channels import channels
from tests.support.documents import HANGZHOU
from tests.support.world import World


def report(world: World, app: str, city: str = "hangzhou") -> Parity:
    with world.inside(city):
        return parity(world.city(city), platform_of(app))


def supported(lines: tuple) -> dict[str, Support]:  # type: ignore[type-arg]
    return {one.name: one.finding.support for one in lines}


def use(found: Parity, name: str) -> Use:
    return next(one.use for one in found.services if one.name == name)


def save(world: World, extra: str = "", phone: bool = True, based_on: int = 2) -> None:
    text = HANGZHOU + channels("330100")
    if not phone:
        text = text.replace("phone: {state: open}", "phone: {state: closed}")
    world.save(text + extra + FORM, based_on=based_on)


@pytest.mark.parametrize("app", ["wechat", "alipay", "taobao", "baidu"])
def test_nothing_is_paid_inside_a_mini_program(packed: World, app: str) -> None:
    """Promise: where only the city's own domains open, no way to pay on the provider's page is
    promised; what takes money works in part, and what takes none is not held back by it."""
    found = report(packed, app)
    assert found.paying, "the city takes payments"
    assert set(supported(found.paying).values()) == {Support.NOT}
    assert use(found, "utility_bills") is Use.PARTLY
    assert use(found, "residence_permit_renewal") is Use.PARTLY


def test_each_app_s_own_sign_in_is_what_its_documents_say(packed: World) -> None:
    """Promise: WeChat's is said to work in its web-view, Alipay's not, those of which nothing was read
    are not known; a number works everywhere, and another app's sign-in in none of the mini programs."""
    for app in app_names():
        found = supported(report(packed, app).sign_in)
        assert found["phone"] is Support.WORKS
        others = {one for name, one in found.items() if name not in ("phone", app)}
        assert others == (
            {Support.NOT} if platform_of(app).shell else {Support.NOT, Support.UNKNOWN}
        )
    own = {app: supported(report(packed, app).sign_in)[app] for app in app_names()}
    assert own == {
        "wechat": Support.WORKS,
        "alipay": Support.NOT,
        "taobao": Support.UNKNOWN,
        "baidu": Support.NOT,
        "weibo": Support.UNKNOWN,
    }


def test_without_a_way_to_sign_in_a_service_can_be_read(packed: World) -> None:
    """Promise: a city that has closed signing in by number is told that inside Alipay nothing can be
    used, and what to open."""
    assert use(report(packed, "alipay"), "hospital_appointments") is not Use.READ_ONLY
    save(packed, phone=False)
    found = report(packed, "alipay")
    assert {one.use for one in found.services} == {Use.READ_ONLY}
    assert "channels.phone" in found.services[0].reasons[0]["en"]
    assert use(report(packed, "wechat"), "hospital_appointments") is not Use.READ_ONLY
    assert use(report(packed, "alipay", "ningbo"), "hospital_appointments") is not Use.READ_ONLY


def test_files_are_promised_where_they_can_be_added(packed: World) -> None:
    """Promise: a service with photographs, and a form that asks for a file, say inside Alipay that they
    cannot be added; a form without one does not."""
    no_file = FORM.replace("kind: file, required: true, files: 2,", "kind: text,")
    told = "Photographs and files cannot be added inside"
    with_files = {
        one.name
        for one in report(packed, "alipay").services
        if any(told in reason["en"] for reason in one.reasons)
    }
    assert {"traffic_tickets", "residence_permit_renewal"} <= with_files
    assert "hospital_appointments" not in with_files
    packed.save(HANGZHOU + channels("330100") + no_file, based_on=2)
    form = next(
        one for one in report(packed, "alipay").services if one.name == "residence_permit_renewal"
    )
    assert not any(told in reason["en"] for reason in form.reasons)


def test_a_form_without_a_fee_does_not_wait_for_payments(packed: World) -> None:
    """Promise: only what takes money is held back by ways to pay."""
    free = FORM.replace('"20.00"', '"0"').replace(
        "kind: file, required: true, files: 2,", "kind: text,"
    )
    packed.save(HANGZHOU + channels("330100") + free, based_on=2)
    assert use(report(packed, "wechat"), "residence_permit_renewal") is Use.WORKS


def test_paused_and_closed_services(packed: World) -> None:
    """Promise: a paused service says what still works, a closed one is not in the report."""
    more = (
        "  utility_bills: {state: closed}\n"
        "  traffic_tickets: {state: paused, notice: {zh: 升级中。, en: Back soon.}}\n"
    )
    packed.save(HANGZHOU + channels("330100") + FORM + more, based_on=2)
    found = report(packed, "weibo")
    assert use(found, "traffic_tickets") is Use.PAUSED
    assert "utility_bills" not in {one.name for one in found.services}


def test_what_the_city_has_not_opened_is_not_in_it(packed: World) -> None:
    """Promise: ways to sign in and to pay are those that the city has open with their secrets stored;
    with payments closed, services say so."""
    save(packed, "payments: {state: closed}\n")
    found = report(packed, "wechat")
    assert found.paying == ()
    bills = next(one for one in found.services if one.name == "utility_bills")
    assert "takes no payments online" in bills.reasons[0]["en"]
    packed.save(
        HANGZHOU + channels("330100").replace("weibo_client_secret", "not_there") + FORM, based_on=3
    )
    assert "weibo" not in supported(report(packed, "wechat").sign_in)


def test_a_claim_about_an_app_names_what_was_read() -> None:
    """Promise: whatever is said to work or not, because an app's documents say so, names the address;
    what is not known names none but says so."""
    for app in app_names():
        platform = platform_of(app)
        findings = [*platform.sign_in.values(), *platform.paying.values(), platform.uploads]
        if platform.listed:
            findings.append(platform.listed)
        for finding in findings:
            assert finding.source in platform.sources or finding.support is Support.UNKNOWN
        assert platform.unread, app
