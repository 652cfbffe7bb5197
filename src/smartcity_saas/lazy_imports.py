"""What loads when it is first asked for: modules of a package (PEP 562), and heavy libraries."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from types import ModuleType
from typing import Any

_HIDING = threading.RLock()


def lazily(package: str, modules: Mapping[str, tuple[str, ...]]) -> Callable[[str], Any]:
    """A package's ``__getattr__``: module of the package → the names that it gives the package.

    So a light module of a package can be imported without the heavy ones beside it.
    """
    homes = {name: module for module, names in modules.items() for name in names}

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{package}.{homes[name]}"), name)

    return load


class LazyLibrary:
    """A library, under the name of its module, that loads when something of it is first asked for.

    For what is heavy and few processes ever need. Give type checkers the import itself::

        if TYPE_CHECKING:
            import stripe
        else:
            stripe = LazyLibrary("stripe")

    ``importlib.util.LazyLoader`` is not used: before Python 3.11.9 two threads that ask first at
    the same moment can find half a module (python/cpython#114763).
    """

    def __init__(self, name: str, *, without: str = "") -> None:
        self._name, self._without = name, without
        self._module: ModuleType | None = None

    def __getattr__(self, attribute: str) -> Any:
        if self._module is None:
            with hidden(self._without) if self._without else nullcontext():
                self._module = importlib.import_module(self._name)
        return getattr(self._module, attribute)


@contextmanager
def hidden(library: str) -> Iterator[None]:
    """Import others as if a library were not installed; one that is loaded already stays. One thread
    hides at a time."""
    with _HIDING:
        if library in sys.modules:
            yield
            return
        sys.modules[library] = None  # type: ignore[assignment] # "import" then raises ImportError
        try:
            yield
        finally:
            del sys.modules[library]
