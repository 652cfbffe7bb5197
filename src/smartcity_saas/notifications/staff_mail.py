"""Mail to staff, by the platform's own server; in demo mode to the log."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from smartcity_saas.configuration.secret_uses import SecretUse
from smartcity_saas.errors import SettingsError
from smartcity_saas.identity.tokens import new_token
from smartcity_saas.notifications.senders.console import ConsoleSender
from smartcity_saas.notifications.senders.smtp import SmtpSender
from smartcity_saas.product import product


def send_staff_mail(address: str, title: str, body: str) -> bool:
    """Send one mail; False where the platform has no mail server.

    Raises:
        OSError, smtplib.SMTPException: The server does not take it.
        SettingsError: ``SMARTCITY_SMTP_URL`` cannot be understood.
    """
    settings = product().settings
    if settings.smtp_url:
        values = smtp_values(settings.smtp_url)
        password = values.pop("plain_password")
        SmtpSender(values, lambda use: password).send(
            address, "smartcity", title, body, new_token()
        )
        return True
    if settings.demo:
        ConsoleSender("mail").send(address, "smartcity", title, body, new_token())
    return False


def smtp_values(url: str) -> dict[str, Any]:
    """A mail server's address as the settings of the SMTP sender.

    Raises:
        SettingsError: It is none.
    """
    parts = urlsplit(url)
    sender = parse_qs(parts.query).get("sender", [""])[0]
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or "@" not in sender:
        raise SettingsError(
            "SMARTCITY_SMTP_URL reads smtps://user:password@host:465/?sender=no-reply@host."
        )
    tls, plain = parts.scheme == "smtps", "security=none" in parts.query
    values: dict[str, Any] = {
        "host": parts.hostname,
        "port": parts.port or (465 if tls else 587),
        "security": "tls" if tls else "none" if plain else "starttls",
        "sender": sender,
        "plain_password": unquote(parts.password or ""),
    }
    if parts.username:
        values |= {
            "username": unquote(parts.username),
            "password": SecretUse("smtp", "SMARTCITY_SMTP_URL"),
        }
    return values
