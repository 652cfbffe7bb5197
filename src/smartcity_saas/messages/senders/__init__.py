"""Ways to send mail and SMS, one file each. A file exports ``senders``: kind → ``SenderKind``."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from flask import current_app
from marshmallow import Schema

from smartcity_saas.configuration.city import City
from smartcity_saas.configuration.secret_uses import SecretUse
from smartcity_saas.credentials import read_credential

KINDS = ("mail", "sms")


class Sender(Protocol):
    """Sends to one address; raises whatever went wrong, and is then asked again later."""

    def send(self, address: str, city: str, title: str, body: str, message_id: str) -> None:
        """Send one message in the name of a city. ``message_id`` lets the other side see repeats."""


@dataclass(frozen=True)
class SenderKind:
    """A provider of one kind: its name in documents, its settings, and how it is made from
    those and a way to read the city's secrets."""

    name: str
    kind: str
    settings: type[Schema]
    make: Callable[[Mapping[str, Any], Callable[[SecretUse], str]], Sender]
    demo: bool = False


def installed_senders() -> Mapping[str, Mapping[str, SenderKind]]:
    """Kind → name → provider, of this package."""
    found: dict[str, dict[str, SenderKind]] = {kind: {} for kind in KINDS}
    for module in pkgutil.iter_modules(__path__):
        for sender in importlib.import_module(f"{__name__}.{module.name}").senders:
            found[sender.kind][sender.name] = sender
    return found


def has_sender(city: City, kind: str) -> bool:
    """Whether the city can send messages of a kind."""
    if kind in city.messages:
        return True
    installed: Mapping[str, SenderKind] = current_app.extensions["senders"][kind]
    return current_app.config["DEMO"] and any(one.demo for one in installed.values())


def sender_of(city: City, kind: str) -> Sender | None:
    """The city's sender of a kind, None if it has named none; in demo mode the console's."""
    installed: Mapping[str, SenderKind] = current_app.extensions["senders"][kind]
    values = city.messages.get(kind)
    if values is None:
        demo = next((one for one in installed.values() if one.demo), None)
        return demo.make({}, str) if demo and current_app.config["DEMO"] else None
    keyring = current_app.extensions["keyring"]
    return installed[values["provider"]].make(values, lambda use: read_credential(keyring, use))
