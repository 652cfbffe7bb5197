"""The payment provider's clock moves with the tests' own."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from smartcity_saas.sandboxes.stripe import money, objects
from tests.support.clinic import Clinic


@pytest.fixture
def clinic_time(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the sandbox read the moved clock, as a provider's would have moved too."""
    for module in (money, objects):
        moved = SimpleNamespace(time=lambda: clinic.world.clock().timestamp())
        monkeypatch.setattr(module, "time", moved)
