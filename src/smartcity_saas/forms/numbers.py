"""Numbers of applications: short enough to be read out, unique in a city, telling nothing of how many
there are."""

from __future__ import annotations

import re
import secrets
from datetime import datetime

from sqlalchemy import select

from smartcity_saas.clock import today_in
from smartcity_saas.configuration.city import City
from smartcity_saas.database import db
from smartcity_saas.forms.models import Application

_SYLLABLE = re.compile(r"([zcs])h(?=[aeiou])|([b-df-hj-np-tv-z])(?=[aeiou])")
"""Where a syllable of pinyin begins that has an initial (ISO 7098)."""
MOST_LETTERS = 4
NUMBER = re.compile(
    rf"[A-Z]{{1,{MOST_LETTERS}}}-[A-Z0-9]{{1,{MOST_LETTERS}}}-[0-9]{{4}}-[0-9]{{4,}}"
)
"""What a number looks like."""
TRIES_A_LENGTH = 20


def new_number(city: City, service: str, now: datetime) -> str:
    """A number that no application of the city has: ``HZ-RPR-1130-0417``.

    It has the city's letters, the service's, the day, and four digits by chance; more of them on
    a day on which few of four are left.

    Args:
        city: The current one.
        service: The form's name.
        now: The time.
    """
    day = f"{today_in(city.timezone, now):%m%d}"
    start = f"{city_letters(city.slug)}-{service_letters(service)}-{day}"
    digits = 4
    while True:
        for _try in range(TRIES_A_LENGTH):
            number = f"{start}-{secrets.randbelow(10**digits):0{digits}d}"
            if (
                db.session.scalar(select(Application.id).where(Application.number == number))
                is None
            ):
                return number
        digits += 1


def city_letters(slug: str) -> str:
    """The initials of a city's name in pinyin: ``HZ`` of ``hangzhou``, ``XI`` of ``xian``."""
    initials = "".join(a or b for a, b in _SYLLABLE.findall(slug))
    return (initials[:MOST_LETTERS] if len(initials) > 1 else slug[:2]).upper()


def service_letters(name: str) -> str:
    """The first letters of a service's name: ``RPR`` of ``residence_permit_renewal``, ``PER`` of
    ``permit``."""
    parts = name.split("_")
    return (
        "".join(part[0] for part in parts)[:MOST_LETTERS] if len(parts) > 1 else name[:3]
    ).upper()
