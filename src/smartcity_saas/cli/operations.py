"""Commands for running the installation: db upgrade, staff create, doctor."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
from sqlalchemy import create_engine, make_url
from sqlalchemy.exc import SQLAlchemyError

from smartcity_saas.audit import system
from smartcity_saas.cli.output import format_option, say, say_json, say_table
from smartcity_saas.configuration.host_ownership import own_hosts
from smartcity_saas.credentials import opens, reencrypt_province_secrets
from smartcity_saas.credentials.master_key import ANOTHER
from smartcity_saas.database.citus import is_distributed, refuse_silent_workers
from smartcity_saas.database.row_level_security import grant_application_role, refuse_powerful_role
from smartcity_saas.database.transactions import db
from smartcity_saas.errors import SettingsError, SmartCityError
from smartcity_saas.health import holds_demo_rows, readiness
from smartcity_saas.identity.staff.accounts import create_staff
from smartcity_saas.identity.staff.roles import OPERATOR, PERMISSIONS, ROLES, title_of
from smartcity_saas.identity.staff.second_factors import reencrypt_factors
from smartcity_saas.identity.staff.sessions import reencrypt_id_tokens
from smartcity_saas.measures.export_folder import DATASET
from smartcity_saas.measures.exported_days import own_folder
from smartcity_saas.migrations.patience import migrate_to_heads
from smartcity_saas.outbox import backlogs, runner_states
from smartcity_saas.portals.host_words import host_row
from smartcity_saas.portals.live_checks import serving_checks, worker_check
from smartcity_saas.portals.overviews.across import OVERDUE
from smartcity_saas.product import product
from smartcity_saas.settings import Settings
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.current import current_time


@click.group("db")
def database() -> None:
    """The database schema."""


@database.command()
def upgrade() -> None:
    """Migrate the database to this version, and grant the application's role its privileges.

    Names every city whose newest configuration this version cannot read: it is served by an
    earlier one until that is corrected.
    """
    upgrade_database(product().settings)
    say("The database is at this version's schema.")
    if _tried(product().registry.refresh)[0]:
        for name, fine, detail in _cities():
            if not fine:
                say(f"{name}: this version cannot read its latest revision. {detail}")


def upgrade_database(settings: Settings) -> None:
    """Migrate as the owner, then let the application's role in."""
    url = make_url(settings.owner_url)
    if url.get_backend_name() == "sqlite" and url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    migrate_to_heads()
    role = make_url(settings.database_url).username
    if url.get_backend_name() == "postgresql" and role and role != url.username:
        engine = create_engine(url)
        with engine.begin() as connection:
            grant_application_role(connection, role)
        engine.dispose()


@click.group("staff")
def staff() -> None:
    """Accounts of staff on the console."""


@staff.command()
@click.argument("username")
@click.option("--name", required=True, help="The person's name.")
@click.option(
    "--role",
    "roles",
    multiple=True,
    default=[OPERATOR],
    show_default=True,
    help=f"One of {', '.join(ROLES)} (a desk as desk:SERVICE); may be given several times.",
)
@click.option("--province", help="The province, for a province admin.")
@click.option("--city", help="The city, for every role of a city.")
@click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input, one line."
)
def create(
    username: str,
    name: str,
    roles: tuple[str, ...],
    province: str | None,
    city: str | None,
    password_stdin: bool,
) -> None:
    """Create an account. Asks for the password unless --password-stdin is given."""
    if password_stdin:
        password = sys.stdin.readline().rstrip("\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    made = create_staff(
        system("cli"),
        username,
        name,
        roles,
        password,
        province=province,
        city=city,
        now=current_time(),
    )
    say(f"{made.username} may sign in on the console as {title_of(made.roles)}.")


STALE_HOURS = 48
_MARKS = {True: "ok", False: "WRONG", None: "look"}
_TO_DO = {
    "database": "It does not answer: check DATABASE_URL, and that the server runs.",
    "migrations": "The schema is another version's: run `smartcity db upgrade`.",
    "city_registry": "No city could be loaded: put the other faults right first, then look at the log.",
    "master_key": ANOTHER,
}


@click.command()
@format_option
def doctor(style: str) -> None:
    """Check the installation, and say what to do.

    Looks at keys, database, migrations, roles, documents, and what cities lack. Exit code 1 if
    something is wrong; lines marked “look” are warnings.
    """
    ready = _ready()
    rows = [
        ("keys", *_tried(product().settings.refuse_unsafe_keys)),
        *((name, fine, "" if fine else _TO_DO.get(name, "")) for name, fine in ready.items()),
        ("secrets", *_tried(_refuse_shut_keys)),
        ("role", *_tried(lambda: refuse_powerful_role(db.engine))),
        *_citus(),
        ("demo rows", *_tried(_refuse_demo_rows)),
        *_cities(),
        *(_lacking() if all(ready.values()) else ()),
        *(_hosts() if all(ready.values()) else ()),
        *_data_folder(),
    ]
    if style == "json":
        say_json([{"check": name, "ok": fine, "detail": detail} for name, fine, detail in rows])
    else:
        say_table(
            ["check", "", "detail"],
            [[name, _MARKS[fine], detail] for name, fine, detail in rows],
        )
    if any(fine is False for _name, fine, _detail in rows):
        sys.exit(1)


@click.command()
def roles() -> None:
    """Print who may do what on the console (docs/roles.md)."""
    names = [*ROLES.values()]
    lines = [
        "# Who may do what on the console",
        "",
        "Made from the one table that the console enforces (`identity/staff/roles.py`) by",
        "`smartcity roles > docs/roles.md`; a test fails when it is stale. A role reaches its own",
        "city, province or the platform, and nothing beyond. `reads`: sees the pages and changes",
        "nothing.",
        "",
        "| | " + " | ".join(f"`{role.name}`" for role in names) + " |",
        "| --- |" + " --- |" * len(names),
        "| held for a | " + " | ".join(role.place for role in names) + " |",
        "| two-step verification | "
        + " | ".join("yes" if role.second_factor else "" for role in names)
        + " |",
        "| for one service each | "
        + " | ".join("yes" if role.per_service else "" for role in names)
        + " |",
    ]
    for name, words in PERMISSIONS.items():
        cells = [
            "yes" if name in role.permissions else "reads" if role.reads(name) else ""
            for role in names
        ]
        lines.append(f"| `{name}`: {words} | " + " | ".join(cells) + " |")
    say("\n".join(lines))


COMMANDS = (database, staff, roles, doctor)


def _ready() -> dict[str, bool]:
    _tried(product().registry.refresh)
    return readiness()


def _tried(check: Any) -> tuple[bool, str]:
    try:
        check()
    except SmartCityError as error:
        return False, str(error.detail)
    except SQLAlchemyError as error:
        return False, type(error).__name__
    return True, ""


def _citus() -> list[tuple[str, bool | None, str]]:
    """Whether the workers of a distributed database learn whose city it is."""
    try:
        distributed = is_distributed(db.engine)
    except SQLAlchemyError:
        return []  # told by the readiness of the database
    if not distributed:
        return []
    return [("citus", *_tried(lambda: refuse_silent_workers(db.engine)))]


def _refuse_demo_rows() -> None:
    if holds_demo_rows() and not product().settings.demo:
        raise SmartCityError(
            "The database holds the demo's rows; production refuses it. Set DATABASE_URL to an "
            "empty one, or SMARTCITY_DEMO=1 to go on with the demo."
        )


def _refuse_shut_keys() -> None:
    """Open every city's key, and all that the master key itself has sealed, with those that are
    set."""
    keyring = product().keyring
    shut = [
        *reencrypt_factors(only_try=True)[1],
        *reencrypt_province_secrets(keyring, only_try=True)[1],
        *reencrypt_id_tokens(only_try=True)[1],
    ]
    snapshot = product().registry.snapshot
    for city in snapshot.cities.values():
        with tenant_context(city.id):
            if not opens(keyring):
                shut.append(city.slug)
    if shut:
        raise SettingsError(
            f"No master key that is set opens {len(shut)} of the keys and secrets: "
            f"{', '.join(shut[:5])}{' …' if len(shut) > 5 else ''}. Set the key that sealed them as "
            "SMARTCITY_OLD_MASTER_KEY and run `smartcity secrets rotate-master`; if it is lost, "
            "enter those secrets anew."
        )


def _lacking() -> list[tuple[str, bool | None, str]]:
    """What stops nothing, and leaves a city without service."""
    worker = worker_check(current_time())
    rows: list[tuple[str, bool | None, str]] = [
        ("worker", worker.fits or None, "" if worker.fits else str(worker.text)),
        *_processes(),
        _tasks(),
    ]
    snapshot = product().registry.snapshot
    for city in snapshot.cities.values():
        if city.is_live:
            found = serving_checks(city)
            rows += [(f"city {city.slug}", None, str(one.text)) for one in found if not one.fits]
    return rows


def _hosts() -> list[tuple[str, bool | None, str]]:
    """The hosts that need a record, each with it: they are not served, or will not be for long."""
    return [
        (f"host {row.host.host}", None, f"{row.words}. {row.host.record} {' '.join(row.sentences)}")
        for row in map(host_row, own_hosts())
        if row.needs_record
    ]


def _processes() -> list[tuple[str, bool | None, str]]:
    """The processes that work for all cities; one that ended without a word stands here for a day."""
    now = current_time()
    return [
        (
            f"{one.kind.value} {one.name}",
            one.lives(now) or None,
            f"{'Seen' if one.lives(now) else 'Silent since'} {one.seen_at:%Y-%m-%d %H:%M:%S} UTC; "
            f"{one.done} done, {one.failed} failed.",
        )
        for one in runner_states()
    ]


def _tasks() -> tuple[str, bool | None, str]:
    """What is due and what was given up, of all cities together."""
    found = backlogs(current_time()).values()
    due, failed = sum(one.waiting for one in found), sum(one.failed for one in found)
    oldest = min((one.oldest_due for one in found if one.oldest_due), default=None)
    since = f", the oldest since {oldest:%Y-%m-%d %H:%M:%S} UTC" if oldest else ""
    late = oldest is not None and current_time() - oldest > OVERDUE
    return "tasks", None if failed or late else True, f"{due} due{since}; {failed} given up."


def _data_folder() -> list[tuple[str, bool | None, str]]:
    """Whether the folder that long windows are read from is there and fresh; without it the database
    answers, so it stops nothing."""
    root = product().settings.data_dir
    if root is None:
        return []
    written = [path.stat().st_mtime for path in root.glob(f"{DATASET}/*/*/_manifest.json")]
    if own_folder() is None or not written:
        return [
            ("data folder", None, f"{root} holds no exact export: run `smartcity data refresh`.")
        ]
    hours = (current_time().timestamp() - max(written)) / 3600
    late = f"Last written {hours:.0f} hours ago: run `smartcity data refresh` every night."
    return [("data folder", None, late) if hours > STALE_HOURS else ("data folder", True, "")]


def _cities() -> list[tuple[str, bool, str]]:
    snapshot = product().registry.snapshot
    flags = [
        (f"city {city.slug}", True, str(flag.message))
        for city in snapshot.cities.values()
        for flag in city.flags
    ]
    broken = [(f"city {name}", False, detail) for name, detail in snapshot.broken.items()]
    return [("cities", True, str(len(snapshot.cities))), *broken, *flags]
