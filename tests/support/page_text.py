"""The text of a page without the layout of its source, so that tests do not know how it is indented."""

from __future__ import annotations

import re
from typing import Any

from flask.testing import FlaskClient

_KEPT = re.compile(r"(<(textarea|pre|script)\b.*?</\2>)", re.DOTALL)
_SPACE = re.compile(r"\s+")
_TAG = re.compile(r" ?(<[^>]*>) ?")


def without_layout(text: str) -> str:
    """White space beside a tag is left out, any other run of it is one space; what a person typed
    or the page shows as it stands (``textarea``, ``pre``) stays."""
    kept = _KEPT.split(text)
    parts = [_TAG.sub(r"\1", _SPACE.sub(" ", part)) for part in kept[::3]]
    return "".join(a + b for a, b in zip(parts, [*kept[1::3], ""], strict=True))


class PageText(str):
    """A page's text, in which anything is looked for without its layout."""

    __slots__ = ()

    def __contains__(self, wanted: object) -> bool:
        return super().__contains__(without_layout(wanted) if isinstance(wanted, str) else wanted)

    def count(self, wanted: str, *span: Any) -> int:
        return super().count(without_layout(wanted), *span)

    def index(self, wanted: str, *span: Any) -> int:
        return super().index(without_layout(wanted), *span)

    def find(self, wanted: str, *span: Any) -> int:
        return super().find(without_layout(wanted), *span)

    def split(self, at: str | None = None, most: Any = -1) -> list[str]:
        return [PageText(part) for part in super().split(at and without_layout(at), most)]

    def partition(self, at: str) -> tuple[str, str, str]:
        before, found, after = super().partition(without_layout(at))
        return PageText(before), found, PageText(after)


class _Page:
    """What a page adds to a response of the test client."""

    @property
    def text(self) -> str:
        whole: str = super().text  # type: ignore[misc]
        html = self.mimetype == "text/html"  # type: ignore[attr-defined]
        return PageText(without_layout(whole)) if html else whole


class PageClient(FlaskClient):
    """A client whose pages are read without their layout."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.response_wrapper = type("PageResponse", (_Page, self.response_wrapper), {})
