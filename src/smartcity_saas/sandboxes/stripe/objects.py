"""Objects in Stripe's shapes, made from its published examples."""

from __future__ import annotations

import copy
import hashlib
import json
import secrets
import time
from functools import cache
from pathlib import Path
from typing import Any

Object = dict[str, Any]

_PREFIXES = {
    "checkout.session": "cs_test_",
    "payment_intent": "pi_",
    "charge": "ch_",
    "refund": "re_",
    "event": "evt_",
    "webhook_endpoint": "we_",
    "dispute": "dp_",
    "balance_transaction": "txn_",
}
_EMPTY = {
    "checkout.session": (
        "adaptive_pricing", "after_expiration", "collected_information", "consent",
        "consent_collection", "currency_conversion", "customer_details", "invoice_creation",
        "managed_payments", "payment_method_configuration_details", "permissions",
        "saved_payment_method_options", "shipping_address_collection", "shipping_cost",
        "wallet_options", "payment_intent",
    ),
    "payment_intent": (
        "automatic_payment_methods", "canceled_at", "last_payment_error", "managed_payments",
        "next_action", "payment_method_configuration_details", "processing", "shipping",
        "transfer_data",
    ),
    "charge": ("shipping", "source", "transfer_data", "receipt_url", "payment_method"),
    "refund": ("destination_details",),
}  # fmt: skip
"""What the examples fill in to show a shape, and a plain payment leaves empty."""


@cache
def _examples() -> dict[str, Object]:
    text = (Path(__file__).parent / "objects.json").read_text("utf-8")
    found: dict[str, Object] = json.loads(text)
    return found


def make(kind: str, **values: Any) -> Object:
    """An object of a kind with a fresh id, and ``values`` in place of the example's."""
    made = copy.deepcopy(_examples()[kind])
    for name in _EMPTY.get(kind, ()):
        made[name] = None
    made["id"] = _PREFIXES[kind] + secrets.token_hex(12)
    if "created" in made:
        made["created"] = int(time.time())
    made["livemode"] = False
    return {**made, **values}


def account_id(key: str) -> str:
    """The account that a secret key opens. Every key has its own."""
    return "acct_" + hashlib.sha256(key.encode()).hexdigest()[:16]


def signing_secret(account: str, url: str) -> str:
    """The signing secret of an account's endpoint: the same whenever it is made again."""
    return "whsec_" + hashlib.sha256(f"sandbox:{account}:{url}".encode()).hexdigest()


def parse_form(pairs: list[tuple[str, str]]) -> Object:
    """Stripe's nested form fields (``a[b][0]=c``) as nested mappings and lists."""
    tree: Object = {}
    for name, value in pairs:
        keys = name.replace("]", "").split("[")
        node = tree
        for key in keys[:-1]:
            node = node.setdefault(key, {})
        if keys[-1] == "":
            node[str(len(node))] = value
        else:
            node[keys[-1]] = value
    return _lists(tree)  # type: ignore[no-any-return]


def _lists(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    inner = {key: _lists(value) for key, value in node.items()}
    if inner and all(key.isdecimal() for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner
