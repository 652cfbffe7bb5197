"""Commands for measures as files: data export, data refresh."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import click
from sqlalchemy import select

from smartcity_saas.audit import PLATFORM_REACH, record, system
from smartcity_saas.cli.output import counted, format_option, say, say_json
from smartcity_saas.cli.parameters import Day
from smartcity_saas.configuration.city import City
from smartcity_saas.data_export import ExportedCity, export_cities
from smartcity_saas.database import transaction
from smartcity_saas.errors import Invalid, NotAllowed, NotFound
from smartcity_saas.identity.staff.models import Staff
from smartcity_saas.identity.staff.roles import OPERATOR
from smartcity_saas.measures.export_folder import ExportFolder, Level, Values
from smartcity_saas.product import product
from smartcity_saas.tenancy.current import current_time


@click.group("data")
def data() -> None:
    """Measures as Parquet files for engines that read much at once (docs/scale.md)."""


@data.command()
@click.option(
    "--to",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="A new folder, or one of an earlier export: it is then brought up to date.",
)
@click.option("--city", "cities", multiple=True, help="Only this city; may be given several times.")
@click.option("--province", "provinces", multiple=True, help="Only the cities of this province.")
@click.option("--from", "first", type=Day(), help="First day; the first that is known by default.")
@click.option("--to-day", "last", type=Day(), help="Last day; yesterday by default.")
@click.option(
    "--by",
    "level",
    type=click.Choice([one.value for one in Level]),
    default=Level.DAY.value,
    show_default=True,
    help="A file for each day, or for each month: far fewer, for much data.",
)
@click.option("--exact", is_flag=True, help="Counts under five as well. Needs --operator.")
@click.option("--operator", help="The operator who answers for exact figures; it is audited.")
@format_option
def export(
    folder: Path,
    cities: tuple[str, ...],
    provinces: tuple[str, ...],
    first: date | None,
    last: date | None,
    level: str,
    exact: bool,
    operator: str | None,
    style: str,
) -> None:
    """Write measures into DIR/measures/province=…/city=…/day=…/measures.parquet.

    Counts under five are left out, and a day that is not over. Run again, only days that changed are
    written. A city that cannot be exported is told, and the others go on; exit code 1 if there is one.
    """
    if first is not None and last is not None and first > last:
        raise click.UsageError(f"--from {first} is after --to-day {last}.")
    chosen = _chosen(cities, provinces)
    _refuse_own(folder)
    if exact:
        _audit_exact(operator)
    made = ExportFolder.make(folder, Values.EXACT if exact else Values.SUPPRESSED, Level(level))
    _run(made, chosen, style, first, last)


@data.command()
@format_option
def refresh(style: str) -> None:
    """Bring the installation's own folder, SMARTCITY_DATA_DIR, up to date.

    It has exact figures and is nobody else's (0700): windows of more than 90 days are read from it.
    Run it nightly. Exit code 1 if a city could not be written.
    """
    root = product().settings.data_dir
    if root is None:
        raise Invalid(
            "SMARTCITY_DATA_DIR is not set: name a folder for the server and the command."
        )
    _run(ExportFolder.make(root, Values.EXACT, Level.MONTH), _chosen((), ()), style, None, None)


COMMANDS = (data,)


def _chosen(cities: Sequence[str], provinces: Sequence[str]) -> list[City]:
    """The cities that are named, or all.

    Raises:
        NotFound: There is no such city or province.
    """
    registry = product().registry
    registry.refresh()
    known = registry.snapshot.cities
    for slug in cities:
        if slug not in known:
            raise NotFound(f"There is no city “{slug}”.")
    for province in provinces:
        if not any(city.province == province for city in known.values()):
            raise NotFound(f"There is no city in a province “{province}”.")
    found = [
        city
        for slug, city in sorted(known.items())
        if not (cities or provinces) or slug in cities or city.province in provinces
    ]
    return sorted(found, key=lambda city: (city.province, city.slug))


def _refuse_own(folder: Path) -> None:
    own = product().settings.data_dir
    if own is not None and folder.resolve().is_relative_to(own.resolve()):
        raise Invalid(
            f"{folder} is the installation's own folder (SMARTCITY_DATA_DIR), which is not given "
            "away. Name another one, or run `smartcity data refresh`."
        )


def _audit_exact(operator: str | None) -> None:
    """Note who answers for figures of few that leave the installation.

    Raises:
        Invalid: Nobody is named.
        NotAllowed: Whoever is named is no operator, or not any more.
    """
    if not operator:
        raise Invalid("--exact gives counts of few people away: name who answers, --operator NAME.")
    with transaction() as session:
        found = session.scalars(select(Staff).where(Staff.username == operator)).one_or_none()
        if found is None or found.disabled_at is not None or OPERATOR not in found.roles:
            raise NotAllowed(f"“{operator}” is no operator's account.")
        detail = {"by": operator}
        record(system("cli"), "data.export_exact", PLATFORM_REACH, detail, current_time())


def _run(
    folder: ExportFolder, cities: Sequence[City], style: str, first: date | None, last: date | None
) -> None:
    done: list[ExportedCity] = []
    for one in export_cities(folder, cities, current_time(), first=first, last=last):
        done.append(one)
        words = one.problem or (
            f"{counted(one.written, 'file')} written ({one.rows:,} rows), {one.same} as before."
        )
        click.echo(f"[{len(done)}/{len(cities)}] {one.city}: {words}", err=True)
    failed = [one for one in done if one.problem]
    if style == "json":
        say_json([vars(one) for one in done])
    else:
        say(
            f"{counted(len(done) - len(failed), 'city', 'cities')} in {folder.root}: "
            f"{counted(sum(one.written for one in done), 'file')} written, "
            f"{folder.values.value} figures by {folder.level.value}."
        )
        if failed:
            names = ", ".join(one.city for one in failed)
            say(f"{counted(len(failed), 'city', 'cities')} not finished: {names}. Run it again.")
    if failed:
        sys.exit(1)
