"""Tables of measures: what was appended, days with their versions, and the hours of the last weeks."""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import Mapped, mapped_column

from smartcity_saas.database import PlatformModel
from smartcity_saas.database.models import BigKey


class MeasureEvent(PlatformModel):
    """Something that was counted and not folded into its day yet; appended, never changed.

    ``day`` and ``hour`` are the city's own. ``detail`` is a word of a short list, such as the
    reason of a refusal, the upper bound of a waiting time, or a currency.
    """

    __tablename__ = "measure_event"
    __table_args__ = (Index("ix_measure_event_city_id_day", "city_id", "day"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    city_id: Mapped[int] = mapped_column(BigKey)
    day: Mapped[date]
    hour: Mapped[int]
    service: Mapped[str]
    channel: Mapped[str]
    measure: Mapped[str]
    detail: Mapped[str]
    value: Mapped[int] = mapped_column(BigInteger)


class CityMeasure(PlatformModel):
    """How often something was counted in one city on one day of its own zone, by service and channel."""

    __tablename__ = "city_measure"

    city_id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    service: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    measure: Mapped[str] = mapped_column(primary_key=True)
    detail: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger)


class CityMeasureDay(PlatformModel):
    """How many times a city's day has been added to. It only grows, and tells whether a copy of the
    day (an export) is still the whole of it."""

    __tablename__ = "city_measure_day"

    city_id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    version: Mapped[int]


class CityHour(PlatformModel):
    """The same by hour for the last weeks, so that today can stand beside the usual day so far."""

    __tablename__ = "city_hour"

    city_id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    hour: Mapped[int] = mapped_column(primary_key=True)
    service: Mapped[str] = mapped_column(primary_key=True)
    measure: Mapped[str] = mapped_column(primary_key=True)
    detail: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger)
