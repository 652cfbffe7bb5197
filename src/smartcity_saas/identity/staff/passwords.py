"""Passwords of staff: argon2id (RFC 9106), a rule of length, and none that everybody tries first
(NIST SP 800-63B, section 3.1.1: no rules of composition)."""

from __future__ import annotations

import re
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask_babel import lazy_gettext as _

from smartcity_saas.errors import FieldErrors

SHORTEST = 12
LONGEST = 1024
JUDGED = 72
FEWEST_GUESSES = 10**9
"""As zxcvbn reckons them."""
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
        FieldErrors: Which of the three, as ``password``.
    """
    if len(password) < SHORTEST:
        raise FieldErrors({"password": _("Enter a password of at least 12 characters.")})
    if len(password) > LONGEST:
        raise FieldErrors({"password": _("Enter a password of at most 1,024 characters.")})
    from zxcvbn import zxcvbn  # 11 MB, for whoever chooses a password

    words = [*OWN_WORDS, *(one for text in known for one in (text, *re.split(r"\W+", text)) if one)]
    if zxcvbn(password[:JUDGED], user_inputs=words)["guesses"] < FEWEST_GUESSES:
        said = _("This password is too common. Choose another.")
        raise FieldErrors({"password": said})


@cache
def _nobodys() -> str:
    """A hash to compare with where there is no account, so that it takes as long."""
    return _hasher.hash("a password that nobody has")
