"""Passwords of staff: argon2id (RFC 9106), a rule of length, and none that everybody tries first
(NIST SP 800-63B, section 3.1.1: no rules of composition)."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask_babel import lazy_gettext as _
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from smartcity_saas.errors import Invalid

SHORTEST = 12
LONGEST = 1024
OWN_WORDS = ("smartcity", "smart-city", "console", "password")

_hasher = PasswordHasher()


def hashed(password: str) -> str:
    """A password as it is kept."""
    return _hasher.hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Whether a password is the one that is kept; with none it takes as long, and is not."""
    try:
        fits = _hasher.verify(stored or _nobodys(), password[:LONGEST])
    except (VerificationError, InvalidHashError):
        return False
    return fits and bool(stored)


def refuse_weak(password: str, *known: str) -> None:
    """Refuse what is short, common, or made of what everyone knows of the person.

    Args:
        password: What was chosen.
        known: Name, account, mail address.

    Raises:
        Invalid: Which of the three.
    """
    if len(password) < SHORTEST:
        raise Invalid(_("A password has at least 12 characters."))
    if len(password) > LONGEST:
        raise Invalid(_("A password has at most 1,024 characters."))
    folded = password.lower()
    rest = folded
    for word in (*OWN_WORDS, *(one.lower() for one in known if len(one) > 3)):
        rest = rest.replace(word, "")
    if (
        folded in _common()
        or len(set(folded)) < 5
        or len(rest) < 6
        or _doubled(folded) in _common()
    ):
        raise Invalid(_("This password is one of the first that are tried. Choose another."))


def _doubled(text: str) -> str:
    """The word that a text is made of, if it is only that word again and again."""
    for length in range(1, len(text) // 2 + 1):
        if len(text) % length == 0 and text[:length] * (len(text) // length) == text:
            return text[:length]
    return text


@cache
def _common() -> frozenset[str]:
    return frozenset(FREQUENCY_LISTS["passwords"])


@cache
def _nobodys() -> str:
    """A hash to compare with where there is no account, so that it takes as long."""
    return _hasher.hash("a password that nobody has")
