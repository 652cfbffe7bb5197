"""Who takes payments, one file each. A file exports ``provider: Provider``."""

from __future__ import annotations

import importlib
import pkgutil
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from marshmallow import Schema

from smartcity_saas.configuration.extensions import Part, declared_parts
from smartcity_saas.configuration.secret_uses import SecretUse
from smartcity_saas.errors import SmartCityError
from smartcity_saas.payments.states import DisputeState, PaymentState, RefundState
from smartcity_saas.texts import lazy_gettext as _


class ProviderUnreachable(SmartCityError):
    """The provider does not answer, or not as it should. What was paid stays paid."""

    status = 503
    title = _("The payment provider is not responding at the moment")

    def __init__(self, detail: Any = "") -> None:
        super().__init__(detail or _("Nothing was lost. Try again in a few minutes."))


class KeyRefused(SmartCityError):
    """The provider answers, and does not take the key."""

    title = _("The payment provider does not accept this key")


class UnknownAtProvider(ProviderUnreachable):
    """The provider answers, and has never heard of this payment: another account, most likely."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "The payment provider does not know this payment. The city's finance team can end it."
            )
        )


Refusal = Literal["too_small", "refused", "changed", "broken", "clock"]
_WHY_NOT: Mapping[Refusal, Any] = {
    "too_small": _(
        "The amount is too small for the payment provider. Pay several items together, or pay at the counter."
    ),
    "refused": _(
        "The payment provider refused this payment. Pay at the counter, or call the city's hotline."
    ),
    "changed": _("Something has changed since you opened this page. Select “Pay” again."),
    "broken": _("The payment page could not open. Select “Pay” again."),
    "clock": _(
        "The payment provider's clock and ours do not match. Try again in a few minutes, or pay at the counter."
    ),
}


class CannotBegin(SmartCityError):
    """The provider will open no page for this payment, however often it is asked; ``reason`` says
    why. A new payment for the same things may begin where ``again`` is true."""

    status = 409
    title = _("The payment page did not open. You have not been charged")

    def __init__(self, reason: Refusal) -> None:
        super().__init__(_WHY_NOT[reason])
        self.reason = reason
        self.again = reason in ("changed", "broken")


class RefundRefused(SmartCityError):
    """The provider will not send this back, now or later."""

    status = 409


class BadSignature(SmartCityError):
    """A webhook that the provider did not sign, or too long ago."""

    status = 400


@dataclass(frozen=True)
class Order:
    """What a provider is asked to take. ``id`` makes asking again the same asking; ``return_url``
    is where the payer comes back to, paid or not.

    Amounts are in the minor unit of ISO 4217; a provider with other ideas converts.
    """

    id: uuid.UUID
    number: str
    items: tuple[tuple[str, int], ...]
    currency: str
    language: str
    return_url: str
    expires_at: datetime


@dataclass(frozen=True)
class Checkout:
    """A provider's pay page."""

    id: str
    url: str


@dataclass(frozen=True)
class RefundFact:
    """A refund as the provider knows it; ``refund_id`` is ours if we asked for it."""

    reference: str
    amount: int
    state: RefundState
    refund_id: str | None


@dataclass(frozen=True)
class DisputeMove:
    """Money of a dispute that moved: taken back (negative), or given back to the city."""

    reference: str
    amount: int


@dataclass(frozen=True)
class DisputeFact:
    """A dispute (chargeback) as the provider knows it."""

    reference: str
    state: DisputeState
    amount: int
    reason: str
    answer_by: datetime | None
    moves: tuple[DisputeMove, ...]


@dataclass(frozen=True)
class PaymentStatus:
    """How a payment stands at the provider, which is what counts: ``open``, ``processing``, ``paid``,
    ``failed`` or ``expired``."""

    state: PaymentState
    amount: int
    currency: str
    reference: str | None = None
    method: str | None = None
    refunds: tuple[RefundFact, ...] = ()
    disputes: tuple[DisputeFact, ...] = ()


