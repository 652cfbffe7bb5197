"""Quotas in documents: defaults, a city's own, and the limits above it, which always hold."""

from __future__ import annotations

import pytest

from smartcity_saas.configuration.quotas import Quotas
from tests.support.documents import HANGZHOU, NINGBO, PLATFORM, ZHEJIANG
from tests.support.validation import BASE, check
from tests.support.world import World

LIMITED = ZHEJIANG + "quota_limits: {requests_per_minute: 900}\n"


def of_requests(document: str, number: object) -> str:
    return f"{document}quotas: {{requests_per_minute: {number}}}\n"


def test_a_city_has_its_own_quota_or_that_of_a_baseline(world: World) -> None:
    """What no document says is the default; the nearest document counts."""
    assert world.city("hangzhou").quotas == Quotas()
    world.save(of_requests(PLATFORM, 5000))
    world.save(of_requests(HANGZHOU, 700))
    assert world.city("hangzhou").quotas.requests_per_minute == 700
    assert world.city("shanghai").quotas.requests_per_minute == 5000
    assert world.city("hangzhou").quotas.jobs_per_hour == Quotas().jobs_per_hour


def test_a_limit_added_later_wins_at_once(world: World) -> None:
    """A province limits its cities in one revision: whatever they say is cut to it and flagged, and
    blocks no other edit; another province's cities notice nothing."""
    world.save(of_requests(HANGZHOU, 5000))
    world.save(LIMITED)
    assert world.city("hangzhou").quotas.requests_per_minute == 900
    assert world.city("ningbo").quotas.requests_per_minute == 900
    assert world.city("shanghai").quotas == Quotas()
    (flag,) = world.city("hangzhou").flags
    assert flag.path == ("quotas", "requests_per_minute")
    assert world.city("ningbo").flags == ()
    world.save(of_requests(HANGZHOU, 5000).replace("杭州市", "杭州"))


@pytest.mark.parametrize(
    ("given", "live", "pointer"),
    [
        (of_requests(HANGZHOU, 901), (LIMITED,), "/quotas/requests_per_minute"),
        (
            LIMITED.replace("900", "6000"),
            (PLATFORM + "quota_limits: {requests_per_minute: 5000}\n",),
            "/quota_limits/requests_per_minute",
        ),
        (of_requests(HANGZHOU, 1), (), "/quotas/requests_per_minute"),
        (of_requests(HANGZHOU, '"600"'), (), "/quotas/requests_per_minute"),
        (of_requests(HANGZHOU, "yes"), (), "/quotas/requests_per_minute"),
        (HANGZHOU + "quotas: {requests_per_second: 9}\n", (), "/quotas"),
        (HANGZHOU + "quota_limits: {requests_per_minute: 900}\n", (), "/quota_limits"),
    ],
)
def test_what_a_document_may_not_say_is_refused_where_it_stands(
    given: str, live: tuple[str, ...], pointer: str
) -> None:
    """Above the limit of a document above it (a province's too), out of any range, no number, an unknown
    key; limits in a city's own document."""
    (found,) = check(given, live=(*BASE, *live))
    assert found.pointer.startswith(pointer)
    assert found.line == len(given.splitlines())


def test_a_locked_quota_is_its_own_documents() -> None:
    """Quotas are locked as anything else is."""
    locked = ZHEJIANG + "quotas: {jobs_per_hour: 600}\nlocked: [quotas.jobs_per_hour]\n"
    (found,) = check(NINGBO + "quotas: {jobs_per_hour: 601}\n", live=(*BASE, locked))
    assert "locked by province:zhejiang" in str(found)
