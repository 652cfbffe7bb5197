"""Ways in for residents, one file each. A file exports ``channel: Channel``."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from marshmallow import Schema

from smartcity_saas.configuration.city import City, Localized
from smartcity_saas.configuration.extensions import Part, declared_parts
from smartcity_saas.configuration.fields import Choice, Text
from smartcity_saas.configuration.states import CONNECTION_STATES, ConnectionState
from smartcity_saas.errors import SmartCityError
from smartcity_saas.texts import lazy_gettext as _


class ChannelSettings(Schema):
    """What every channel's part of a document begins with."""

    state = Choice(
        CONNECTION_STATES,
        load_default=ConnectionState.OPEN.value,
        metadata={"description": "Whether residents may sign in by it."},
    )
    title = Text(longest=20, metadata={"description": "What its button says, if not its name."})


class ChannelDown(SmartCityError):
    """The other side does not answer, or not as it should. ``reason`` is for the log."""

    status = 503
    title = _("The sign-in service is not responding at the moment")

    def __init__(self, reason: str) -> None:
        super().__init__(_("You are not signed in. Try again in a minute, or choose another way."))
        self.reason = reason


class ChannelRefused(SmartCityError):
    """The other side has answered, and it does not add up. ``reason`` is for the log."""

    title = _("We could not sign you in")

    def __init__(self, reason: str, detail: Any = None) -> None:
        super().__init__(
            detail or _("Start again. If it happens twice, choose another way to sign in.")
        )
        self.reason = reason


class Cancelled(ChannelRefused):
    """The person pressed cancel over there."""

    title = _("You have not signed in")

    def __init__(self) -> None:
        super().__init__("cancelled", _("You cancelled. No information was passed on."))


@dataclass(frozen=True)
class AuthorizationRequest:
    """One sign-in under way, bound to one browser, city and channel.

    ``state``, ``nonce`` and ``verifier`` (PKCE, RFC 7636) are random; ``redirect_uri`` is where
    the person comes back to; ``in_app`` says that the page is open inside the channel's own app.
    """

    state: str
    nonce: str
    verifier: str
    redirect_uri: str
    in_app: bool = False


@dataclass(frozen=True)
class AuthenticatedIdentity:
    """Whom a channel vouches for.

    ``subjects`` are the keys by which it knows the person, the lasting one first; ``name`` is
    what to call them. ``phone`` and ``mail`` are those that it says are verified. ``real_name``
    and ``number`` (GB 11643) are set only if it says that it has verified both. ``id_token``
    is kept for signing out over there.
    """

    subjects: tuple[str, ...]
    name: str
    phone: str | None = None
    mail: str | None = None
    real_name: str | None = None
    number: str | None = None
    id_token: str | None = None
    demo: bool = False


Begin = Callable[[Mapping[str, Any], AuthorizationRequest], str]
Finish = Callable[
    [Mapping[str, Any], AuthorizationRequest, Mapping[str, str]], AuthenticatedIdentity
]


@dataclass(frozen=True)
class Channel:
    """One way in.

    ``settings`` is the schema of its part of a document, None for a channel that documents do
    not name. ``origins`` are those that a form may lead to (for ``form-action``).

    A channel at another site has ``begin``, which makes the address to go to, and ``finish``,
    which turns what comes back into a person; both get the city's settings. ``end`` makes the
    address at which one signs out over there, ``probe`` asks whether the settings work.
    ``by_scanning`` says that outside its own app one scans a code with a telephone, so that it is
    of no use in a telephone's own browser. ``in_app`` finds the browser of its own app by user agent, and ``usable`` says whether the
    settings allow it in or outside that app.

    A channel of this site has ``template``, its form, instead; ``choices`` and ``vouch`` are the
    demo's.
    """

    name: str
    title: Localized
    icon: str = "user"
    settings: type[Schema] | None = None
    offered: Callable[[City], bool] | None = None
    origins: Callable[[Mapping[str, Any]], tuple[str, ...]] = lambda values: ()
    begin: Begin | None = None
    finish: Finish | None = None
    end: Callable[[Mapping[str, Any], str, str], str | None] | None = None
    probe: Callable[[Mapping[str, Any]], str] | None = None
    in_app: re.Pattern[str] | None = None
    usable: Callable[[Mapping[str, Any], bool], bool] = lambda values, in_app: True
    by_scanning: bool = False
    template: str | None = None
    choices: Callable[[City], list[tuple[str, Any]]] = field(default=lambda city: [])
    vouch: Callable[[City, str], AuthenticatedIdentity | None] = field(
        default=lambda city, subject: None
    )
    demo: bool = False

    def open_at(self, city: City) -> bool:
        """Whether a city offers it."""
        return self.offered(city) if self.offered else city.opens_channel(self.name)

    def values(self, city: City) -> Mapping[str, Any]:
        """The city's settings of it."""
        found: Mapping[str, Any] = city.channels.get(self.name, {})
        return found

    def title_at(self, city: City) -> Localized:
        """What its button says at a city."""
        found: Localized = self.values(city).get("title") or self.title
        return found


def installed_channels() -> Mapping[str, Channel]:
    """Every channel of this package, by name."""
    found = {}
    for module in pkgutil.iter_modules(__path__):
        if not module.ispkg and not module.name.startswith("_"):
            channel: Channel = importlib.import_module(f"{__name__}.{module.name}").channel
            found[channel.name] = channel
    return found


def channel_parts() -> list[Part]:
    """What the channels add to documents; none of them is loaded that declares it."""
    return declared_parts(__name__, __path__, _own_parts)


def _own_parts(module: Any) -> list[Part]:
    channel: Channel = module.channel
    return [Part(channel.name, channel.settings)] if channel.settings else []
