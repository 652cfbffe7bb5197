"""What happens to a session, an intent, a charge, a refund when someone pays or does not."""

from __future__ import annotations

import time
from typing import Any

from smartcity_saas.payments.stripe_amounts import limits, to_stripe
from smartcity_saas.sandboxes.stripe.objects import Object
from smartcity_saas.sandboxes.stripe.state import Account, Refusal, Sandbox

SHORTEST, LONGEST = 30 * 60, 24 * 3600
SLOW_METHODS = frozenset({"alipay", "wechat_pay"})


def open_session(sandbox: Sandbox, account: Account, form: Object, base: str) -> Object:
    """``POST /v1/checkout/sessions`` in payment mode."""
    items = form.get("line_items") or []
    if form.get("mode") != "payment" or not items:
        raise Refusal(400, "mode must be payment, with line_items", param="mode")
    currencies = {item["price_data"]["currency"] for item in items}
    if len(currencies) != 1:
        raise Refusal(400, "line items must have one currency", param="line_items")
    total = sum(
        int(item["price_data"]["unit_amount"]) * int(item.get("quantity", 1)) for item in items
    )
    currency = currencies.pop()
    least = max(account.behaviour.least, to_stripe(limits(currency.upper()).least, currency))
    if total < least:
        raise Refusal(
            400,
            f"The Checkout Session's total amount due must add up to at least {least} {currency}",
            code="amount_too_small",
        )
    now = int(time.time())
    expires = int(form.get("expires_at", now + LONGEST))
    if not now + SHORTEST <= expires <= now + LONGEST:
        raise Refusal(
            400,
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from now.",
            param="expires_at",
        )
    session = account.add(
        "checkout.session",
        amount_subtotal=total,
        amount_total=total,
        currency=currency,
        client_reference_id=form.get("client_reference_id"),
        metadata=form.get("metadata") or {},
        payment_method_types=form.get("payment_method_types") or ["card"],
        success_url=form.get("success_url"),
        cancel_url=form.get("cancel_url"),
        expires_at=expires,
        locale=form.get("locale"),
        total_details={"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
    )
    session["url"] = f"{base}/c/pay/{session['id']}"
    session["_intent_metadata"] = (form.get("payment_intent_data") or {}).get("metadata") or {}
    session["_lines"] = [
        [item["price_data"]["product_data"]["name"], int(item["price_data"]["unit_amount"])]
        for item in items
    ]
    return session


def lapse(sandbox: Sandbox, account: Account, session: Object) -> None:
    """Expire a session whose time is over, as Stripe does by itself."""
    if session["status"] == "open" and session["expires_at"] <= time.time():
        expire(sandbox, account, session)


def expire(sandbox: Sandbox, account: Account, session: Object) -> None:
    """``POST /v1/checkout/sessions/:id/expire``."""
    if session["status"] != "open":
        raise Refusal(400, 'Only Checkout Sessions with a status in ["open"] can be expired.')
    session["status"] = "expired"
    session["url"] = None
    sandbox.tell(account, "checkout.session.expired", session)


def pay(
    sandbox: Sandbox,
    account: Account,
    session: Object,
    method: str,
    *,
    later: bool = False,
    amount: int | None = None,
    currency: str | None = None,
) -> None:
    """The payer pays: at once, or (``later``) so that the money comes or fails afterwards.

    ``amount`` and ``currency`` other than asked for, and paying on an expired page, are for
    tests of what does not add up.
    """
    intent = account.add(
        "payment_intent",
        amount=session["amount_total"] if amount is None else amount,
        currency=currency or session["currency"],
        metadata=session["_intent_metadata"],
        payment_method_types=session["payment_method_types"],
        status="processing",
        amount_received=0,
    )
    session["payment_intent"] = intent["id"]
    if session["status"] == "open":
        session["status"] = "complete"
    session["_method"] = method
    session["url"] = None
    if later:
        sandbox.tell(account, "checkout.session.completed", session)
    else:
        _capture(sandbox, account, session, intent)
        sandbox.tell(account, "checkout.session.completed", session)


def settle(sandbox: Sandbox, account: Account, session: Object, *, succeeds: bool) -> None:
    """Money that was to come later comes, or fails."""
    intent = account.get("payment_intent", session["payment_intent"])
    if succeeds:
        _capture(sandbox, account, session, intent)
        sandbox.tell(account, "checkout.session.async_payment_succeeded", session)
    else:
        intent["status"] = "requires_payment_method"
        sandbox.tell(account, "checkout.session.async_payment_failed", session)


def _capture(sandbox: Sandbox, account: Account, session: Object, intent: Object) -> None:
    method = session["_method"]
    details: Object = {"type": method, method: {}}
    charge = account.add(
        "charge",
        amount=intent["amount"],
        amount_captured=intent["amount"],
        amount_refunded=0,
        captured=True,
        currency=intent["currency"],
        metadata=intent["metadata"],
        paid=True,
        payment_intent=intent["id"],
        payment_method_details=details,
        status="succeeded",
    )
    charge["refunds"] = {
        "object": "list", "data": [], "has_more": False,
        "url": f"/v1/charges/{charge['id']}/refunds",
    }  # fmt: skip
    intent.update(status="succeeded", amount_received=intent["amount"], latest_charge=charge["id"])
    if session["status"] == "complete":
        session["payment_status"] = "paid"
    sandbox.tell(account, "payment_intent.succeeded", intent)
    sandbox.tell(account, "charge.succeeded", charge)


def refund(sandbox: Sandbox, account: Account, form: Object) -> Object:
    """``POST /v1/refunds``, by intent or charge."""
    charge = _charge_of(account, form)
    left = charge["amount_captured"] - charge["amount_refunded"]
    amount = int(form.get("amount", left))
    if not 0 < amount <= left:
        raise Refusal(
            400,
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})",
            code="amount_too_large" if left else "charge_already_refunded",
            param="amount",
        )
    method = charge["payment_method_details"]["type"]
    made = account.add(
        "refund",
        amount=amount,
        charge=charge["id"],
        currency=charge["currency"],
        metadata=form.get("metadata") or {},
        payment_intent=charge["payment_intent"],
        status="pending" if method in SLOW_METHODS else "succeeded",
    )
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    sandbox.tell(account, "refund.created", made)
    sandbox.tell(account, "charge.refunded", charge)
    return made


