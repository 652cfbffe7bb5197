"""SMS by an HTTP gateway: one POST of JSON with a bearer token."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from smartcity_saas.configuration.secret_uses import SecretUse
from smartcity_saas.connectors.http_client import BackOffice
from smartcity_saas.notifications.senders import SenderKind
from smartcity_saas.notifications.senders.documents.http_gateway import HttpGatewaySettings


@dataclass(frozen=True)
class HttpGatewaySender:
    """Posts to one gateway."""

    values: Mapping[str, Any]
    secret: Callable[[SecretUse], str]

    def send(self, address: str, city: str, title: str, body: str, message_id: str) -> None:
        """Post one text. ``id`` and ``Idempotency-Key`` let the gateway see repeats."""
        signature = self.values.get("signature", city)
        office = BackOffice("sms", self.values["url"], self.secret(self.values["token"]))
        office.send(
            "",
            {"to": address, "text": f"【{signature}】{title}. {body}", "id": message_id},
            message_id,
        )


senders = [SenderKind("http", "sms", HttpGatewaySettings, HttpGatewaySender)]
