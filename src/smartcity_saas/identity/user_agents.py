"""What a browser says of itself: a hint for the page and for the list of sessions, no proof."""

from __future__ import annotations

import re
from collections.abc import Mapping

from flask import g, request

from smartcity_saas.identity.federation.channels import Channel
from smartcity_saas.product import product

_DEVICES = (
    ("HarmonyOS", r"HarmonyOS|OpenHarmony"),
    ("Android", r"Android"),
    ("iPhone", r"iPhone"),
    ("iPad", r"iPad"),
    ("Windows", r"Windows"),
    ("macOS", r"Mac OS X"),
    ("Linux", r"Linux"),
)
_BROWSERS = (
    ("Edge", r"Edg(?:A|iOS)?/"),
    ("Firefox", r"Firefox/|FxiOS/"),
    ("Chrome", r"Chrome/|CriOS/"),
    ("Safari", r"Safari/"),
)


IN_APP = "smartcity.in_app"
"""The name in the WSGI environment under which a page that is made for whoever asks next says in which
channel's app that is, by the channel's name; empty for any other browser."""


def channel_in_app() -> Channel | None:
    """The channel whose own app the present page is open in, None in any other browser."""
    if "channel_in_app" not in g:
        channels = product().channels
        named = request.environ.get(IN_APP)
        agent = request.headers.get("User-Agent", "")
        g.channel_in_app = in_app(agent, channels) if named is None else channels.get(named)
    found: Channel | None = g.channel_in_app
    return found


def in_app(agent: str, channels: Mapping[str, Channel]) -> Channel | None:
    """The channel in whose own app a browser with this ``User-Agent`` is."""
    start = agent[:500]
    return next((one for one in channels.values() if one.in_app and one.in_app.search(start)), None)


def device() -> str:
    """The browser and device of the present request, as people know them; empty if unknown."""
    agent = request.headers.get("User-Agent", "")[:500]
    app = channel_in_app()
    browser = app.title["en"] if app else _first(_BROWSERS, agent)
    return " · ".join(part for part in (browser, _first(_DEVICES, agent)) if part)


def on_phone() -> bool:
    """Whether the present page is open on a telephone."""
    agent = request.headers.get("User-Agent", "")[:500]
    return bool(re.search(r"iPhone|Mobile|HarmonyOS|OpenHarmony", agent))


def _first(known: tuple[tuple[str, str], ...], agent: str) -> str:
    return next((name for name, pattern in known if re.search(pattern, agent)), "")