@dataclass(frozen=True)
class Notice:
    """A provider's event: which payment to look at, nothing that would be believed. ``charge`` is
    a part of the payment, for events that name no more."""

    event_id: str
    type: str
    object_id: str | None
    checkout_id: str | None
    reference: str | None
    payment_id: str | None
    charge: str | None = None


@dataclass(frozen=True)
class Move:
    """Money that moved at the provider, for reconciling: a payment, a refund (negative), or what a
    dispute took back or gave back."""

    reference: str
    amount: int
    currency: str
    at: datetime


@dataclass(frozen=True)
class Limits:
    """What one payment or refund may be, in ISO 4217's minor unit: at least, and in which steps."""

    least: int = 1
    step: int = 1

    def allow(self, amount: int) -> bool:
        """Whether a provider takes an amount as it is."""
        return amount >= self.least and amount % self.step == 0


class Account(Protocol):
    """One city's account at a provider. Every call may raise ``ProviderUnreachable``."""

    def opened(self) -> Account:
        """The same, with what it needs of the database at hand, so that other threads may ask it."""

    def begin(self, order: Order) -> Checkout | None:
        """Open a pay page; asked again with the same order, the same page. None where the
        order has expired and no page was ever opened for it. Raises ``CannotBegin`` where there
        will be none."""

    def look(self, checkout_id: str) -> PaymentStatus:
        """How a payment stands. Raises ``UnknownAtProvider`` where it never heard of it."""

    def give_up(self, checkout_id: str) -> None:
        """Close a pay page that is still open; nothing where it is not."""

    def refund(self, refund_id: uuid.UUID, reference: str, amount: int, currency: str) -> None:
        """Send money back; asked again with the same id within a day, the same refund. Raises
        ``RefundRefused`` where the provider will not, ``UnknownAtProvider`` where it never heard
        of the payment."""

    def read_notice(self, body: bytes, headers: Mapping[str, str], now: datetime) -> Notice:
        """Read an event, raising ``BadSignature`` unless the provider signed these bytes."""

    def reference_of(self, charge: str) -> str | None:
        """The reference of the payment that a charge is a part of; None where it has none, or the
        provider never heard of it."""

    def moves(self, since: datetime, until: datetime) -> Iterator[Move]:
        """All money that moved in a span of time."""


@dataclass(frozen=True)
class Provider:
    """Someone who takes payments.

    ``settings`` is its part of a document. ``account`` opens a city's account from those values
    and a way to read the city's secrets. ``origins`` are where its pay pages live, for the
    policy of forms; ``methods`` names how people pay there, for what a page says.
    ``ready`` says whether the uses for which secrets are stored are enough.
    ``probe`` asks the provider whether the secret works, and says whose account it opens.
    ``currencies`` are those that it can charge in, None for all of ISO 4217; ``limits`` says what
    one payment in a currency may be.
    """

    name: str
    settings: type[Schema]
    account: Callable[[Mapping[str, Any], Callable[[SecretUse], str]], Account]
    origins: Callable[[Mapping[str, Any]], tuple[str, ...]]
    methods: Callable[[Mapping[str, Any]], tuple[str, ...]]
    ready: Callable[[Mapping[str, Any], Collection[SecretUse]], bool]
    probe: Callable[[Mapping[str, Any], Callable[[SecretUse], str]], str] | None = None
    currencies: frozenset[str] | None = None
    limits: Callable[[str], Limits] = lambda currency: Limits()


def installed_providers() -> Mapping[str, Provider]:
    """Every provider of this package, by name."""
    found = {}
    for module in pkgutil.iter_modules(__path__):
        if not module.ispkg:
            provider: Provider = importlib.import_module(f"{__name__}.{module.name}").provider
            found[provider.name] = provider
    return found


def provider_parts() -> list[Part]:
    """What the providers add to documents; none of them is loaded that declares it."""
    return declared_parts(__name__, __path__, _own_parts)


def _own_parts(module: Any) -> list[Part]:
    provider: Provider = module.provider
    return [Part(provider.name, provider.settings, currencies=provider.currencies)]
