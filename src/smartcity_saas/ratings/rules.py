"""A city's rules of rating: until when residents rate, by when the city answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from smartcity_saas.clock import today_in
from smartcity_saas.configuration.city import City
from smartcity_saas.working_days import working_days_after, working_days_until


@dataclass(frozen=True)
class RatingRules:
    """``days`` to rate in, ``answer_days`` working days to answer in, in a time zone."""

    zone: str
    days: int = 30
    answer_days: int = 5

    @classmethod
    def of_city(cls, city: City) -> RatingRules:
        """As the city's document says, or the common ones."""
        return cls(city.timezone, **city.ratings)

    def rate_until(self, finished_at: datetime) -> datetime:
        """Until when what was finished then can be rated."""
        return finished_at + timedelta(days=self.days)

    def answer_by(self, now: datetime) -> date:
        """The last day to answer what comes now."""
        return working_days_after(today_in(self.zone, now), self.answer_days)

    def clock(self, due_on: date, now: datetime) -> AnswerClock:
        """How an answer that is due stands in its time."""
        today = today_in(self.zone, now)
        return AnswerClock(due_on, working_days_until(today, due_on), today > due_on)


@dataclass(frozen=True)
class AnswerClock:
    """Where an answer stands in its time: working days left after today, and whether it is late."""

    due_on: date
    left: int
    late: bool
