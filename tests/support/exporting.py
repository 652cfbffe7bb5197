"""Exports of three cities in two provinces."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import insert

from smartcity_saas.clock import today_in
from smartcity_saas.data_export import ExportedCity, export_cities
from smartcity_saas.database import db, transaction
from smartcity_saas.measures import CityMeasure, note_days
from smartcity_saas.measures.export_folder import ExportFolder, Level, Values
from tests.support.world import World

BILLS, CLINIC = "utility_bills", "hospital_appointments"
CITIES = ("hangzhou", "ningbo", "shanghai")
DAYS = 100


@dataclass
class Exporting:
    """A world whose cities have ``DAYS`` days of measures before today, and its folders."""

    world: World
    folder: Path

    @property
    def yesterday(self) -> date:
        """Of Hangzhou's zone, which is that of all three."""
        return today_in(self.world.city("hangzhou").timezone, self.world.clock()) - timedelta(1)

    def make(
        self, values: Values = Values.SUPPRESSED, level: Level = Level.DAY, name: str = "out"
    ) -> ExportFolder:
        """A folder of an export."""
        return ExportFolder.make(self.folder / name, values, level)

    def run(self, folder: ExportFolder, *cities: str, **days: date) -> dict[str, ExportedCity]:
        """Bring it up to date; what became of each city."""
        db.session.rollback()
        chosen = [self.world.city(slug) for slug in cities or CITIES]
        return {one.city: one for one in export_cities(folder, chosen, self.world.clock(), **days)}

    def add(self, slug: str, rows: list[tuple[date, str, str, str, str, int]]) -> None:
        """Write sums of days as the worker would."""
        city_id = self.world.city_id(slug)
        names = ("day", "service", "channel", "measure", "detail", "value")
        with transaction() as session:
            session.execute(
                insert(CityMeasure),
                [dict(zip(names, row, strict=True), city_id=city_id) for row in rows],
            )
            note_days((city_id, row[0]) for row in rows)
