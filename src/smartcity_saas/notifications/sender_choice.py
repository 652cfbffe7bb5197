"""Who sends a city's mail and SMS."""

from __future__ import annotations

from smartcity_saas.configuration.city import City
from smartcity_saas.credentials import read_credential
from smartcity_saas.notifications.senders import Sender
from smartcity_saas.product import product


def has_sender(city: City, kind: str) -> bool:
    """Whether the city can send messages of a kind."""
    if kind in city.messages:
        return True
    installed = product().senders[kind]
    return product().settings.demo and any(one.demo for one in installed.values())


def sender_of(city: City, kind: str) -> Sender | None:
    """The city's sender of a kind, None if it has named none; in demo mode the console's."""
    installed = product().senders[kind]
    values = city.messages.get(kind)
    if values is None:
        demo = next((one for one in installed.values() if one.demo), None)
        return demo.make({}, str) if demo and product().settings.demo else None
    keyring = product().keyring
    return installed[values["provider"]].make(values, lambda use: read_credential(keyring, use))
