"""Commands for the audit log: audit verify, audit checkpoint."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from smartcity_saas.audit import (
    PLATFORM_REACH,
    ChainReport,
    Checkpoint,
    newest_link,
    system,
    verify_city_chain,
)
from smartcity_saas.cli.city_context import inside
from smartcity_saas.cli.output import counted, format_option, say, say_json
from smartcity_saas.configuration.documents import Documents
from smartcity_saas.errors import Invalid
from smartcity_saas.product import product
from smartcity_saas.tenancy.current import current_time

BREAKS = {
    "altered": "it was changed after it was written",
    "gap": "an act is missing here",
    "unlinked": "it does not follow from the act before it",
    "cut": "the end has been cut off",
    "rewritten": "it is not what the checkpoint saw",
}


NAMES = {"rows": "its own rows", "document": "its document and accounts"}


@click.group("audit")
def audit() -> None:
    """Verify the audit log of a city, province:SLUG or platform."""


@audit.command("checkpoint")
@click.argument("city")
def take_checkpoint(city: str) -> None:
    """Print the newest links of the hash chains as JSON. Keep them outside the database."""
    kept: dict[str, Any] = {"city": city, "at": current_time().isoformat()}
    if _is_city(city):
        with inside(city):
            kept |= asdict(newest_link())
    _documents().verify_chain(city)  # refuses a place that there is not
    say_json({**kept, "document": asdict(newest_link(city))})


@audit.command("verify")
@click.argument("city")
@click.option(
    "--checkpoint",
    "kept",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file from `audit checkpoint`: finds entries that were cut off or rewritten.",
)
@format_option
def verify(city: str, kept: Path | None, style: str) -> None:
    """Verify the hash chains of a city, province:SLUG or platform.

    A city has two chains: of its own rows, and of its document and accounts. Names the first entry
    at which one breaks; exit code 1 if one does.
    """
    seen = _read(kept, city) if kept else {}
    reports = {}
    if _is_city(city):
        with inside(city):
            reports["rows"] = verify_city_chain(seen.get("rows"))
    reports["document"] = _documents().verify_chain(city, seen.get("document"))
    if style == "json":
        found = {name: _as_json(one) for name, one in reports.items()}
        say_json({"city": city, **found.pop("rows", {}), **found})
    else:
        for name, one in reports.items():
            say(f"{city}, {NAMES[name]}: {_in_words(one)}")
    if any(one.found is not None for one in reports.values()):
        sys.exit(1)


COMMANDS = (audit,)


def _is_city(name: str) -> bool:
    return name != PLATFORM_REACH and ":" not in name


def _documents() -> Documents:
    registry = product().registry
    return Documents(system("cli"), registry.extensions, registry.platform_host, current_time())


def _as_json(report: ChainReport) -> dict[str, Any]:
    return {
        "acts": report.count,
        "head": asdict(report.head),
        "broken_at": report.found.number if report.found else None,
        "reason": report.found.reason if report.found else None,
    }


def _in_words(report: ChainReport) -> str:
    found = report.found
    if found is None:
        return f"{counted(report.count, 'act')}, every link holds."
    return f"the hash chain breaks at entry {found.number}: {BREAKS[found.reason]}."


def _read(file: Path, city: str) -> dict[str, Checkpoint]:
    try:
        kept: Any = json.loads(file.read_text("utf-8"))
        if kept["city"] != city:
            raise Invalid(f"{file} is a checkpoint of {kept['city']}, not of {city}.")
        links = {"rows": kept if "number" in kept else None, "document": kept.get("document")}
        return {
            name: Checkpoint(int(one["number"]), str(one["hash"]))
            for name, one in links.items()
            if one is not None
        }
    except (ValueError, KeyError, TypeError, AttributeError, UnicodeError):
        raise Invalid(
            f"{file} is no checkpoint; `smartcity audit checkpoint {city}` writes one."
        ) from None
