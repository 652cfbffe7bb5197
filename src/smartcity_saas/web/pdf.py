"""Documents on paper: a Typst template and a dict become a PDF with its faces embedded.

Typst (typst.app) wraps, breaks pages, shapes and orders text by UAX #9, and embeds of each face
only what is drawn. The faces come from two packages that hold nothing else: Noto Sans SC, which
has the ideographs of GB 18030-2022 at implementation level 2, and Noto Sans for other scripts.
Nothing of the machine is read and nothing is fetched.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import typst

FACE_PACKAGES = ("pylopdf_fonts_zh_cn", "manimgx_fonts")
LONGEST_RUN = 16
"""Characters of one word that stay together; symbols and dashes count thrice, because some are
three ems wide, and a ligature that stands for a sentence nine times."""

_LEFT_OUT = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2060\ufeff"
)
"""What reorders its surroundings (UAX #9, 2) or forbids breaks (UAX #14, WJ)."""
_IDEOGRAPHS = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]")
_LIGATURES = re.compile("[\ufb50-\ufdff\ufe70-\ufefc]")


def typeset(
    template: Path, document: Mapping[str, Any], *, exact: Mapping[str, str] | None = None
) -> bytes:
    """A PDF of a document.

    Args:
        template: A ``.typ`` file; it reads the document by ``json(bytes(sys.inputs.document))``.
        document: Strings, lists and dicts. Its strings are text, never markup.
        exact: What the template finds in ``sys.inputs`` as it is, with no places to break: SVG, or an
            address that is copied from the paper.
    """
    return typst.compile(
        template.read_bytes(),
        font_paths=_faces(),
        sys_inputs={**(exact or {}), "document": json.dumps(_drawable(document))},
    )


def drawn(template: Path, document: Mapping[str, Any], scale: float) -> bytes:
    """A PNG of a document of one page, by the same template language and faces; the same document
    makes the same bytes.

    Args:
        template: A ``.typ`` file; it reads the document by ``json(bytes(sys.inputs.document))``.
        document: Strings, numbers, lists and dicts, as JSON has them.
        scale: Pixels a point.
    """
    return typst.compile(
        template.read_bytes(),
        font_paths=_faces(),
        sys_inputs={"document": json.dumps(document)},
        format="png",
        ppi=72 * scale,
    )


def drawable(text: str) -> str:
    """Text as it can be drawn on one spot: composed (NFC), on one line, in the order in which it
    is stored, and with places to break in whatever is long.

    Marks that reorder what is around them are left out: a name must not be read as another.
    """
    known = "".join(map(_known, unicodedata.normalize("NFC", text)))
    return "".join(_with_breaks(" ".join(known.split())))


def _drawable(value: Any) -> Any:
    if isinstance(value, str):
        return drawable(value)
    if isinstance(value, Mapping):
        return {key: _drawable(one) for key, one in value.items()}
    return [_drawable(one) for one in value]


def _known(character: str) -> str:
    if character in _LEFT_OUT:
        return ""
    if _LIGATURES.match(character):  # one of them is a whole sentence, nine ems wide
        return unicodedata.normalize("NFKC", character)
    kind = unicodedata.category(character)
    return {"Cc": " ", "Cs": "\N{REPLACEMENT CHARACTER}"}.get(kind, character)


def _with_breaks(text: str) -> Iterator[str]:
    """The characters, and a zero-width space wherever a line could not be broken for too long.
    A line can be broken at a space and between two ideographs; before a combining mark it is
    broken only where there are too many of them."""
    run = 0
    for before, character in pairwise(f" {text}"):
        kind = unicodedata.category(character)
        if _LIGATURES.match(character):  # ﷽ has no other spelling in Unicode
            run += 9
        else:
            run += 3 if kind[0] == "S" or (kind == "Pd" and not character.isascii()) else 1
        if character == " " or (_IDEOGRAPHS.match(before) and _IDEOGRAPHS.match(character)):
            run = 0
        elif run > (2 * LONGEST_RUN if kind[0] == "M" else LONGEST_RUN):
            yield "\u200b"
            run = 0
        yield character


@cache
def _faces() -> typst.Fonts:
    return typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[str(files(package)) for package in FACE_PACKAGES],
    )
