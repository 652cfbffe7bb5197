"""Libraries that load when they are first asked for, by several threads at once too."""

from __future__ import annotations

import itertools
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from smartcity_saas.lazy_imports import LazyLibrary, hidden

NAME = "a_library_of_this_test"


def test_threads_that_hide_at_once_do_not_disturb_each_other() -> None:
    """Promise: whoever first asks for a library in the moment that another does gets it, not a
    ``KeyError``; afterwards nothing is hidden."""
    ready, order = threading.Barrier(8), itertools.count(1)

    def hide(_number: int) -> bool:
        ready.wait()
        with hidden(NAME):
            time.sleep(0.01 * next(order))  # whoever hid it leaves before the others
            return sys.modules[NAME] is None

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(hide, range(8)))
    assert NAME not in sys.modules


def test_a_library_is_hidden_only_while_another_loads() -> None:
    """Promise: what is loaded is asked directly, so no import of another thread fails later."""
    decimal = LazyLibrary("decimal", without=NAME)
    assert decimal.Decimal("1.5") == 1.5
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("smartcity_saas.lazy_imports.hidden", None)
        assert decimal.ROUND_UP == "ROUND_UP"
