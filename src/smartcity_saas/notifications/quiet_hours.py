"""Quiet hours: between which clock times of the city nobody is sent anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from smartcity_saas.clock import local_time, today_in
from smartcity_saas.configuration.city import City


@dataclass(frozen=True)
class QuietHours:
    """From one clock time of a zone until another, over midnight where the first is the later;
    none where the two are the same."""

    zone: str
    begin: time = time(22)
    end: time = time(7)

    @classmethod
    def of_city(cls, city: City) -> QuietHours:
        """As the city's document says, or the common ones."""
        said = city.messages.get("quiet_hours", {})
        return cls(
            city.timezone,
            time.fromisoformat(said["from"]) if "from" in said else cls.begin,
            time.fromisoformat(said["until"]) if "until" in said else cls.end,
        )

    def over(self, now: datetime) -> datetime:
        """When people may be sent something: now, or at the end of the quiet hours that it is in."""
        if not self._covers(local_time(now, self.zone).time()):
            return now
        today = today_in(self.zone, now)
        ends = (
            datetime.combine(today + timedelta(days=ahead), self.end, ZoneInfo(self.zone))
            for ahead in (0, 1)
        )
        return next(end for end in (one.astimezone(UTC) for one in ends) if end > now)

    def _covers(self, clock: time) -> bool:
        if self.begin <= self.end:
            return self.begin <= clock < self.end
        return clock >= self.begin or clock < self.end
