"""Commands for a city's trail: audit verify, audit checkpoint."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from smartcity_saas.audit import Checkpoint, checkpoint, verify_trail
from smartcity_saas.cli.inside import inside
from smartcity_saas.cli.output import format_option, say, say_json
from smartcity_saas.errors import Invalid
from smartcity_saas.tenancy.here import present_time

BREAKS = {
    "altered": "it was changed after it was written",
    "gap": "an act is missing here",
    "unlinked": "it does not follow from the act before it",
    "cut": "the end has been cut off",
    "rewritten": "it is not what the checkpoint saw",
}


@click.group("audit")
def audit() -> None:
    """A city's trail: append-only, one chain of hashes."""


@audit.command("checkpoint")
@click.argument("city")
def take_checkpoint(city: str) -> None:
    """Print the newest link as JSON. Keep it where the database's keeper cannot change it."""
    with inside(city):
        found = checkpoint()
    say_json(
        {"city": city, "number": found.number, "hash": found.hash, "at": present_time().isoformat()}
    )


@audit.command("verify")
@click.argument("city")
@click.option(
    "--checkpoint",
    "kept",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file that `audit checkpoint` wrote: finds what was cut off or written anew.",
)
@format_option
def verify(city: str, kept: Path | None, style: str) -> None:
    """Walk the chain, and say where it breaks. Exit code 1 if it does."""
    seen = _read(kept, city) if kept else None
    with inside(city):
        verdict = verify_trail(seen)
    found = verdict.found
    if style == "json":
        say_json(
            {
                "city": city,
                "acts": verdict.count,
                "head": {"number": verdict.head.number, "hash": verdict.head.hash},
                "broken_at": found.number if found else None,
                "reason": found.reason if found else None,
            }
        )
    elif found is None:
        say(f"{city}: {verdict.count} acts, every link holds.")
    else:
        say(f"{city}: the chain breaks at act {found.number}: {BREAKS[found.reason]}.")
    if found is not None:
        sys.exit(1)


COMMANDS = (audit,)


def _read(file: Path, city: str) -> Checkpoint:
    try:
        kept: Any = json.loads(file.read_text("utf-8"))
        if kept["city"] != city:
            raise Invalid(f"{file} is a checkpoint of {kept['city']}, not of {city}.")
        return Checkpoint(int(kept["number"]), str(kept["hash"]))
    except (ValueError, KeyError, TypeError, UnicodeError):
        raise Invalid(
            f"{file} is no checkpoint; `smartcity audit checkpoint {city}` writes one."
        ) from None
