"""The ``smartcity`` command: thin over the domain, tables for people, JSON for programs.

Exit codes: 0 done or nothing to do, 1 problems, 2 wrong usage, 3 changes pending.
"""

from __future__ import annotations

import sys
from contextlib import suppress

import click
import structlog
from flask import current_app
from sqlalchemy.exc import SQLAlchemyError

from smartcity_saas.app import create_app
from smartcity_saas.cli import (
    auditing,
    city_work,
    clients,
    documents,
    exporting,
    keys,
    operations,
    rolling,
)
from smartcity_saas.cli.output import fail
from smartcity_saas.credentials.master_key import admit_master_key
from smartcity_saas.database import db
from smartcity_saas.errors import Invalid, NotReady, SmartCityError
from smartcity_saas.settings import Settings

log = structlog.get_logger(__name__)


_WITHOUT_KEY = frozenset({"db", "doctor", "roles", "schema", "validate"})
"""What works with any master key: what seals nothing, and what says which one is wrong."""


class _Group(click.Group):
    """A group whose errors are sentences, never tracebacks."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command inside the application's context."""
        try:
            app = create_app(Settings.from_environment(), serving=False)
            with app.app_context():
                return super().invoke(ctx)
        except Invalid as error:
            fail(error.problems or [str(error.detail)])
        except NotReady as error:
            fail([_of_the_demo() or _said(error)])
        except SmartCityError as error:
            fail([_said(error)])
        except SQLAlchemyError as error:
            fail([_database_trouble(error)])
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:  # whatever it is, a person reads a sentence
            log.error("fault", exc_info=error)
            fail([f"Something went wrong in the program ({type(error).__name__}). It is logged."])
        return sys.exit(1)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def main(ctx: click.Context) -> None:
    """Run hundreds of cities on one application, each from one YAML file."""
    if ctx.invoked_subcommand not in _WITHOUT_KEY:
        with suppress(SQLAlchemyError):  # the command itself says what is wrong with the database
            admit_master_key(current_app.extensions["keyring"])
            db.session.rollback()


for found in (
    *documents.COMMANDS,
    *exporting.COMMANDS,
    *rolling.COMMANDS,
    *operations.COMMANDS,
    *city_work.COMMANDS,
    *auditing.COMMANDS,
    *clients.COMMANDS,
    *keys.COMMANDS,
):
    main.add_command(found)


def _said(error: SmartCityError) -> str:
    """Title and detail, those that an error has of its own."""
    own = [] if error.title == SmartCityError.title else [error.title]
    return ". ".join(str(text) for text in (*own, error.detail) if str(text)) or str(error.title)


def _database_trouble(error: SQLAlchemyError) -> str:
    """What to do about the database, without the statement or its values."""
    reason = type(getattr(error, "orig", None) or error).__name__
    return _of_the_demo() or (
        f"The database does not answer as it should ({reason}). "
        "Check DATABASE_URL, and run `smartcity db upgrade`."
    )


def _of_the_demo() -> str:
    """What to do where the demo has been run here, and nothing else has."""
    settings = Settings.from_environment()
    if settings.demo or not any((settings.config_root / "var").glob("demo*.sqlite3")):
        return ""
    return "There is no database here but the demo's: set SMARTCITY_DEMO=1 to work on it."
