"""What every kind of field can do, and the small things that kinds share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from marshmallow import ValidationError

from smartcity_saas.configuration.city import Localized
from smartcity_saas.configuration.fields import no_control_characters
from smartcity_saas.forms.definition import Field
from smartcity_saas.texts import Text
from smartcity_saas.texts import lazy_gettext as _
from smartcity_saas.web.languages import local

Faults = Mapping[str, Text]
"""What is wrong with one answer, by its part; what belongs to no part stands under ``""``."""
QUOTED_LENGTH = 40


@dataclass(frozen=True)
class Context:
    """What reading an answer needs to know beside the answer.

    ``zone`` (IANA) and ``currency`` (ISO 4217) are the city's, ``today`` its day. ``name`` and
    ``masked_number`` are the resident's own, verified; None where they are not. ``files`` has the
    name of each stored file that may be answered with, by its id. ``is_stored`` says that what is
    read was read before, by an older release perhaps. ``division_code`` is the city's own (GB/T 2260),
    empty where there is none.
    """

    zone: str
    currency: str
    today: date
    name: str | None = None
    masked_number: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    is_stored: bool = False
    division_code: str = ""


class Unfit(ValueError):
    """An answer does not fit; ``faults`` says why, by its parts. ``is_begun`` says that the page has
    not asked for all of its parts yet."""

    def __init__(
        self,
        message: Text = "",
        part: str = "",
        *,
        faults: Faults | None = None,
        is_begun: bool = False,
    ) -> None:
        super().__init__()
        self.faults: Faults = {part: message} if faults is None else faults
        self.is_begun = is_begun


class WebForm(Protocol):
    """What a web form sent, as Werkzeug's ``MultiDict`` has it."""

    def getlist(self, key: str) -> list[str]:
        """Every value under a name, in the order in which they were sent."""


def control(name: str, part: str = "") -> str:
    """How a web form calls the control of a field, or of a part of it: ``answer-address-city``.

    No page has a control or an id that begins so, whatever a definition calls its fields.
    """
    return f"answer-{name}-{part}" if part else f"answer-{name}"


def gather_text(name: str, form: WebForm) -> Any:
    """What was typed into the only control of a field; None where it was not sent."""
    found = form.getlist(control(name))
    return found[0] if found else None


def gather_list(name: str, form: WebForm) -> Any:
    """Everything that was chosen."""
    return form.getlist(control(name))


def gather_parts(*parts: str) -> Callable[[str, WebForm], Any]:
    """Gathers what was typed into several controls, by their parts."""

    def gather(name: str, form: WebForm) -> Any:
        found = {part: form.getlist(control(name, part)) for part in parts}
        return {part: values[0] for part, values in found.items() if values}

    return gather


@dataclass(frozen=True)
class Kind:
    """A kind of field.

    ``read`` makes the canonical JSON value of what a web form or an API client gave, None where that
    says nothing, and raises ``Unfit``; a canonical value reads back to itself. ``words`` shows a
    canonical value in ``zh`` or ``en``. ``missing`` is what to do where an answer is needed.
    ``gather`` takes what was typed out of a web form; ``typed`` makes that of a canonical value, and
    leaves alone what is none. ``begins_with`` is what stands in it before anybody has answered.
    """

    read: Callable[[Field, Any, Context], Any]
    words: Callable[[Field, Any, str], str]
    missing: Text
    gather: Callable[[str, WebForm], Any] = gather_text
    typed: Callable[[Any], Any] = lambda value: value
    begins_with: Callable[[Context], Any] = lambda context: None


def form_values(kind: Kind, value: Any) -> dict[str, list[str]]:
    """The values with which a web form is filled again, by the parts of the field.

    Args:
        kind: The field's.
        value: Canonical, or whatever else was given and did not fit.
    """
    typed = kind.typed(value)
    if typed is None:
        return {}
    if isinstance(typed, Mapping):
        return {str(part): [str(one)] for part, one in typed.items() if one is not None}
    if isinstance(typed, list):
        return {"": [str(one) for one in typed]}
    return {"": [str(typed)]}


def plain_words(field: Field, value: Any, language: str) -> str:
    """The words of a value that reads as it is stored."""
    return str(value)


def read_text(given: Any) -> str:
    """A text without what stands around it; empty for nothing.

    Raises:
        Unfit: It is something else, such as a number of JSON.
    """
    if given is None:
        return ""
    if not isinstance(given, str):
        raise Unfit(_("“%(value)s” is not text. Put it in quotes.", value=quoted(given)))
    return given.strip()


def read_line(given: Any, longest: int) -> str:
    """A line of text in which everything shows; empty for nothing.

    Raises:
        Unfit: It is no such line, or too long.
    """
    text = shown_text(read_text(given))
    if len(text) > longest:
        raise too_long(text, longest)
    return text


def shown_text(text: str) -> str:
    """The text itself.

    Raises:
        Unfit: Something in it does not show, or reorders what does.
    """
    try:
        return no_control_characters(text)
    except ValidationError:
        raise Unfit(
            _(
                "There is a character that does not show in “%(value)s”. Type it again by hand.",
                value=quoted("".join(one if one.isprintable() else "�" for one in text)),
            )
        ) from None


def too_long(text: str, longest: int) -> Unfit:
    """The fault of a text that is too long."""
    return Unfit(
        _(
            "“%(value)s” is %(length)s long: shorten it to at most %(most)s characters.",
            value=quoted(text),
            length=len(text),
            most=longest,
        )
    )


def read_parts(given: Any, *parts: str) -> Mapping[str, Any]:
    """An object of known parts; empty for nothing.

    Raises:
        Unfit: It is something else, or has other parts.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise Unfit(
            _(
                "“%(value)s” is not enough. Give these parts: %(parts)s.",
                value=quoted(given),
                parts=", ".join(parts),
            )
        )
    for name in given:
        if name not in parts:
            raise Unfit(
                _(
                    "There is no part “%(name)s” here. Give these parts: %(parts)s.",
                    name=quoted(name),
                    parts=", ".join(parts),
                )
            )
    return given


class InBothLanguages:
    """Words of a definition inside a fault, in the language of whoever reads it."""

    def __init__(self, text: Localized | None) -> None:
        self.text = text

    def __str__(self) -> str:
        return local(self.text)


def quoted(value: Any) -> str:
    """The beginning of what was written, to be quoted in a fault."""
    text = str(value)
    return text if len(text) <= QUOTED_LENGTH else f"{text[:QUOTED_LENGTH]}…"
