"""The rules of booking, from the city's settings. Pure: no database, no clock of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

from smartcity_saas.clock import today_in
from smartcity_saas.configuration.city import City
from smartcity_saas.services.hospital_appointments.names import AHEAD, AT_HOSPITAL, SERVICE


@dataclass(frozen=True)
class Rules:
    """What a city has decided.

    ``days_ahead`` before its day a session opens, at ``release_time``. It can be cancelled until
    ``cancel_time``, ``cancel_days`` before. A patient holds at most ``per_department`` open
    appointments in a department and ``per_patient`` in all. ``no_shows`` within
    ``no_show_days`` stop booking for ``blocked_days`` after the last of them; older ones are
    forgiven. A freed place is kept for whoever waits for ``offer_minutes``. Fees are paid as
    ``payment`` says; a place that is paid ahead is held unpaid for ``pay_minutes``.
    """

    zone: str
    days_ahead: int = 7
    release_time: time = time(7)
    cancel_days: int = 1
    cancel_time: time = time(18)
    per_department: int = 1
    per_patient: int = 5
    no_shows: int = 3
    no_show_days: int = 180
    blocked_days: int = 30
    offer_minutes: int = 15
    most_waiting: int = 30
    slot_minutes: int = 30
    payment: str = AT_HOSPITAL
    pay_minutes: int = 30

    @classmethod
    def of_city(cls, city: City) -> Rules:
        """A city's, as it is served."""
        return cls.of(city.catalog[SERVICE].settings, city.timezone)

    @classmethod
    def of(cls, settings: Mapping[str, Any], zone: str) -> Rules:
        """From the settings of the city's document."""
        cancel, absent = settings.get("cancel", {}), settings.get("no_shows", {})
        limits = settings.get("limits", {})
        return cls(
            zone=zone,
            days_ahead=settings.get("days_ahead", cls.days_ahead),
            release_time=_time(settings.get("release_time"), cls.release_time),
            cancel_days=cancel.get("days_before", cls.cancel_days),
            cancel_time=_time(cancel.get("time"), cls.cancel_time),
            per_department=limits.get("per_department", cls.per_department),
            per_patient=limits.get("per_patient", cls.per_patient),
            no_shows=absent.get("most", cls.no_shows),
            no_show_days=absent.get("within_days", cls.no_show_days),
            blocked_days=absent.get("blocked_days", cls.blocked_days),
            offer_minutes=settings.get("offer_minutes", cls.offer_minutes),
            most_waiting=settings.get("most_waiting", cls.most_waiting),
            slot_minutes=settings.get("slot_minutes", cls.slot_minutes),
            payment=settings.get("payment", cls.payment),
            pay_minutes=settings.get("pay_minutes", cls.pay_minutes),
        )

    def today(self, now: datetime) -> date:
        """The day it is in the city."""
        return today_in(self.zone, now)

    def local(self, day: date, at: time) -> datetime:
        """A moment of the city."""
        return datetime.combine(day, at, ZoneInfo(self.zone))

    def busy(self, at: datetime) -> tuple[datetime, datetime]:
        """Between which moments, both excluded, nobody who has a place then can have another."""
        slot = timedelta(minutes=self.slot_minutes)
        return at - slot, at + slot

    def opens_at(self, day: date) -> datetime:
        """When the places of a day can be booked."""
        return self.local(day - timedelta(days=self.days_ahead), self.release_time)

    def is_released(self, day: date, now: datetime) -> bool:
        """Whether a day's places can be booked yet."""
        return self.opens_at(day) <= now

    def days(self, now: datetime) -> list[date]:
        """The days that a page shows: today to the last that will open next."""
        today = self.today(now)
        return [today + timedelta(days=ahead) for ahead in range(self.days_ahead + 1)]

    def next_release(self, now: datetime) -> tuple[datetime, date]:
        """When places open next, and of which day."""
        today = self.today(now)
        release = self.local(today, self.release_time)
        if release <= now:
            release = self.local(today + timedelta(days=1), self.release_time)
        return release, today_in(self.zone, release) + timedelta(days=self.days_ahead)

    def cancel_until(self, starts_at: datetime) -> datetime:
        """Until when an appointment can be cancelled here."""
        day = today_in(self.zone, starts_at)
        return min(self.local(day - timedelta(days=self.cancel_days), self.cancel_time), starts_at)

    @property
    def pays_ahead(self) -> bool:
        """Whether fees are paid when one books, where payments are taken."""
        return self.payment == AHEAD

    def hold_until(self, starts_at: datetime, now: datetime) -> datetime:
        """Until when a place that is booked now is held without having been paid for."""
        return min(now + timedelta(minutes=self.pay_minutes), starts_at)

    def due_on(self, visit: date, days: int, today: date) -> date:
        """By which day a fee is paid after a visit that is noted today: counted from the later of
        the two, so that nobody has less time because it was noted late."""
        return max(visit, today) + timedelta(days=days)

    def blocked_until(self, missed: Sequence[datetime], now: datetime) -> datetime | None:
        """Until when someone cannot book for having missed too many; None if they can.

        Args:
            missed: When the missed appointments were, in any order.
            now: The time.
        """
        if not self.no_shows:
            return None
        recent = sorted(at for at in missed if at > now - timedelta(days=self.no_show_days))
        if len(recent) < self.no_shows:
            return None
        until = recent[-1] + timedelta(days=self.blocked_days)
        return until if until > now else None

    def place_times(self, starts_at: datetime, ends_at: datetime, capacity: int) -> list[datetime]:
        """The time of each place, in UTC: evenly over the session's slots, the first from its
        start, by the time that passes."""
        starts_at, ends_at = starts_at.astimezone(UTC), ends_at.astimezone(UTC)
        minutes = (ends_at - starts_at) / timedelta(minutes=1)
        slots = max(1, ceil(minutes / self.slot_minutes))
        step = timedelta(minutes=self.slot_minutes)
        return [starts_at + step * (place * slots // capacity) for place in range(capacity)]


def times_lacking(wanted: Sequence[datetime], held: Sequence[datetime]) -> list[datetime]:
    """The times of further places, in order, that make what is held as even as ``wanted`` is: as
    many as ``wanted`` has more, first where the fewest are held."""
    missing = Counter(wanted)
    missing.subtract(held)
    lacking = sorted(missing.elements(), key=lambda at: (held.count(at), at))
    return sorted(lacking[: max(0, len(wanted) - len(held))])


def _time(text: str | None, default: time) -> time:
    return time.fromisoformat(text) if text else default
