"""Words and tables on a terminal; JSON where a program asked for it."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from smartcity_saas.configuration.problems import Problem

if TYPE_CHECKING:
    from rich.console import Console

format_option = click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Text for people, JSON for programs.",
)


def console() -> Console:
    """The terminal, as wide as what is printed needs when it is a pipe."""
    from rich.console import Console  # only for tables

    return Console(soft_wrap=True, highlight=False)


def counted(count: int, noun: str, many: str = "") -> str:
    """So many of something, in words: ``1 draft``, ``2 cities``."""
    return f"{count} {noun if count == 1 else many or noun + 's'}"


def say(text: str) -> None:
    """One line to standard output."""
    click.echo(text)


def say_json(value: Any) -> None:
    """A value as JSON to standard output."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def say_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table to standard output."""
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console().print(table)


def report(problems: Sequence[Problem], style: str) -> None:
    """Every problem, as lines of ``path:line:column: message`` or as JSON."""
    if style == "json":
        say_json([found.as_dict() for found in problems])
    else:
        for found in problems:
            say(str(found))


def fail(reasons: Sequence[Any]) -> None:
    """Reasons to standard error, and exit with 1."""
    ctx = click.get_current_context(silent=True)
    if _wants_json(sys.argv) and all(isinstance(found, Problem) for found in reasons):
        report(list(reasons), "json")
    else:
        for reason in reasons:
            click.echo(str(reason), err=True)
    if ctx is not None:
        ctx.exit(1)
    sys.exit(1)


def _wants_json(arguments: Sequence[str]) -> bool:
    words = " ".join(arguments).replace("=", " ")
    return "--format json" in words
