"""Loaded values that are kept: thousands of cities share most of what a baseline says."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from smartcity_saas.configuration.read_only import read_only

MOST_KEPT = 64
"""How many different values of one place are kept loaded."""


class KeptNested(fields.Nested):
    """Nested values of which the last different ones are kept as they were loaded.

    What was loaded once is not loaded again where it stands word for word, whoever's it is. All are
    given the same, which cannot be changed: nothing that one city's code did to its values could
    be another's. What does not load is never kept.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._kept: dict[str, Any] = {}

    def _deserialize(
        self, value: Any, attr: str | None, data: Any, partial: Any = None, **kwargs: Any
    ) -> Any:
        written = repr((value, partial))  # tells 1 from "1" and from True, as JSON would not
        loaded = self._kept.get(written)
        if loaded is None:
            loaded = read_only(super()._deserialize(value, attr, data, partial, **kwargs))
            if len(self._kept) >= MOST_KEPT:
                self._kept = {}
            self._kept[written] = loaded
        return loaded
