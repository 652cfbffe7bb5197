"""What a city enters by hand, and what every city's scorecard came to, a row a day."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from smartcity_saas.database import CityModel, PlatformModel
from smartcity_saas.database.models import BigKey


class ScorecardValue(CityModel):
    """One figure that staff entered for one item of an edition; append-only, the newest counts.

    ``hundredths`` is how far the item is reached, in hundredths of a percent (0 to 10,000); None
    takes back what was entered before. ``source`` and ``as_of`` say where the figure stands and of
    which day it is; the site shows both, and never who entered it.
    """

    __tablename__ = "scorecard_value"
    __table_args__ = (
        Index("ix_scorecard_value_city_id_edition", "city_id", "edition", "item", "entered_at"),
    )

    edition: Mapped[str]
    item: Mapped[str]
    hundredths: Mapped[int | None]
    source: Mapped[str]
    as_of: Mapped[date]
    entered_at: Mapped[datetime]
    author_label: Mapped[str]
    sample: Mapped[bool] = mapped_column(default=False)


class CityScore(PlatformModel):
    """What one city's scorecard came to on one day of its own zone, for the comparison of cities.

    ``low``, ``high`` and ``by_hand`` are in hundredths of a point: the total if what is missing were
    none, if it were all there, and the part of the lower one that was entered by hand. The others
    count items.
    """

    __tablename__ = "city_score"

    city_id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=False)
    edition: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    low: Mapped[int]
    high: Mapped[int]
    by_hand: Mapped[int]
    computed_items: Mapped[int]
    by_hand_items: Mapped[int]
    missing_items: Mapped[int]
