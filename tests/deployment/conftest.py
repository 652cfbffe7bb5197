"""The browser of the walk through a deployment."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.chromium import launch_arguments


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """Debian's Chromium."""
    return launch_arguments()
