"""Kinds of value in what a back office answers: of the type that the contract says, or odd."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from marshmallow import fields

from smartcity_saas.clock import is_near, is_past, read_day, read_moment, read_month
from smartcity_saas.tenancy.current import current_city, current_time

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")
_ZONE = re.compile(r".+(?:[Zz]|[+-][0-9]{2}:[0-9]{2})")


class PastDay(fields.Field[Any]):
    """The day (ISO 8601) of something that has happened; None for an empty text where that may be,
    which takes back what was said before."""

    default_error_messages = {"invalid": "Not a valid date."}

    def __init__(self, *, may_be_empty: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.may_be_empty = may_be_empty

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date | None:
        if value == "" and self.may_be_empty:
            return None
        found = read_day(value) if isinstance(value, str) and _DAY.fullmatch(value) else None
        if found is None or not self._fits(found):
            raise self.make_error("invalid")
        return found

    def _fits(self, found: date) -> bool:
        return is_past(found, current_city().timezone, current_time())


class NearDay(PastDay):
    """A day that may lie ahead, by two years at most."""

    def _fits(self, found: date) -> bool:
        return is_near(found, current_city().timezone, current_time())


class PastMonth(fields.Field[date]):
    """A month (``2026-10``) that has begun, as its first day."""

    default_error_messages = {"invalid": "Not a valid month."}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date:
        found = read_month(value) if isinstance(value, str) and _MONTH.fullmatch(value) else None
        if found is None or not is_past(found, current_city().timezone, current_time()):
            raise self.make_error("invalid")
        return found


class PastMoment(fields.Field[datetime]):
    """The moment (RFC 3339, with its zone) of something that has happened."""

    default_error_messages = {"invalid": "Not a valid moment."}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        zoned = isinstance(value, str) and _ZONE.fullmatch(value)
        found = read_moment(value, "UTC") if zoned else None
        if found is None or not is_past(found, current_city().timezone, current_time()):
            raise self.make_error("invalid")
        return found
