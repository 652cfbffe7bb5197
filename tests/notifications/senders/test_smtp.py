"""Which replies of a mail server are for good."""

from __future__ import annotations

import smtplib
from typing import Any

import pytest

from smartcity_saas.notifications.senders.smtp import MailRefused, SmtpSender
from smartcity_saas.outbox import PermanentFailure
from tests.support.world import World

VALUES = {"host": "127.0.0.1", "port": 25, "security": "none", "sender": "a@city.example"}


def send(monkeypatch: pytest.MonkeyPatch, world: World, error: Exception) -> None:
    def fail(*_arguments: Any) -> None:
        raise error

    monkeypatch.setattr(SmtpSender, "_submit", fail)
    with world.inside("hangzhou"):
        SmtpSender(VALUES, str).send("b@city.example", "x", "x", "x", "x")


@pytest.mark.parametrize(
    "error",
    [
        smtplib.SMTPDataError(550, b"no"),
        smtplib.SMTPResponseException(554, "no"),
        smtplib.SMTPAuthenticationError(535, b"no"),
        smtplib.SMTPSenderRefused(553, b"no", "a"),
        smtplib.SMTPRecipientsRefused({"b": (550, b"no")}),
    ],
)
def test_a_reply_of_five_is_for_good(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """At whichever step it comes; the reply is what staff read."""
    with pytest.raises(MailRefused) as refused:
        send(monkeypatch, world, error)
    assert isinstance(refused.value, PermanentFailure)
    assert refused.value.reason.startswith("SMTP 5")


@pytest.mark.parametrize(
    "error",
    [
        smtplib.SMTPDataError(451, b"later"),
        smtplib.SMTPResponseException(421, "later"),
        smtplib.SMTPRecipientsRefused({"b": (450, b"later"), "c": (550, b"no")}),
        smtplib.SMTPServerDisconnected("gone"),
        TimeoutError("slow"),
    ],
)
def test_any_other_is_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """A server that is busy, or gone, may take it later."""
    with pytest.raises(OSError) as failed:  # noqa: PT011 -- whichever of them
        send(monkeypatch, world, error)
    assert not isinstance(failed.value, PermanentFailure)
