"""One-time codes by SMS: six digits, for ten minutes, one browser and one purpose, used once.

They are kept as an HMAC under the city's key. How many may be asked for is limited by number, by
address and by city, so that nobody is flooded and no bill for SMS is run up. A device on
which somebody has signed in with a number before is limited by itself, so that nobody else uses
its owner's share up.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import force_locale, gettext, ngettext
from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, delete, select

from smartcity_saas.addresses import network_of
from smartcity_saas.configuration.city import City
from smartcity_saas.connectors import BackOfficeDown, BackOfficeRefused
from smartcity_saas.credentials import CredentialError
from smartcity_saas.credentials.personal_encryption import open_personal, own_index, seal_personal
from smartcity_saas.database import db, transaction
from smartcity_saas.errors import FieldErrors, SmartCityError
from smartcity_saas.identity.rate_limits import DAY, count_attempt, give_back
from smartcity_saas.identity.residents.models import OneTimeCode, ResidentAttempt
from smartcity_saas.identity.tokens import new_token, token_hash
from smartcity_saas.logs import get_logger
from smartcity_saas.product import product

LENGTH = timedelta(minutes=10)
TRIES = 5
MOST_TO_NUMBER = 3
MOST_TO_NUMBER_A_DAY = 12
MOST_TO_NUMBER_KNOWN_A_DAY = 36
"""To one number by all the browsers that are known by it: marks can be collected."""
MOST_FROM_ADDRESS = 20
MOST_OF_CITY = 1_000
MOST_TRIES_FROM_ADDRESS = 20
MOST_TRIES_OF_NUMBER = 60
MOST_TRIES_KNOWN = 180
"""Codes typed for one number within a day: from one address, from all, by browsers known by it."""
DIGITS = 6
KnownDevice = Callable[[str], str | None]
"""Tells the mark of the present browser, if it is known by that of a number."""
SendText = Callable[[City, str, str, str, str], None]
"""Sends an SMS in a city's name: city, number, title, text, key of the message."""

log = get_logger(__name__)


class NotSent(SmartCityError):
    """The city's sender of SMS did not take the text."""

    status = 503
    title = _("We could not send the code")

    def __init__(self) -> None:
        super().__init__(_("Try again in a minute, or choose another way to sign in."))


def read_phone(text: str) -> str | None:
    """A mobile number as it is kept: 11 digits of mainland China, or
    an international one with ``+`` (E.164); None if it is neither."""
    number = re.sub(r"[\s()-]", "", text)
    if found := re.fullmatch(r"(?:\+?86)?(1[3-9][0-9]{9})", number, re.ASCII):
        return found[1]
    return number if re.fullmatch(r"\+[1-9][0-9]{7,14}", number, re.ASCII) else None


def mark_of(number: str, now: datetime) -> str:
    """By what a number is counted, and known to a browser: never the number itself."""
    return own_index("phone", number, now)


def send_code(
    city: City,
    purpose: str,
    typed: str,
    browser: str,
    address: str,
    language: str,
    now: datetime,
    known_device: KnownDevice = lambda mark: None,
) -> tuple[str, str]:
    """Send a code to a number.

    Args:
        city: In whose name.
        purpose: What it will be good for.
        typed: The number as typed.
        browser: The browser's mark.
        address: Where the request came from.
        language: ``zh`` or ``en``.
        now: The time.
        known_device: The browser's own mark, if somebody has come in by the number with it.

    Returns:
        The number, and the code (for the demo to show).

    Raises:
        FieldErrors: It is no number.
        Throttled: Too many were asked for.
        NotSent: The city's sender does not take it.
    """
    number = read_phone(typed)
    if number is None:
        raise FieldErrors({"phone": _("Enter a mobile number, such as 13800000000.")})
    whose, known = _counted(number, now, known_device)
    if known:
        count_attempt(ResidentAttempt, f"code-known:{known}", MOST_TO_NUMBER_KNOWN_A_DAY, now, DAY)
    count_attempt(ResidentAttempt, f"code-from:{network_of(address)}", MOST_FROM_ADDRESS, now)
    count_attempt(ResidentAttempt, f"code-to:{whose}", MOST_TO_NUMBER, now)
    count_attempt(ResidentAttempt, f"code-day:{whose}", MOST_TO_NUMBER_A_DAY, now, DAY)
    count_attempt(ResidentAttempt, "code-city", MOST_OF_CITY, now)
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
    before = _replace(browser, purpose, now, _new_code(number, code, purpose, now))
    try:
        _send(city, number, code, language)
    except NotSent:
        _replace(browser, purpose, now, before)  # one that was sent before is still good
        raise
    return number, code


