"""Mail by SMTP submission (RFC 6409), over TLS."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formataddr
from typing import Any

from flask import has_request_context

from smartcity_saas.configuration.secret_uses import SecretUse
from smartcity_saas.connectors import address_guard
from smartcity_saas.connectors.outbound_calls import CALL_SECONDS, outbound
from smartcity_saas.notifications.senders import SenderKind
from smartcity_saas.notifications.senders.documents.smtp import SmtpSettings
from smartcity_saas.outbox import PermanentFailure
from smartcity_saas.product import product

SECONDS = 15
TOTAL_SECONDS = 40
_ANSWERED = (
    smtplib.SMTPResponseException,
    smtplib.SMTPRecipientsRefused,
    smtplib.SMTPNotSupportedError,
)


class MailRefused(smtplib.SMTPException, PermanentFailure):
    """The server will not have this mail, now or later (a reply of 5yz, RFC 5321, section 4.2.1)."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.reason = f"SMTP {code}"


class _Server(smtplib.SMTP):
    """A server at the very address that was checked; unencrypted only in allowed networks."""

    def __init__(self, host: str, port: int, security: str, context: ssl.SSLContext) -> None:
        self.security = security
        self.context = context
        self.timer = threading.Timer(address_guard.seconds_left(), self._hang_up)
        self.timer.daemon = True
        super().__init__(host, port, timeout=SECONDS)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        allowed = product().settings.allowed_networks
        plain = self.security == "none"
        self.timer.start()
        found = address_guard.connect(host, port, timeout, allowed, plain=plain)
        if self.security == "tls":
            return self.context.wrap_socket(found, server_hostname=host)
        return found

    def close(self) -> None:
        """Close the connection; its time is no longer counted."""
        self.timer.cancel()
        super().close()

    def _hang_up(self) -> None:
        """A server that sends a byte now and then holds the worker no longer than this."""
        found = getattr(self, "sock", None)
        if found is not None:
            with suppress(OSError):
                found.shutdown(socket.SHUT_RDWR)


@dataclass(frozen=True)
class SmtpSender:
    """Submits mail to one server."""

    values: Mapping[str, Any]
    secret: Callable[[SecretUse], str]

    def send(self, address: str, city: str, title: str, body: str, message_id: str) -> None:
        """Submit one mail in plain text; ``message_id`` becomes its Message-ID.

        Raises:
            MailRefused: The server never will.
            OSError, smtplib.SMTPException: The server does not take it now.
        """
        mail = EmailMessage()
        mail["From"] = formataddr((city, self.values["sender"]))
        mail["To"] = address
        mail["Subject"] = title
        mail["Message-ID"] = f"<{message_id}@{self.values['sender'].partition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(body)
        url = f"smtp://{self.values['host']}:{self.values['port']}"
        seconds = CALL_SECONDS if has_request_context() else TOTAL_SECONDS
        try:
            with outbound(url, seconds=seconds, answered=_ANSWERED):
                self._submit(mail)
        except _ANSWERED as error:
            if (code := _code(error)) >= 500:
                raise MailRefused(code) from None
            raise

    def _submit(self, mail: EmailMessage) -> None:
        context = ssl.create_default_context()
        host, port = self.values["host"], self.values["port"]
        with _Server(host, port, self.values["security"], context) as server:
            if self.values["security"] == "starttls":
                server.starttls(context=context)
            if "username" in self.values and "password" in self.values:
                server.login(self.values["username"], self.secret(self.values["password"]))
            server.send_message(mail)


def _code(error: Exception) -> int:
    """The server's reply; of one for each recipient the mildest. 0 where there is none."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return min((int(code) for code, _text in error.recipients.values()), default=0)
    return int(error.smtp_code) if isinstance(error, smtplib.SMTPResponseException) else 0


senders = [SenderKind("smtp", "mail", SmtpSettings, SmtpSender)]
