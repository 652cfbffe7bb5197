"""Mail and SMS to the log, for the demo: nothing leaves the machine."""

from __future__ import annotations

from smartcity_saas.configuration.extensions import EmptySchema
from smartcity_saas.logs import get_logger
from smartcity_saas.notifications.senders import KINDS, SenderKind

log = get_logger(__name__)


class ConsoleSender:
    """Writes what would be sent to standard error."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def send(self, address: str, city: str, title: str, body: str, message_id: str) -> None:
        """Log the message. The address is sample data: this sender exists in demo mode alone."""
        log.info("message.sent", kind=self.kind, to=address, sender=city, title=title, body=body)


senders = [
    SenderKind("console", kind, EmptySchema, lambda values, secret, k=kind: ConsoleSender(k), True)  # type: ignore[misc]
    for kind in KINDS
]
