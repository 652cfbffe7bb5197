"""The ``smartcity`` command: thin over the domain, tables for people, JSON for programs.

Exit codes: 0 done or nothing to do, 1 problems, 2 wrong usage, 3 changes pending.

A command's module loads when the command is called, the application when the command works inside
it: whoever checks five lines waits for nothing else.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import click

from smartcity_saas.cli.databases import database_name, missing_database, of_the_demo
from smartcity_saas.cli.output import fail
from smartcity_saas.cli.summaries import descriptions
from smartcity_saas.errors import Invalid, NotReady, SmartCityError
from smartcity_saas.settings import Settings

MODULES = {
    "audit": ("audit",),
    "city_work": ("import", "reconcile", "worker", "dispatcher"),
    "clients": ("clients",),
    "data": ("data",),
    "documents": ("plan", "apply", "history", "diff", "rollback", "withdraw", "schema"),
    "export": ("export",),
    "hosts": ("hosts",),
    "keys": ("secrets",),
    "operations": ("db", "staff", "roles", "doctor"),
    "onboarding_csv": ("rollout",),
    "pack": ("pack",),
    "service": ("service",),
    "validation": ("validate",),
}
"""Module → the commands that its ``COMMANDS`` holds."""
WITHOUT_APPLICATION = frozenset({"service", "validate"})
"""Commands that put together what they need by themselves."""
_WITHOUT_KEY = frozenset({"db", "doctor", "roles", "schema", "service", "validate"})
"""What works with any master key: what seals nothing, and what says which one is wrong."""

_WITHOUT_DATABASE = frozenset({"db", "doctor", "roles", "schema"})
"""What creates the database, says what is wrong with it, or needs none."""


class _Group(click.Group):
    """A group whose errors are sentences, never tracebacks."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, loaded or not."""
        return sorted(name for names in MODULES.values() for name in names)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Every command with a line, as click writes them, and none of them loaded."""
        found = descriptions(MODULES)
        room = formatter.width - 6 - max(map(len, found))
        shown = (click.Command(name, help=found[name]) for name in sorted(found))
        rows = [(str(one.name), one.get_short_help_str(room)) for one in shown]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command, loaded now; of one that does not exist, all that there are as suggestions."""
        wanted = [module for module, names in MODULES.items() if cmd_name in names]
        for module in wanted or MODULES:
            for found in importlib.import_module(f"{__name__}.{module}").COMMANDS:
                self.add_command(found)
        return self.commands.get(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is called, inside the application if it works there."""
        found = super().resolve_command(ctx, args)
        if not ctx.resilient_parsing and found[0] not in WITHOUT_APPLICATION:
            _refuse_missing_database(str(found[0]), args)
            ctx.with_resource(_inside_application())
        return found

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except Invalid as error:
            fail(error.problems or [str(error.detail)])
        except NotReady as error:
            fail([of_the_demo(Settings.from_environment()) or _said(error)])
        except SmartCityError as error:
            fail([_said(error)])
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:  # whatever it is, a person reads a sentence
            fail([_database_trouble(error) if _is_of_database(error) else _fault(error)])
        return sys.exit(1)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def main(ctx: click.Context) -> None:
    """Run hundreds of cities on one application, each from one YAML file."""
    if ctx.invoked_subcommand not in _WITHOUT_KEY:
        _admit_key()


def _admit_key() -> None:
    from sqlalchemy.exc import SQLAlchemyError

    from smartcity_saas.credentials.master_key import admit_master_key
    from smartcity_saas.database import db
    from smartcity_saas.product import product

    with suppress(SQLAlchemyError):  # the command itself says what is wrong with the database
        admit_master_key(product().keyring)
        db.session.rollback()


@contextmanager
def _inside_application() -> Iterator[None]:
    from smartcity_saas.app import create_app  # the whole product

    with create_app(Settings.from_environment(), serving=False).app_context():
        yield


def _refuse_missing_database(command: str, args: list[str]) -> None:
    """Refuse to work on a file of SQLite that is not there: connecting would create it, empty.

    Raises:
        NotReady: Which one was looked for, and which setting names it.
    """
    if command in _WITHOUT_DATABASE or {"-h", "--help"} & {*args}:
        return
    if missing := missing_database(Settings.from_environment()):
        raise NotReady(missing)


def _said(error: SmartCityError) -> str:
    """Title and detail, those that an error has of its own."""
    own = [] if error.title == SmartCityError.title else [error.title]
    return ". ".join(str(text) for text in (*own, error.detail) if str(text)) or str(error.title)


def _is_of_database(error: Exception) -> bool:
    """Whether SQLAlchemy raised it; if it has not been loaded, it has raised nothing."""
    loaded = sys.modules.get("sqlalchemy.exc")
    return loaded is not None and isinstance(error, loaded.SQLAlchemyError)


def _database_trouble(error: Exception) -> str:
    """What to do about the database, without the statement or its values."""
    reason = type(getattr(error, "orig", None) or error).__name__
    settings = Settings.from_environment()
    return missing_database(settings) or (
        f"The database {database_name(settings)} does not answer as it should ({reason}). "
        "Check that it is the right one, and run `smartcity db upgrade`."
    )


def _fault(error: Exception) -> str:
    from smartcity_saas.logs import get_logger  # rarely needed, and never to check a document
    from smartcity_saas.observability import init_logging

    init_logging()
    get_logger(__name__).error("fault", exc_info=error)
    return f"Something went wrong in the program ({type(error).__name__}). It is logged."
