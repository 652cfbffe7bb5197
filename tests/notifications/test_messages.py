"""Messages: told once, on one's own page always, sent where a verified contact is known."""

from __future__ import annotations

import smtplib
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from email import message_from_bytes
from email.header import decode_header, make_header
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import select
from structlog.testing import capture_logs

from smartcity_saas.audit import system
from smartcity_saas.credentials import store_credential
from smartcity_saas.database import db
from smartcity_saas.errors import SettingsError
from smartcity_saas.notifications import Message
from smartcity_saas.notifications.senders import smtp
from smartcity_saas.notifications.staff_mail import smtp_values
from tests.support.back_office import TOKEN, BackOffice, open_office
from tests.support.documents import HANGZHOU
from tests.support.messages import say
from tests.support.product import other_settings
from tests.support.world import World


class Postbox:
    """A mail server's handler: keeps what it gets."""

    def __init__(self) -> None:
        self.mails: list[Any] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Take a mail."""
        self.mails.append((envelope.rcpt_tos, message_from_bytes(envelope.content)))
        return "250 OK"


@pytest.fixture
def postbox(world: World) -> Iterator[Postbox]:
    """Hangzhou's mail server, on loopback, which the tests' operator allows."""
    box = Postbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    world.save(
        f"{HANGZHOU}messages:\n  mail: {{provider: smtp, host: 127.0.0.1, port: {port}, "
        "security: none, sender: no-reply@city.example}\n"
    )
    yield box
    controller.stop(no_assert=True)


def test_the_same_is_told_once(world: World) -> None:
    """And stands on the resident's page, new until it has been seen."""
    assert say(world)
    assert not say(world)
    browser = world.resident()
    assert "1 new" in browser.get("/me").text
    assert browser.get("/me/messages").text.count("Paid ¥1.00") == 1
    assert "1 new" not in browser.get("/me").text
    assert "Paid ¥1.00" not in world.resident("ningbo").get("/me/messages").text


def test_mail_goes_out_after_the_commit(world: World, postbox: Postbox) -> None:
    """To a verified address, in the resident's language, once however often the worker runs."""
    say(world, mail="household@city.example")
    assert postbox.mails == []
    world.work()
    world.work()
    ((to, mail),) = postbox.mails
    assert to == ["household@city.example"]
    assert str(make_header(decode_header(mail["Subject"]))) == "已缴 ¥1.00"
    assert mail["Message-ID"].endswith("@city.example>")
    assert "收据可以查看了。" in mail.get_payload(decode=True).decode()


def test_an_unverified_address_is_not_written_to(world: World, postbox: Postbox) -> None:
    """Anyone could have typed it."""
    say(world, mail="nobody@city.example")
    world.work()
    assert postbox.mails == []


def test_sms_by_a_gateway(world: World) -> None:
    """One POST with the message's key, tried again while the gateway is down."""
    with open_office(BackOffice()) as gateway:
        world.save(
            f"{HANGZHOU}messages:\n  sms: {{provider: http, url: '{gateway.base}/payments', "
            "token: {credential: sms_token}}\n"
        )
        with world.inside("hangzhou"):
            ring = world.app.product.keyring
            store_credential(ring, system("t"), "sms_token", TOKEN, world.clock())
        gateway.trouble = "down"
        say(world, sms="13800000000")
        world.work()
        assert gateway.told == {}
        gateway.trouble = ""
        world.clock.move(minutes=5)
        world.work()
        (told,) = gateway.told.values()
    assert told["to"] == "13800000000"
    assert told["text"].startswith("【杭州市】已缴 ¥1.00")


def test_in_the_demo_the_console_sends(world: World) -> None:
    """To the log, and nowhere else."""
    say(world, sms="13800000000", mail="a@city.example")
    with capture_logs() as logs:
        world.work()
    assert [one["event"] for one in logs].count("message.sent") == 2
    with world.inside("hangzhou"):
        assert len(db.session.scalars(select(Message)).all()) == 1


def test_a_server_that_dribbles_holds_nobody(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    """A byte now and then for ever: the call ends by its own time."""
    monkeypatch.setattr(smtp, "TOTAL_SECONDS", 1)
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def dribble() -> None:
            peer, _address = listener.accept()
            with peer, suppress(OSError):
                while not stop.wait(0.1):
                    peer.sendall(b"220-wait\r\n")

        threading.Thread(target=dribble, daemon=True).start()
        values = {
            "host": "127.0.0.1",
            "port": listener.getsockname()[1],
            "security": "none",
            "sender": "a@city.example",
        }
        with pytest.raises((OSError, smtplib.SMTPException)):
            smtp.SmtpSender(values, str).send("b@city.example", "x", "x", "x", "x")
        stop.set()


def test_invitations_go_out_by_the_platforms_mail(world: World, postbox: Postbox) -> None:
    """By ``SMARTCITY_SMTP_URL``: the link is in the mail and not on the page; where the server does
    not answer, whoever invites gets the link to pass on."""
    port = world.city("hangzhou").messages["mail"]["port"]
    staff = world.city_staff("hangzhou")
    form = {"mail": "guest@city.example", "name": "Guest", "roles": "auditor"}
    for there, sent in ((port, True), (9, False)):
        url = f"smtp://127.0.0.1:{there}/?sender=no-reply@city.example&security=none"
        with other_settings(world.app, smtp_url=url):
            page = staff.post("/cities/hangzhou/staff", **form).text
        assert ("localhost/invitations/" not in page) is sent
    ((to, mail),) = postbox.mails
    assert to == ["guest@city.example"]
    body = mail.get_payload(decode=True).decode()
    link = body.partition("http://console.localhost")[2].split()[0]
    assert world.client("console.localhost").get(link).status_code == 200


@pytest.mark.parametrize("url", ["mail.example", "smtp://mail.example", "http://m?sender=a@b.c"])
def test_an_odd_mail_server_is_refused(url: str) -> None:
    """With a sentence that shows how it is written."""
    with pytest.raises(SettingsError, match="smtps://"):
        smtp_values(url)
