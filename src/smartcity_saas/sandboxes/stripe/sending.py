"""Sending events to endpoints, signed as Stripe signs them, again until they are taken."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import threading
import time
from urllib.parse import urlsplit

from smartcity_saas.sandboxes.stripe.money import due_refunds, settle_refund
from smartcity_saas.sandboxes.stripe.state import Delivery, Sandbox

MOST_TRIES = 12
SECONDS = 20


def signature(secret: str, body: bytes, at: int) -> str:
    """The header ``Stripe-Signature``: HMAC-SHA256 of the time and the raw body."""
    signed = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={signed}"


def send_forever(sandbox: Sandbox, stop: threading.Event) -> None:
    """Send what is due, until told to stop."""
    while not stop.wait(0.05):
        with sandbox.lock:
            for account in sandbox.accounts.values():
                for refund in due_refunds(account):
                    settle_refund(sandbox, account, refund, succeeds=True)
                    sandbox.keep()
            now = time.time()
            due = [found for found in sandbox.waiting if found.at <= now]
            sandbox.waiting = [found for found in sandbox.waiting if found.at > now]
        for found in due:
            threading.Thread(target=_deliver, args=(sandbox, found), daemon=True).start()


def _deliver(sandbox: Sandbox, found: Delivery) -> None:
    if _taken(found):
        return
    found.tries += 1
    if found.tries < MOST_TRIES:
        found.at = time.time() + min(60, 0.5 * 2**found.tries)
        with sandbox.lock:
            sandbox.waiting.append(found)


def _taken(found: Delivery) -> bool:
    parts = urlsplit(found.url)
    host = parts.hostname or ""
    # Not every resolver knows *.localhost (RFC 6761): the Host header carries the name.
    address = "127.0.0.1" if host == "localhost" or host.endswith(".localhost") else host
    body = json.dumps(found.event).encode()
    connection = http.client.HTTPConnection(address, parts.port or 80, timeout=SECONDS)
    try:
        connection.request(
            "POST",
            parts.path,
            body,
            {
                "Host": parts.netloc,
                "Content-Type": "application/json",
                "Stripe-Signature": signature(found.secret, body, int(time.time())),
            },
        )
        return 200 <= connection.getresponse().status < 300
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
