"""Stripe: Checkout pages, refunds, webhooks, through Stripe's own SDK, one client a city.

https://docs.stripe.com/api/checkout/sessions, /refunds, /charges; signatures as in
https://docs.stripe.com/webhooks#verify-official-libraries.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from flask_babel import lazy_gettext as _
from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from smartcity_saas.configuration.fields import (
    no_control_characters,
)
from smartcity_saas.configuration.secret_uses import SecretUse
from smartcity_saas.connectors.outbound_calls import CallRefused, outbound
from smartcity_saas.credentials import accepted_values
from smartcity_saas.database import end_read
from smartcity_saas.lazy_imports import LazyLibrary
from smartcity_saas.logs import get_logger
from smartcity_saas.payments.providers import (
    BadSignature,
    CannotBegin,
    Checkout,
    DisputeFact,
    DisputeMove,
    KeyRefused,
    Move,
    Notice,
    Order,
    PaymentStatus,
    Provider,
    ProviderUnreachable,
    RefundFact,
    RefundRefused,
    UnknownAtProvider,
)
from smartcity_saas.payments.providers.documents.stripe import StripeSettings
from smartcity_saas.payments.states import DisputeState, PaymentState, RefundState
from smartcity_saas.payments.stripe_amounts import CURRENCIES, from_stripe, limits, to_stripe
from smartcity_saas.product import product
from smartcity_saas.tenancy.current import current_time
from smartcity_saas.tenant_context import current_city_id

if TYPE_CHECKING:
    import stripe

    from smartcity_saas.payments import stripe_client
else:  # the SDK is 4 MB, and more once it is called; most processes take no payment
    stripe = LazyLibrary("stripe")
    stripe_client = LazyLibrary("smartcity_saas.payments.stripe_client")

SECONDS = 10.0
"""How long a call may take in all, with its repetitions."""
LISTING_SECONDS = 120.0
SHORTEST = timedelta(minutes=30)
"""The least time that a Checkout page is open, by Stripe's clock."""
MISSING = "resource_missing"
API = "https://api.stripe.com"
CHECKOUT_ORIGIN = "https://checkout.stripe.com"

_REFUND_STATES = {
    "succeeded": RefundState.DONE,
    "failed": RefundState.FAILED,
    "canceled": RefundState.FAILED,
}

_EXPANDED = ["payment_intent.latest_charge.refunds"]
_DISPUTE_MOVES = frozenset({"dispute", "dispute_reversal"})
# https://docs.stripe.com/api/disputes/object#dispute_object-status; a word to come is "open".
_DISPUTE_STATES = {
    "warning_needs_response": DisputeState.INQUIRY,
    "warning_under_review": DisputeState.INQUIRY,
    "warning_closed": DisputeState.CLOSED,
    "prevented": DisputeState.CLOSED,
    "won": DisputeState.WON,
    "lost": DisputeState.LOST,
}

_KEY: list[Callable[[Any], Any]] = [validate.Length(1, 255), no_control_characters]

log = get_logger(__name__)


class KeptFault(ProviderUnreachable):
    """Stripe failed, and repeats that failure for whatever is asked with the same key."""


class StripeAccount:
    """One city's account at Stripe."""

    def __init__(self, values: Mapping[str, Any], secret: Callable[[SecretUse], str]) -> None:
        self.values = values
        self.secret = secret

    def opened(self) -> StripeAccount:
        """With its client, which several threads may use."""
        _client = self.client
        return self

    @cached_property
    def client(self) -> stripe.StripeClient:
        """The city's own client, with the city's own key. No transaction stays open while Stripe takes
        its time."""
        key = self.secret(self.values["secret_key"])
        end_read()
        base = product().settings.stripe_api_base
        return stripe_client.client_of(current_city_id(), key, base, SECONDS)

    def begin(self, order: Order) -> Checkout | None:
        """Open a Checkout session, once an order by its idempotency key."""
        parameters: Any = {
            "mode": "payment",
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": order.currency.lower(),
                        "unit_amount": to_stripe(amount, order.currency),
                        "product_data": {"name": title},
                    },
                }
                for title, amount in order.items
            ],
            "payment_method_types": list(self.values["methods"]),
            "client_reference_id": str(order.id),
            "metadata": {"payment_id": str(order.id), "number": order.number},
            "payment_intent_data": {"metadata": {"payment_id": str(order.id)}},
            "success_url": order.return_url,
            "cancel_url": order.return_url,
            "expires_at": int(order.expires_at.timestamp()),
            "locale": order.language,
        }
        if "wechat_pay" in self.values["methods"]:
            parameters["payment_method_options"] = {"wechat_pay": {"client": "web"}}
        try:
            with _answered():
                made = self.client.v1.checkout.sessions.create(
                    parameters, {"idempotency_key": f"payment-{order.id}"}
                )
        except stripe.IdempotencyError:  # asked before, with settings that were others then
            log.warning("stripe_parameters_changed", payment=order.number)
            raise CannotBegin("changed") from None
        except KeptFault:
            log.error("stripe_keeps_failing", payment=order.number)
            raise CannotBegin("broken") from None
        except stripe.InvalidRequestError as error:
            if error.param == "expires_at" and order.expires_at < current_time() + SHORTEST:
                return None
            raise _no_page(error, order) from None
        return Checkout(made.id, made.url or "")

    def look(self, checkout_id: str) -> PaymentStatus:
        """Fetch the session with its money; what it says is what counts."""
        try:
            with _answered():
                client = self.client
                # As plain JSON: the SDK's objects, of every part of every charge, take it longer
                # to make than all the rest of the call.
                path = f"/v1/checkout/sessions/{quote(checkout_id, safe='')}"
                found: Any = client.raw_request("get", path, expand=_EXPANDED).data
                return _standing(client, found)
        except stripe.InvalidRequestError as error:
            log.error("stripe_does_not_know", code=error.code)
            raise _unknown(error) from None

    def give_up(self, checkout_id: str) -> None:
        """Expire a session that is still open."""
        try:
            with _answered():
                self.client.v1.checkout.sessions.expire(checkout_id)
        except stripe.InvalidRequestError:
            log.info("stripe_session_not_open")  # complete or expired already: look() will tell

    def refund(self, refund_id: uuid.UUID, reference: str, amount: int, currency: str) -> None:
        """Refund a part or all, once a refund by its idempotency key."""
        try:
            with _answered():
                self.client.v1.refunds.create(
                    {
                        "payment_intent": reference,
                        "amount": to_stripe(amount, currency),
                        "metadata": {"refund_id": str(refund_id)},
                    },
                    {"idempotency_key": f"refund-{refund_id}"},
                )
        except stripe.IdempotencyError:  # asked before otherwise; in a day the key is free again
            raise ProviderUnreachable from None
        except stripe.InvalidRequestError as error:
            log.warning("stripe_refused_refund", code=error.code)
            if error.code == MISSING:
                raise UnknownAtProvider from None
            raise RefundRefused(error.user_message or error.code or "") from None

    def read_notice(self, body: bytes, headers: Mapping[str, str], now: datetime) -> Notice:
        """Verify the signature over the raw bytes, then read which payment it is about."""
        event = self._signed(body, headers.get("Stripe-Signature", ""), now)
        found = event["data"]["object"]
        kind, object_id = found.get("object"), found.get("id")
        return Notice(
            event_id=event["id"],
            type=event["type"],
            object_id=object_id,
            checkout_id=object_id if kind == "checkout.session" else None,
            reference=object_id if kind == "payment_intent" else found.get("payment_intent"),
            payment_id=(found.get("metadata") or {}).get("payment_id"),
            charge=object_id if kind == "charge" else found.get("charge"),
        )

    def _signed(self, body: bytes, signature: str, now: datetime) -> dict[str, Any]:
        """The event, if the present signing secret, or the one before it, signed it.

        Raises:
            BadSignature: Neither did, or what is signed is no event.
        """
        keyring = product().keyring
        secrets = accepted_values(keyring, self.values["webhook_secret"], now)
        if not any(_fits(body, signature, value) for value in secrets):
            raise BadSignature(_("The signature does not match."))
        try:
            event: dict[str, Any] = _EVENT.load(json.loads(body))
        except (ValueError, ValidationError, RecursionError):
            raise BadSignature(_("This is signed but is not an event.")) from None
        return event

    def reference_of(self, charge: str) -> str | None:
        """The payment intent of a charge. Events come in the version of the API that the account
        was made with; older ones name a dispute's and a refund's charge alone."""
        try:
            with _answered():
                return _id_of(self.client.v1.charges.retrieve(charge).payment_intent)
        except stripe.InvalidRequestError:
            return None

    def moves(self, since: datetime, until: datetime) -> Iterator[Move]:
        """Charges and refunds that succeeded, and the balance transactions of disputes."""
        span: Any = {
            "created": {"gte": int(since.timestamp()), "lt": int(until.timestamp())},
            "limit": 100,
        }
        with _answered(LISTING_SECONDS):
            for charge in self.client.v1.charges.list(span).auto_paging_iter():
                if charge.status == "succeeded" and charge.captured:
                    yield _move(
                        _id_of(charge.payment_intent) or charge.id, charge.amount_captured, charge
                    )
            for refund in self.client.v1.refunds.list(span).auto_paging_iter():
                if refund.status == "succeeded":
                    yield _move(refund.id, -refund.amount, refund)
            span |= {"type": "adjustment", "expand": ["data.source"]}
            for found in self.client.v1.balance_transactions.list(span).auto_paging_iter():
                if found.reporting_category in _DISPUTE_MOVES:
                    dispute: Any = found.source
                    moved = _dispute_move(found, dispute)
                    currency = str(dispute.currency).upper()
                    at = datetime.fromtimestamp(found.created, UTC)
                    yield Move(moved.reference, moved.amount, currency, at)


def _standing(client: stripe.StripeClient, session: Mapping[str, Any]) -> PaymentStatus:
    """How a session stands, from its JSON with what is expanded in it; a key that an object does not
    have is as one that is null."""
    intent = _expanded(session, "payment_intent")
    charge = _expanded(intent, "latest_charge")
    paid = session.get("payment_status") == "paid" or intent.get("status") == "succeeded"
    total = session.get("amount_total")
    currency = session.get("currency") or intent.get("currency")
    if paid and intent:
        total, currency = intent["amount_received"], intent["currency"]
    currency = str(currency or "").upper()
    return PaymentStatus(
        state=PaymentState.PAID if paid else _unpaid(session, intent),
        amount=from_stripe(int(total or 0), currency),
        currency=currency,
        reference=intent.get("id") or session.get("payment_intent"),
        method=(charge.get("payment_method_details") or {}).get("type"),
        refunds=tuple(_refund_fact(found) for found in _refunds(client, charge)),
        disputes=tuple(_dispute_fact(found) for found in _disputes(client, charge)),
    )


def _expanded(found: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A part that was asked for whole; empty where there is none, or its key alone."""
    part = found.get(key)
    return part if isinstance(part, dict) else {}


def _disputes(client: stripe.StripeClient, charge: Mapping[str, Any]) -> list[Any]:
    """https://docs.stripe.com/api/disputes/list; nothing is asked where there was none."""
    if not charge.get("disputed"):
        return []
    listed = client.v1.disputes.list({"charge": charge["id"], "limit": 100})
    return list(listed.auto_paging_iter())


def _refunds(client: stripe.StripeClient, charge: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = charge.get("refunds")
    if not found:
        return []
    if not found.get("has_more"):
        return list(found["data"])
    listed = client.v1.refunds.list({"charge": charge["id"], "limit": 100})
    return [one.to_dict() for one in listed.auto_paging_iter()]


def _dispute_fact(dispute: Any) -> DisputeFact:
    due_by = dispute.evidence_details.due_by
    return DisputeFact(
        reference=dispute.id,
        state=_DISPUTE_STATES.get(str(dispute.status), DisputeState.OPEN),
        amount=from_stripe(int(dispute.amount), str(dispute.currency).upper()),
        reason=str(dispute.reason),
        answer_by=datetime.fromtimestamp(due_by, UTC) if due_by else None,
        moves=tuple(_dispute_move(found, dispute) for found in dispute.balance_transactions),
    )


def _dispute_move(found: Any, dispute: Any) -> DisputeMove:
    """A balance transaction of a dispute in the currency that was charged; the account's own may
    be another one. Stripe's fee is left out, as it is of charges."""
    same = found.currency == dispute.currency
    size = from_stripe(abs(int(found.amount if same else dispute.amount)), dispute.currency.upper())
    return DisputeMove(found.id, size if found.amount > 0 else -size)


def _unpaid(session: Mapping[str, Any], intent: Mapping[str, Any]) -> PaymentState:
    if session.get("status") == "expired":
        return PaymentState.EXPIRED
    if session.get("status") == "open":
        return PaymentState.OPEN
    if intent.get("status") in ("canceled", "requires_payment_method"):
        return PaymentState.FAILED
    return PaymentState.PROCESSING


def _refund_fact(refund: Mapping[str, Any]) -> RefundFact:
    currency = str(refund["currency"]).upper()
    return RefundFact(
        reference=refund["id"],
        amount=from_stripe(int(refund["amount"]), currency),
        state=_REFUND_STATES.get(str(refund["status"]), RefundState.PENDING),
        refund_id=(refund.get("metadata") or {}).get("refund_id"),
    )


def _move(reference: str, amount: int, found: Any) -> Move:
    currency = str(found.currency).upper()
    at = datetime.fromtimestamp(found.created, UTC)
    return Move(reference, from_stripe(amount, currency), currency, at)


def _id_of(found: Any) -> str | None:
    return found if found is None or isinstance(found, str) else str(found.id)


class _ObjectSchema(Schema):
    """What an event is about. A key that an object does not have is as one that is null."""

    class Meta:
        unknown = EXCLUDE

    object = fields.String(load_default=None, allow_none=True, validate=_KEY)
    id = fields.String(load_default=None, allow_none=True, validate=_KEY)
    payment_intent = fields.String(load_default=None, allow_none=True, validate=_KEY)
    charge = fields.String(load_default=None, allow_none=True, validate=_KEY)
    metadata = fields.Dict(
        keys=fields.String(), values=fields.String(), load_default=None, allow_none=True
    )


class _DataSchema(Schema):
    class Meta:
        unknown = EXCLUDE

    object = fields.Nested(_ObjectSchema, required=True)


class _EventSchema(Schema):
    """The part of an event that is read (https://docs.stripe.com/api/events/object)."""

    class Meta:
        unknown = EXCLUDE

    id = fields.String(required=True, validate=_KEY)
    type = fields.String(required=True, validate=_KEY)
    data = fields.Nested(_DataSchema, required=True)


_EVENT = _EventSchema()


def _fits(body: bytes, signature: str, secret: str) -> bool:
    """Whether a secret signed these bytes of late. Whatever stands in the header is no fault."""
    try:
        return bool(
            stripe.WebhookSignature.verify_header(
                body, signature, secret, stripe.Webhook.DEFAULT_TOLERANCE
            )
        )
    except (stripe.SignatureVerificationError, ValueError, TypeError):
        return False


def _no_page(error: stripe.InvalidRequestError, order: Order) -> CannotBegin:
    """Why Stripe opens no page, now or later."""
    if error.param == "expires_at":
        theirs = (error.headers or {}).get("date")
        log.error("stripe_clock_differs", theirs=theirs, ours=str(current_time()))
        return CannotBegin("clock")
    log.error("stripe_refused", payment=order.number, param=error.param, code=error.code)
    return CannotBegin("too_small" if error.code == "amount_too_small" else "refused")


def _unknown(error: stripe.InvalidRequestError) -> ProviderUnreachable:
    return UnknownAtProvider() if error.code == MISSING else ProviderUnreachable()


def _replayed(error: stripe.StripeError) -> bool:
    """Whether a fault is the answer that Stripe keeps for this key: a day long nothing else comes.
    https://docs.stripe.com/api/idempotent_requests"""
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    return headers.get("idempotent-replayed") == "true" and (error.http_status or 0) >= 500


@contextmanager
def _answered(seconds: float = SECONDS) -> Iterator[None]:
    """Call Stripe; let a refusal through (``InvalidRequestError``, ``IdempotencyError``), all else
    is no answer."""
    url = product().settings.stripe_api_base or API
    try:
        with outbound(url, seconds=seconds, answered=stripe_client.REFUSALS):
            yield
    except CallRefused as error:
        log.warning("stripe_not_called", reason=error.reason)
        raise ProviderUnreachable from None
    except (stripe.InvalidRequestError, stripe.IdempotencyError):
        raise
    except stripe.StripeError as error:
        log.warning("stripe_unreachable", error=type(error).__name__, code=error.code)
        raise (KeptFault() if _replayed(error) else ProviderUnreachable()) from None


def _probe(values: Mapping[str, Any], secret: Callable[[SecretUse], str]) -> str:
    """Whose account the key opens."""
    with _answered():
        try:
            account = StripeAccount(values, secret).client.v1.accounts.retrieve_current()
        except (stripe.AuthenticationError, stripe.PermissionError):
            raise KeyRefused from None
    return str(account.id)


def _origins(values: Mapping[str, Any]) -> tuple[str, ...]:
    base = product().settings.stripe_api_base
    if not base:
        return (CHECKOUT_ORIGIN,)
    parts = urlsplit(base)
    return (f"{parts.scheme}://{parts.netloc}",)


def _ready(values: Mapping[str, Any], usable: Collection[SecretUse]) -> bool:
    return all(values[key] in usable for key in ("secret_key", "webhook_secret"))


provider = Provider(
    name="stripe",
    settings=StripeSettings,
    account=StripeAccount,
    origins=_origins,
    methods=lambda values: tuple(values["methods"]),
    ready=_ready,
    probe=_probe,
    currencies=CURRENCIES,
    limits=limits,
)
