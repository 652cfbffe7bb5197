"""Ways to send mail and SMS, one file each. A file exports ``senders``: kind → ``SenderKind``."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from marshmallow import Schema

from smartcity_saas.configuration.extensions import Part, declared_parts
from smartcity_saas.configuration.secret_uses import SecretUse

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
        if module.ispkg:
            continue
        for sender in importlib.import_module(f"{__name__}.{module.name}").senders:
            found[sender.kind][sender.name] = sender
    return found


def sender_parts() -> list[Part]:
    """What the senders add to documents; none of them is loaded that declares it."""
    return declared_parts(__name__, __path__, _own_parts)


def _own_parts(module: Any) -> list[Part]:
    found: list[SenderKind] = module.senders
    return [Part(one.name, one.settings, kind=one.kind) for one in found if not one.demo]
