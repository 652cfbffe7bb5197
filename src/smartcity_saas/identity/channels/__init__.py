"""Ways in for residents, one file each. A file exports ``channel: Channel``."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema

from smartcity_saas.configuration.city import City


@dataclass(frozen=True)
class Channel:
    """One way in.

    ``settings`` is the schema of its part of a document, None for a channel that documents do
    not name. ``offered`` says whether a city offers it, ``origins`` the origins that a form of
    the sign-in page may lead to (for ``form-action``). ``choices`` lists what the sign-in page
    shows: pairs of a value for the field ``subject`` and a text. ``vouch`` turns that value
    into a name, or None if the channel knows nobody by it.
    """

    name: str
    title: Any
    settings: type[Schema] | None
    offered: Callable[[City], bool]
    origins: Callable[[City], tuple[str, ...]]
    choices: Callable[[City], list[tuple[str, Any]]]
    vouch: Callable[[City, str], str | None]
    demo: bool = False


def installed_channels() -> Mapping[str, Channel]:
    """Every channel of this package, by name."""
    found = {}
    for module in pkgutil.iter_modules(__path__):
        channel: Channel = importlib.import_module(f"{__name__}.{module.name}").channel
        found[channel.name] = channel
    return found