def use_code(
    purpose: str,
    typed: str,
    browser: str | None,
    address: str,
    now: datetime,
    known_device: KnownDevice = lambda mark: None,
) -> str:
    """Use a code up; returns the number that it was sent to.

    Raises:
        FieldErrors: It is missing, wrong, used, too old, or was sent to another browser.
        Throttled: Too many were typed for the number within the day.
    """
    waiting = waiting_for(purpose, browser, now)
    if not browser or waiting is None:
        raise _wrong(0)
    if not typed.strip():
        raise FieldErrors({"code": _("Enter the 6 digits from the message.")})
    whose, known = _counted(waiting.number, now, known_device)
    network = network_of(address)
    tried = {
        f"tries:{whose}|{network}": MOST_TRIES_FROM_ADDRESS,
        f"tries:{whose}": MOST_TRIES_OF_NUMBER,
        **({f"tries-known:{known}": MOST_TRIES_KNOWN} if known else {}),
    }
    for key, most in tried.items():
        count_attempt(ResidentAttempt, key, most, now, DAY)
    with transaction() as session:
        row = session.scalars(
            select(OneTimeCode)
            .where(_mine(browser, purpose), OneTimeCode.expires_at > now)
            .with_for_update()
        ).one_or_none()
        if row is None or row.tries_left < 1:
            found = None
        elif hmac.compare_digest(row.code_hash, _hash(re.sub(r"\s", "", typed), purpose, now)):
            found = open_personal("phone", row.sealed, now)
            session.execute(delete(OneTimeCode).where(OneTimeCode.id == row.id))
        else:
            found = None
            row.tries_left -= 1  # the row is held
        left = row.tries_left if row is not None else 0
    if found is None:
        raise _wrong(left)
    for key in (*tried, f"code-from:{network}"):
        give_back(ResidentAttempt, key)
    return found


@dataclass(frozen=True)
class Waiting:
    """A code that was sent and is good: to which number, until when, for how many tries more."""

    number: str
    until: datetime
    tries_left: int


def waiting_for(purpose: str, browser: str | None, now: datetime) -> Waiting | None:
    """The code that a browser was last sent, while it is good."""
    if not browser:
        return None
    row = db.session.scalars(
        select(OneTimeCode).where(_mine(browser, purpose), OneTimeCode.expires_at > now)
    ).one_or_none()
    if row is None:
        return None
    return Waiting(open_personal("phone", row.sealed, now), row.expires_at, row.tries_left)


def _wrong(tries_left: int) -> FieldErrors:
    """A code that was refused, and what is left to do."""
    if tries_left < 1:
        return FieldErrors(
            {"code": _("This code is wrong or has expired. Check it, or get a new one.")}
        )
    said = ngettext(
        "That code is not right. Check the newest message. You can try %(num)s more time.",
        "That code is not right. Check the newest message. You can try %(num)s more times.",
        tries_left,
    )
    return FieldErrors({"code": said})


def _new_code(number: str, code: str, purpose: str, now: datetime) -> dict[str, Any]:
    return {
        "code_hash": _hash(code, purpose, now),
        "sealed": seal_personal("phone", number, now),
        "tries_left": TRIES,
        "expires_at": now + LENGTH,
    }


def _replace(
    browser: str, purpose: str, now: datetime, values: dict[str, Any] | None
) -> dict[str, Any] | None:
    """Put a code, or none, in the place of the browser's present one; returns what that held."""
    with transaction() as session:
        row = session.scalars(
            select(OneTimeCode)
            .where(_mine(browser, purpose), OneTimeCode.expires_at > now)
            .with_for_update()
        ).one_or_none()
        held = ("code_hash", "sealed", "tries_left", "expires_at")
        before = {name: getattr(row, name) for name in held} if row is not None else None
        session.execute(delete(OneTimeCode).where(_mine(browser, purpose)))
        session.execute(delete(OneTimeCode).where(OneTimeCode.expires_at <= now))
        if values is not None:
            session.add(OneTimeCode(browser_hash=token_hash(browser), purpose=purpose, **values))
    return before


def _counted(number: str, now: datetime, known_device: KnownDevice) -> tuple[str, str | None]:
    """By what asking and trying are counted: the number, or the browser that is known by it; and
    the number's own mark where it is."""
    mark = mark_of(number, now)
    device = known_device(mark)
    return (f"{mark}|{device}", mark) if device else (mark, None)


def _send(city: City, number: str, code: str, language: str) -> None:
    send = product().send_text
    with force_locale(language):
        title = gettext("Code %(code)s", code=code)
        text = gettext("It expires in 10 minutes. City staff will never ask you for it.")
    db.session.rollback()  # nothing stays open while the gateway takes its time
    try:
        send(city, number, title, text, new_token())
    except (BackOfficeDown, BackOfficeRefused, CredentialError, OSError) as error:
        log.warning("code.not_sent", error=type(error).__name__)
        raise NotSent from None


def _mine(browser: str, purpose: str) -> ColumnElement[bool]:
    return (OneTimeCode.browser_hash == token_hash(browser)) & (OneTimeCode.purpose == purpose)


def _hash(code: str, purpose: str, now: datetime) -> str:
    return own_index(f"code:{purpose}", code, now)
