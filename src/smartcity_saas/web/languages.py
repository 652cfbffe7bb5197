"""Chinese and English: choosing one, and translations read from ``.po`` files.

The catalogues are compiled in memory at start-up, so that neither a checkout nor an installed
package can carry a compiled file that has gone stale.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from babel import Locale
from babel.support import NullTranslations
from flask import Flask, g, has_request_context, request
from flask_babel import Babel, Domain, force_locale, get_locale

from smartcity_saas.web.translation_files import compiled

LANGUAGES = ("zh", "en")
DEFAULT = "zh"
COOKIE = "lang"
_CHINESE = frozenset(
    [
        "zho",
        "chi",
        "cdo",
        "cjy",
        "cmn",
        "cnp",
        "cpx",
        "csp",
        "czh",
        "czo",
        "gan",
        "hak",
        "hnm",
        "hsn",
        "luh",
        "lzh",
        "mnp",
        "nan",
        "sjc",
        "wuu",
        "yue",
    ]
)
"""Chinese by ISO 639-2, and the members of the macrolanguage ``zho`` by ISO 639-3."""


def init_languages(app: Flask, folders: Sequence[Path], fallback: str = "en") -> None:
    """Make a Flask application speak both languages; ``folders`` hold ``zh.po`` files."""
    Babel(
        app,
        default_locale=fallback,
        locale_selector=lambda: language() if has_request_context() else fallback,
    )
    app.extensions["babel"].instance.domain_instance = _Catalogues(folders)
    app.jinja_env.filters["local"] = local


def sentences(*texts: Any) -> str:
    """Texts without a stop, and a last one with its own, as sentences of the reader's language."""
    return ("。" if is_chinese() else ". ").join(str(one) for one in texts)


def page_language() -> str:
    """The language of what is being made: the reader's, or the one that ``force_locale`` names."""
    locale = _kept_locale() or get_locale()
    return locale.language if locale is not None else "en"


def _kept_locale() -> Locale | None:
    """What ``get_locale`` keeps for the request, by one look in place of its three: a page asks
    forty times."""
    try:
        found: Locale | None = g._flask_babel.babel_locale
    except (AttributeError, RuntimeError):  # not chosen yet; nothing is being made
        return None
    return found


def is_chinese() -> bool:
    """Whether what is being made is in Chinese."""
    return page_language() == "zh"


def language() -> str:
    """The reader's language: chosen before, else what the browser prefers, else Chinese."""
    chosen = request.cookies.get(COOKIE)
    if chosen in LANGUAGES:
        return chosen
    return preferred_language(request.accept_languages)


def preferred_language(ranges: Iterable[tuple[str, float]]) -> str:
    """The language that answers an ``Accept-Language`` best: look-up by RFC 4647, section 3.4.

    Args:
        ranges: Language ranges with their weights. The heaviest counts first, of equals the one
            that stands first; weight 0 means "not this one" (RFC 9110, section 12.4.2).

    Returns:
        ``zh`` or ``en``; Chinese where no range names either.
    """
    by_weight = sorted(ranges, key=lambda one: -one[1])
    refused = {tag.lower() for tag, weight in by_weight if weight <= 0}
    for tag, weight in by_weight:
        found = _language_of(tag)
        if weight > 0 and found in LANGUAGES and found not in refused:
            return found
    return next((one for one in LANGUAGES if one not in refused), DEFAULT)


def _language_of(tag: str) -> str:
    """What is left of a range once it is cut tag by tag; every kind of Chinese is ``zh``."""
    primary = tag.lower().replace("_", "-").partition("-")[0]
    return "zh" if primary in _CHINESE else {"eng": "en"}.get(primary, primary)


def local(text: Mapping[str, str] | None) -> str:
    """A ``{zh, en}`` text in the reader's language."""
    if not text:
        return ""
    return text["zh"] if is_chinese() else text["en"]


def both(text: Callable[[], Any]) -> dict[str, str]:
    """A text in both languages, for what is stored and read later by whoever it is for."""
    made = {}
    for code in LANGUAGES:
        with force_locale(code):
            made[code] = str(text())
    return made


class _Catalogues(Domain):  # type: ignore[misc] # flask-babel has no types
    """A domain whose catalogues are read from ``.po`` files, once."""

    def __init__(self, folders: Sequence[Path]) -> None:
        super().__init__()
        self.chinese = compiled(folders)
        self.english = NullTranslations()

    def get_translations(self) -> Any:
        """The catalogue of the reader's language; the source strings are the English one."""
        return self.chinese if is_chinese() else self.english
