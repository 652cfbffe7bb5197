"""One-time codes: sent, typed once, not to be guessed, and no way to flood a telephone."""

from __future__ import annotations

import pytest

from smartcity_saas.errors import FieldErrors, Throttled
from smartcity_saas.identity.residents.one_time_codes import (
    MOST_TRIES_FROM_ADDRESS,
    send_code,
    use_code,
)
from tests.support.residents import PHONE
from tests.support.world import World


def test_codes_cannot_be_guessed_day_after_hour(phones: World) -> None:
    """However many browsers and codes: within a day so many tries, and no more texts to one
    telephone than a day can bear."""
    city, tries = phones.city("hangzhou"), 0
    with pytest.raises(Throttled), phones.inside("hangzhou"):
        for round_ in range(60):
            now = phones.clock()
            _number, code = send_code(city, "p", PHONE, f"b{round_}", "192.0.2.1", "en", now)
            for _try in range(5):
                wrong = "000000" if code != "000000" else "111111"
                with pytest.raises(FieldErrors):
                    use_code("p", wrong, f"b{round_}", "192.0.2.1", now)
                tries += 1
            phones.clock.move(minutes=6)
    assert tries <= MOST_TRIES_FROM_ADDRESS


def test_one_network_does_not_shut_a_city(phones: World) -> None:
    """A /64 counts as one: its hundredth address is refused, somebody else's first is not."""
    with phones.inside("hangzhou"):
        city, now = phones.city("hangzhou"), phones.clock()
        with pytest.raises(Throttled):
            for number in range(100):
                address = f"2001:db8:0:1::{number:x}"
                send_code(city, "p", f"139{number:08d}", "b", address, "en", now)
        assert send_code(city, "p", PHONE, "b2", "203.0.113.9", "en", now)
