"""What the sandbox knows: accounts with their objects, events on their way, how to misbehave."""

from __future__ import annotations

import json
import random
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from smartcity_saas.sandboxes.stripe.objects import Object, make, signing_secret


class Refusal(Exception):
    """An error in Stripe's shape."""

    def __init__(
        self, status: int, message: str, *, code: str = "", param: str = "",
        kind: str = "invalid_request_error",
    ) -> None:  # fmt: skip
        super().__init__(message)
        self.status = status
        self.body = {
            "error": {"type": kind, "message": message}
            | ({"code": code} if code else {})
            | ({"param": param} if param else {})
        }


@dataclass
class Behaviour:
    """How events are sent: how often each, in which order, how late; whether the API answers.

    ``least`` is what a session must come to; ``failing`` lets each new key fail, and keeps that
    answer for the key as Stripe does.
    """

    copies: int = 1
    shuffle: bool = False
    delay: float = 0.0
    silent: bool = False
    down: bool = False
    least: int = 0
    failing: bool = False


@dataclass
class Account:
    """One account. No object of it is ever seen by another."""

    id: str
    objects: dict[str, Object] = field(default_factory=dict)
    idempotent: dict[str, tuple[str, int, Object]] = field(default_factory=dict)
    behaviour: Behaviour = field(default_factory=Behaviour)

    def get(self, kind: str, object_id: str) -> Object:
        """One object.

        Raises:
            Refusal: There is none of that kind here.
        """
        found = self.objects.get(object_id)
        if found is None or found["object"] != kind:
            raise Refusal(
                404, f"No such {kind}: '{object_id}'", code="resource_missing", param="id"
            )
        return found

    def add(self, kind: str, **values: Any) -> Object:
        """Make an object and keep it."""
        made = make(kind, **values)
        self.objects[made["id"]] = made
        return made

    def all(self, kind: str) -> list[Object]:
        """All objects of a kind, the newest first."""
        found = [one for one in self.objects.values() if one["object"] == kind]
        return sorted(found, key=lambda one: (one.get("created", 0), one["id"]), reverse=True)


@dataclass
class Delivery:
    """An event on its way to one endpoint."""

    account: str
    event: Object
    url: str
    secret: str
    at: float
    tries: int = 0


class Sandbox:
    """All accounts, under one lock; kept in a file if one is given."""

    def __init__(self, file: Path | None = None) -> None:
        self.lock = threading.RLock()
        self.file = file
        self.accounts: dict[str, Account] = {}
        self.waiting: list[Delivery] = []
        if file is not None and file.is_file():
            for name, kept in json.loads(file.read_text("utf-8")).items():
                idempotent = {key: tuple(found) for key, found in kept["idempotent"].items()}
                self.accounts[name] = Account(name, kept["objects"], idempotent)

    def account(self, account_id: str) -> Account:
        """An account, made when it is first used."""
        return self.accounts.setdefault(account_id, Account(account_id))

    def keep(self) -> None:
        """Write everything to the file, if there is one."""
        if self.file is None:
            return
        kept = {
            name: {"objects": found.objects, "idempotent": found.idempotent}
            for name, found in self.accounts.items()
        }
        draft = self.file.with_suffix(".new")
        draft.write_text(json.dumps(kept), "utf-8")
        draft.replace(self.file)

    def tell(self, account: Account, kind: str, found: Object) -> Object:
        """Make an event about an object and send it to the account's endpoints."""
        event = account.add(
            "event",
            type=kind,
            data={"object": json.loads(json.dumps(found))},
            api_version="2026-01-28.clover",
        )
        if not account.behaviour.silent:
            self.send(account, event, account.behaviour.copies)
        return event

    def send(self, account: Account, event: Object, copies: int) -> None:
        """Put an event on its way, so many times to each endpoint."""
        behaviour = account.behaviour
        for endpoint in account.all("webhook_endpoint"):
            wanted = endpoint["enabled_events"]
            if "*" not in wanted and event["type"] not in wanted:
                continue
            for _copy in range(copies):
                late = behaviour.delay + (random.uniform(0, 0.5) if behaviour.shuffle else 0)  # noqa: S311
                secret = signing_secret(account.id, endpoint["url"])
                self.waiting.append(
                    Delivery(account.id, event, endpoint["url"], secret, time.time() + late)
                )