def settle_refund(sandbox: Sandbox, account: Account, made: Object, *, succeeds: bool) -> None:
    """A refund arrives, or the bank sends it back."""
    made["status"] = "succeeded" if succeeds else "failed"
    if not succeeds:
        charge = account.get("charge", made["charge"])
        charge["amount_refunded"] -= made["amount"]
        charge["refunded"] = False
    sandbox.tell(account, "refund.updated" if succeeds else "refund.failed", made)


def dispute(
    sandbox: Sandbox, account: Account, session: Object, *, inquiry: bool = False,
    amount: int | None = None,
) -> Object:  # fmt: skip
    """The payer's bank disputes a charge: the money is taken back at once, but for an inquiry."""
    intent = account.get("payment_intent", session["payment_intent"])
    charge = account.get("charge", intent["latest_charge"])
    made = account.add(
        "dispute",
        amount=charge["amount"] if amount is None else amount,
        charge=charge["id"],
        currency=charge["currency"],
        payment_intent=intent["id"],
        reason="fraudulent",
        status="warning_needs_response" if inquiry else "needs_response",
        balance_transactions=[],
        is_charge_refundable=inquiry,
    )
    made["evidence_details"]["due_by"] = made["created"] + 7 * 24 * 3600
    charge["disputed"] = True
    sandbox.tell(account, "charge.dispute.created", made)
    if not inquiry:
        withdraw(account, made)
        sandbox.tell(account, "charge.dispute.funds_withdrawn", made)
    return made


def close_dispute(sandbox: Sandbox, account: Account, made: Object, *, won: bool) -> None:
    """The bank decides: the money comes back, or does not. An inquiry ends without either."""
    inquiry = made["status"].startswith("warning")
    made["status"] = "warning_closed" if inquiry else "won" if won else "lost"
    if won and not inquiry:
        _move_disputed(account, made, made["amount"])
        sandbox.tell(account, "charge.dispute.funds_reinstated", made)
    sandbox.tell(account, "charge.dispute.closed", made)


def withdraw(account: Account, made: Object) -> None:
    """The bank takes the money of a dispute back."""
    _move_disputed(account, made, -made["amount"])


def _move_disputed(account: Account, made: Object, amount: int) -> None:
    fee = 1500 if amount < 0 else 0
    moved = account.add(
        "balance_transaction",
        amount=amount,
        currency=made["currency"],
        fee=fee,
        net=amount - fee,
        source=made["id"],
        type="adjustment",
        reporting_category="dispute" if amount < 0 else "dispute_reversal",
    )
    made["balance_transactions"].append(moved)


def shown(account: Account, found: Object, expand: list[str]) -> Object:
    """An object as the API shows it, with what was asked to be expanded."""
    made = {key: value for key, value in found.items() if not key.startswith("_")}
    if made["object"] == "charge":
        # Stripe leaves the list out unless it is asked for.
        refunds = [one for one in account.all("refund") if one["charge"] == made["id"]]
        made["refunds"] = {**made["refunds"], "data": refunds} if "refunds" in expand else None
        if made["refunds"] is None:
            del made["refunds"]
    for name in {path.partition(".")[0] for path in expand}:
        inner = made.get(name)
        if isinstance(inner, str) and inner in account.objects:
            rest = [p.partition(".")[2] for p in expand if p.partition(".")[0] == name]
            made[name] = shown(account, account.objects[inner], [path for path in rest if path])
    return made


def _charge_of(account: Account, form: Object) -> Object:
    if "charge" in form:
        return account.get("charge", form["charge"])
    intent = account.get("payment_intent", str(form.get("payment_intent")))
    if not intent["latest_charge"] or intent["status"] != "succeeded":
        raise Refusal(
            400,
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
            code="payment_intent_unexpected_state",
        )
    return account.get("charge", intent["latest_charge"])


def due_refunds(account: Account) -> list[Any]:
    """Pending refunds that have waited for two seconds: in the demo they arrive by then."""
    return [
        one
        for one in account.all("refund")
        if one["status"] == "pending" and one["created"] + 2 <= time.time()
    ]
