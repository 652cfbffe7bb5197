"""A certified OpenID provider (npm's oidc-provider, pinned), for tests: its own process."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support.node_servers import node_server

HERE = Path(__file__).parent


@dataclass
class Provider:
    """A running provider; ``secret`` is that of its one kind of client."""

    issuer: str

    def rotate(self, *, drop: bool = False) -> None:
        """Sign with a new key; ``drop`` publishes the old ones no longer."""
        httpx.post(f"{self.issuer}/control/rotate{'?drop=1' if drop else ''}").raise_for_status()

    def sign_in(self, address: str, account: str) -> str:
        """Sign in over there as an account; returns the address that one is sent back to."""
        with httpx.Client() as browser:
            answer = browser.get(f"{address}&login_hint={account}")
            while answer.status_code in (302, 303):
                where = answer.headers["Location"]
                if not where.startswith((self.issuer, "/")):
                    return str(where)
                answer = browser.get(httpx.URL(self.issuer).join(where))
        raise AssertionError(answer.text)


@contextlib.contextmanager
def running(clients: list[dict[str, Any]], **config: Any) -> Iterator[Provider]:
    """Start one."""
    with node_server(
        HERE, "provider.mjs", "oidc-provider", json.dumps({"clients": clients, **config})
    ) as origin:
        yield Provider(origin)
