"""The tests. Assertions of what they share tell as much as their own, under ``python -O`` too."""

import pytest

pytest.register_assert_rewrite("tests.support")
