"""Apps that a city's site can be opened in, one file each. A file exports ``platform: AppPlatform``.

What is said of an app comes from documents that were read, and names them; what could not be read is
``UNKNOWN`` and says so.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from smartcity_saas.configuration.city import Localized


class Support(StrEnum):
    """Whether something works inside an app."""

    WORKS = "works"
    NOT = "not"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """What an app's documents say of one thing. ``source`` is the address that was read; empty for
    what follows from the product itself."""

    support: Support
    reason: Localized
    source: str = ""


@dataclass(frozen=True)
class DeepLink:
    """One page of a city's site as an app opens it: ``service`` is its name in addresses, empty for
    the first page; ``address`` the page's own."""

    service: str
    title: Localized
    address: str


@dataclass(frozen=True)
class Frame:
    """What a shell is made of: its colours as ``#rrggbb``, its title, what it opens. ``app_id`` is
    the mini program's own; empty where the city has none yet."""

    title: str
    color: str
    white_text: bool
    app_id: str
    links: tuple[DeepLink, ...]


@dataclass(frozen=True)
class Shell:
    """A mini program around the site. ``markup`` is the ending of a page's markup, ``project`` the
    name of the file with the project's settings, ``settings`` makes what stands in it and ``window``
    what ``app.json`` says of the window."""

    markup: str
    project: str
    settings: Callable[[Frame], Mapping[str, Any]]
    window: Callable[[Frame], Mapping[str, Any]]


@dataclass(frozen=True)
class AppPlatform:
    """An app, by the name of its channel.

    Without a ``shell`` the app opens the site's pages in its own browser, by their addresses.
    ``listed`` says why it opens only pages of domains that the city has proved to own, None where it
    opens any. ``sign_in`` and ``paying`` say what is known of single channels and ways to pay beyond
    that, ``uploads`` whether a page can take a photograph or file. ``scheme`` makes the
    address by which other apps open a page, of the mini program's id and the page's query; None where
    none was read. ``steps`` are what there is to do before it is handed in, ``unread`` what no document
    was found for, ``sources`` those that were read.
    """

    name: str
    title: Localized
    form: Localized
    listed: Finding | None
    uploads: Finding
    steps: tuple[Localized, ...]
    sources: tuple[str, ...]
    shell: Shell | None = None
    sign_in: Mapping[str, Finding] = field(default_factory=dict)
    paying: Mapping[str, Finding] = field(default_factory=dict)
    scheme: Callable[[str, str], str] | None = None
    unread: tuple[Localized, ...] = ()


NOT_READ = Finding(
    Support.UNKNOWN,
    {"zh": "没有读到说明。", "en": "No document was found that says so."},
)
PAGE = "pages/city/city"
"""The one page of every shell."""
MINI_PROGRAM = {"zh": "小程序", "en": "mini program"}


def app_names() -> tuple[str, ...]:
    """Every app that there is a file for."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def platform_of(name: str) -> AppPlatform:
    """An app by its name.

    Raises:
        ModuleNotFoundError: There is no file for it.
    """
    found: AppPlatform = importlib.import_module(f"{__name__}.{name}").platform
    return found


def navigation_bar(frame: Frame) -> Mapping[str, Any]:
    """The bar above the pages, in the words that WeChat and Baidu share."""
    return {
        "navigationBarTitleText": frame.title,
        "navigationBarBackgroundColor": frame.color,
        "navigationBarTextStyle": "white" if frame.white_text else "black",
    }


def title_bar(frame: Frame) -> Mapping[str, Any]:
    """The same in the words that Alipay and Taobao share."""
    return {"defaultTitle": frame.title, "titleBarColor": frame.color}


def compile_conditions(frame: Frame) -> list[dict[str, Any]]:
    """Every deep link as an entry of a developer tool's list of ways to start."""
    return [
        {
            "id": number,
            "name": link.title["zh"],
            "pathName": PAGE,
            "query": f"service={link.service}" if link.service else "",
        }
        for number, link in enumerate(frame.links)
    ]
