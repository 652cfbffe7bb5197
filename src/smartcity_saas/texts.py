"""Texts that are translated when they are shown, without loading what shows them.

Inside an application flask-babel translates for the reader. A command that needs no application
says its catalogue by ``spoken``, and never loads Flask.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from gettext import NullTranslations
from typing import Any

_catalogue: ContextVar[NullTranslations | None] = ContextVar("catalogue", default=None)


@contextmanager
def spoken(translations: NullTranslations) -> Iterator[None]:
    """Translate by a catalogue, where there is no application whose reader would be asked."""
    token = _catalogue.set(translations)
    try:
        yield
    finally:
        _catalogue.reset(token)


def lazy_gettext(text: str, **variables: Any) -> Any:
    """A text that is translated whenever it becomes one: ``_("“%(key)s” is missing.", key=key)``.

    It is a ``LazyText``; marshmallow's faults are declared to take nothing but a ``str``.
    """
    return LazyText(text, variables)


def lazy_ngettext(one: str, many: str, num: int, **variables: Any) -> Any:
    """The same of a text with a count, ``%(num)s``, that has a form for one and a form for more."""
    return LazyPlural(one, many, {"num": num, **variables})


class LazyText:
    """A text of the source with what stands in it; equal to what it says to the reader."""

    def __init__(self, text: str, variables: dict[str, Any]) -> None:
        self.text = text
        self.variables = variables

    def __str__(self) -> str:
        catalogue = _catalogue.get()
        if catalogue is None:
            from flask_babel import gettext  # only where there is an application to ask

            return str(gettext(self.text, **self.variables))
        found = catalogue.gettext(self.text)
        return found % self.variables if self.variables else found

    def __repr__(self) -> str:
        return f"LazyText({self.text!r}, {self.variables!r})"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(str(self), name)

    def __html__(self) -> str:
        return str(self)

    def __bool__(self) -> bool:
        return bool(self.text)

    def __len__(self) -> int:
        return len(str(self))

    def __iter__(self) -> Iterator[LazyText]:
        """One text: marshmallow's ``And`` adds a fault's message to a list as if it were many."""
        return iter((self,))

    def __contains__(self, part: str) -> bool:
        return part in str(self)

    def __add__(self, other: Any) -> str:
        return str(self) + str(other)

    def __radd__(self, other: Any) -> str:
        return str(other) + str(self)

    def __mod__(self, other: Any) -> str:
        return str(str(self) % other)

    def __eq__(self, other: object) -> bool:
        return str(self) == (str(other) if isinstance(other, LazyText) else other)

    def __lt__(self, other: Any) -> bool:
        return str(self) < str(other)

    def __hash__(self) -> int:
        return hash(str(self))


class LazyPlural(LazyText):
    """A text with a count in it: the form for one, and that for more."""

    def __init__(self, one: str, many: str, variables: dict[str, Any]) -> None:
        super().__init__(one, variables)
        self.many = many

    def __str__(self) -> str:
        catalogue = _catalogue.get()
        count = self.variables["num"]
        if catalogue is None:
            from flask_babel import ngettext  # only where there is an application to ask

            others = {key: value for key, value in self.variables.items() if key != "num"}
            return str(ngettext(self.text, self.many, count, **others))
        return catalogue.ngettext(self.text, self.many, count) % self.variables

    def __repr__(self) -> str:
        return f"LazyPlural({self.text!r}, {self.many!r}, {self.variables!r})"


Text = str | LazyText
"""A text to show: written out, or translated when it is shown. Flask-Babel's own lazy texts, which
have no types, are meant too."""
