"""Which encoding a file of text is in: UTF-8, UTF-16 or GB 18030, as spreadsheets save them."""

from __future__ import annotations

import codecs
from typing import Any

from smartcity_saas.configuration.problems import Problem
from smartcity_saas.errors import Invalid
from smartcity_saas.texts import lazy_gettext as _

_MARKS = (
    (codecs.BOM_UTF32_LE, ""),  # before UTF-16 LE, whose mark it begins with
    (codecs.BOM_UTF32_BE, ""),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_NAMES = {"utf-8": "UTF-8", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "gb18030": "GB 18030"}
_BEGINNING = 64


def text_of(data: bytes, name: str) -> tuple[str, str]:
    """The text of a file, and the name of the encoding that it was found to be in.

    A byte order mark decides. Without one, zero bytes in every second place are UTF-16; else it
    is UTF-8 if all of it is well formed, and GB 18030 if not.

    Raises:
        Invalid: It is in none of them, or UTF-8 that was damaged on its way.
    """
    encoding, body = _marked(data, name)
    if encoding is None:
        encoding = _unmarked(data, name)
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as error:
        raise _refusal(name, _line_at(data, error.start), _("This is not a text file.")) from None
    if "\0" in text:
        raise _refusal(name, text[: text.index("\0")].count("\n") + 1, _("The file is not a CSV."))
    return text, _NAMES[encoding]


def _marked(data: bytes, name: str) -> tuple[str | None, bytes]:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            if not encoding:
                raise _refusal(name, 1, _("The file is in UTF-32."))
            return encoding, data[len(mark) :]
    return None, data


def _unmarked(data: bytes, name: str) -> str:
    beginning = data[:_BEGINNING]
    even, odd = beginning[::2].count(0), beginning[1::2].count(0)
    if max(even, odd) > len(beginning) // 4:
        return "utf-16-le" if odd > even else "utf-16-be"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        _refuse_damaged(data, name, error.start)
        return "gb18030"
    return "utf-8"


def _refuse_damaged(data: bytes, name: str, start: int) -> None:
    """Tell UTF-8 with a broken byte from GB 18030, in which other names would be read of it.

    Raises:
        Invalid: More characters of three bytes and above are well formed than bytes are not.
    """
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    if sum(1 for one in text if one >= "\u0800") - broken > broken:
        message = _("The file is in UTF-8, but some bytes of this line are damaged.")
        raise _refusal(name, _line_at(data, start), message)


def _line_at(data: bytes, place: int) -> int:
    before = data[:place]
    return max(before.count(b"\n"), before.count(b"\r")) + 1


def _refusal(name: str, line: int, message: Any) -> Invalid:
    hint = _("Save it again as “CSV UTF-8”.")
    return Invalid(message, [Problem(name, line, 1, f"/{line}", message, hint)])
