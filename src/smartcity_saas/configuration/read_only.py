"""Loaded values that several cities share, which nobody can change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn


def _refuse(*_arguments: Any, **_options: Any) -> NoReturn:
    raise TypeError("other cities share this value: change a copy of it (merge.copied)")


class ReadOnlyDict(dict[str, Any]):
    """A mapping that is read, compared and written as JSON like any other, and never changed."""

    __slots__ = ()
    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __deepcopy__(self, memo: dict[int, Any]) -> ReadOnlyDict:
        """Itself."""
        return self


class ReadOnlyList(list[Any]):
    """A list, likewise."""

    __slots__ = ()
    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = extend = insert = pop = remove = clear = sort = reverse = _refuse

    def __deepcopy__(self, memo: dict[int, Any]) -> ReadOnlyList:
        """Itself."""
        return self


def read_only(value: Any) -> Any:
    """The same value, of whose mappings and lists none can be changed."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return ReadOnlyDict({key: read_only(value[key]) for key in value})
    return ReadOnlyList(map(read_only, value)) if isinstance(value, list) else value
