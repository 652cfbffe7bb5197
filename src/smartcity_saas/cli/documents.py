"""Commands on documents: plan, apply, withdraw, history, diff, rollback, schema."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from smartcity_saas.audit import system
from smartcity_saas.city_withdrawal import rows_held, withdraw
from smartcity_saas.cli.hosts import say_records
from smartcity_saas.cli.output import counted, format_option, report, say, say_json, say_table
from smartcity_saas.cli.validation import say_notes, tell_passed_over
from smartcity_saas.configuration.changes import MISSING, Change, text_diff
from smartcity_saas.configuration.city import LiveDocument
from smartcity_saas.configuration.document_files import file_name, read_files
from smartcity_saas.configuration.documents import Documents
from smartcity_saas.configuration.file_plan import CHANGE, CONFLICT, KEEP, NEW, SAME, Plan, plan
from smartcity_saas.configuration.problems import dotted
from smartcity_saas.configuration.reference import DOCUMENT_KINDS, json_schema, markdown
from smartcity_saas.configuration.yaml_edit import inline
from smartcity_saas.images.logos import picture_problems
from smartcity_saas.product import product
from smartcity_saas.tenancy.current import current_time
from smartcity_saas.tenancy.file_apply import apply_plan

PENDING = 3
_MARKS = {NEW: "+", CHANGE: "~", SAME: "=", KEEP: "·", CONFLICT: "!"}
paths_argument = click.argument("paths", nargs=-1, type=click.Path(path_type=Path))


def documents_as_cli() -> Documents:
    """Documents as whoever has a shell on the machine: everything."""
    registry = product().registry
    return Documents(system("cli"), registry.extensions, registry.platform_host, current_time())


@click.command("plan")
@paths_argument
@format_option
def plan_command(paths: tuple[Path, ...], style: str) -> None:
    """Show what `apply` would change. Exit code 3 if anything would."""
    found = _planned(paths, style)
    _show(found, style)
    sys.exit(PENDING if found.pending else 0)


@click.command()
@paths_argument
@click.option("-m", "--message", default="", help="Why; kept in the history.")
@format_option
def apply(paths: tuple[Path, ...], message: str, style: str) -> None:
    """Make the documents in files and folders live, all or none. Default: config/ and tenants/."""
    found = _planned(paths, style)
    if style == "text":
        _show(found, style)
    made = apply_plan(documents_as_cli(), found, message)
    if style == "json":
        say_json({"applied": [{"document": r.document, "revision": r.number} for r in made]})
        return
    say(f"{counted(len(made), 'document')} changed." if made else "Nothing to apply.")
    say_records({one.document for one in made})


@click.command()
@click.argument("city")
@format_option
def history(city: str, style: str) -> None:
    """List the revisions of a document, the newest first."""
    found = documents_as_cli().history(city, 1000)
    if style == "json":
        say_json(
            [
                {
                    "revision": one.number,
                    "at": one.created_at.isoformat(),
                    "author": one.author,
                    "origin": one.origin,
                    "message": one.message,
                    "changes": [change.as_dict() for change in one.changes],
                }
                for one in found
            ]
        )
        return
    say_table(
        ["revision", "when", "who", "how", "why"],
        [
            [
                str(r.number),
                f"{r.created_at:%Y-%m-%d %H:%M} UTC",
                r.author_label,
                r.origin,
                r.message,
            ]
            for r in found
        ],
    )


@click.command()
@click.argument("targets", nargs=-1)
@format_option
def diff(targets: tuple[str, ...], style: str) -> None:
    """Show the lines that differ. Exit code 3 if any do.

    Without TARGETS, or with paths: files against what is live. With a document's name: its
    last revision against the one before; with one or two numbers behind it, those revisions
    (one: against what is live).
    """
    named = targets and not Path(targets[0]).exists()
    pieces = _revision_diff(targets) if named else _file_diffs(tuple(map(Path, targets)), style)
    if style == "json":
        say_json(pieces)
    else:
        for piece in pieces:
            say(piece["diff"].rstrip("\n"))
    sys.exit(PENDING if pieces else 0)


@click.command()
@click.argument("city")
@click.argument("revision", type=int)
@click.option("-m", "--message", default="", help="Why; kept in the history.")
def rollback(city: str, revision: int, message: str) -> None:
    """Save the text of an old revision of CITY as a new revision."""
    documents = documents_as_cli()
    made = documents.rollback(city, revision, documents.live(city).number, message)
    if made is None:
        say(f"{city} has the text of revision {revision} already.")
    else:
        say(f"{city}: revision {made.number} has the text of revision {revision}.")


@click.command()
@click.argument("kind", type=click.Choice(DOCUMENT_KINDS), default=DOCUMENT_KINDS[0])
@click.option(
    "--markdown",
    "as_markdown",
    is_flag=True,
    help="Print the reference of every key (docs/configuration.md) instead.",
)
def schema(kind: str, as_markdown: bool) -> None:
    """Print the JSON Schema of a kind of document. Editors complete by it."""
    extensions = product().registry.extensions
    if as_markdown:
        click.echo(markdown(extensions), nl=False)
    else:
        say_json(json_schema(kind, extensions))


@click.command("withdraw")
@click.argument("city")
@click.option("-m", "--message", default="", help="Why; kept in the audit log.")
@click.option("--yes", is_flag=True, help="Do not ask for the name again.")
def withdraw_command(city: str, message: str, yes: bool) -> None:
    """Remove a city that has never had a resident.

    With `province:SLUG`, a province without cities. Its slug, code and hosts are free again; what was
    imported for it is deleted. Shows what will be deleted, and asks for the name again.
    """
    documents = documents_as_cli()
    live = documents.live(city)
    _say_what_goes(live)
    if not yes:
        _ask_name(city)
    withdraw(documents, city, live.number, message, now=current_time())
    path = file_name(live.name, live.kind, live.province)
    say(f"{city} is withdrawn. If there is a {path}, remove it, or the next apply makes it again.")


COMMANDS = (plan_command, apply, history, diff, rollback, withdraw_command, schema)


def _say_what_goes(live: LiveDocument) -> None:
    """Name what a withdrawal frees and deletes."""
    say(f"{live.name}, {live.values.get('state', 'a baseline')}, revision {live.number}:")
    hosts = live.values.get("hosts") or []
    say(f"    free again: {', '.join(filter(None, [live.division_code, *hosts, live.name]))}")
    goes = [f"{count} {table}" for table, count in rows_held(live).items()]
    say(f"    deleted, by table: {', '.join(goes) or 'no rows'}")


def _ask_name(name: str) -> None:
    """Ask for a name again.

    Raises:
        click.ClickException: It is not what was typed, or nobody is there to type.
    """
    try:
        typed = click.prompt(f"Type {name} to withdraw it", default="", show_default=False)
    except click.Abort:
        typed = ""
    if typed != name:
        raise click.ClickException(
            f"Nothing was withdrawn. Type {name} when asked, or add --yes where nobody can."
        )


def _planned(paths: tuple[Path, ...], style: str) -> Plan:
    paths = paths or _default_paths()
    files, unreadable = read_files(paths)
    tell_passed_over(paths)
    found = plan(documents_as_cli(), files)
    problems = [*unreadable, *found.problems, *picture_problems(step.file for step in found.steps)]
    if problems:
        report(problems, style)
        if style == "text":
            say("Nothing was stored.")
        sys.exit(1)
    if style == "text":
        say_notes(step.file for step in found.steps)
    return found


def _default_paths() -> tuple[Path, ...]:
    root = product().settings.config_root
    found = tuple(path for path in (root / "config", root / "tenants") if path.is_dir())
    if not found:
        raise click.UsageError("There is no config/ or tenants/ here; name files or folders.")
    return found


def _show(found: Plan, style: str) -> None:
    if style == "json":
        say_json(
            {
                "steps": [step.as_dict() for step in found.steps if step.act != SAME],
                "without_file": found.without_file,
                "effects": [one.as_dict() for one in found.effects],
            }
        )
        return
    for step in found.steps:
        if step.act == SAME:
            continue
        say(f"{_MARKS[step.act]} {step.name}")
        for change in step.apply if step.act != NEW else ():
            say(f"    {_told(change)}")
        if step.text_only:
            say("    comments and layout only")
        for change in step.keep:
            say(
                f"    kept, changed since the last apply: {_told(change)} (smartcity export writes it)"
            )
    for effect in found.effects:
        for sentence in effect.sentences:
            say(f"! {effect.city}, {effect.service}: {sentence}")
    if found.without_file:
        say(f"Live without a file, left alone: {len(found.without_file)}.")
    if not found.pending:
        say("No changes.")


def _told(change: Change) -> str:
    before = "" if change.before is MISSING else f"{_written(change.before)} → "
    after = "removed" if change.after is MISSING else _written(change.after)
    return f"{dotted(change.path)}: {before}{after}"


def _written(value: Any) -> str:
    """A value as it stands in a document: lists and mappings as YAML."""
    return inline(value) if isinstance(value, (dict, list)) else str(value)


def _file_diffs(paths: tuple[Path, ...], style: str) -> list[dict[str, Any]]:
    documents = documents_as_cli()
    files, unreadable = read_files(paths or _default_paths())
    if unreadable:
        report(unreadable, style)
        sys.exit(1)
    pieces = []
    for file in files:
        name = file.candidate.name
        live = documents.named([name])
        text = documents.live_revision(name).text if live else ""
        found = text_diff(text, file.candidate.source.text, f"live {name}", str(file.path))
        if found:
            pieces.append({"document": name, "diff": found})
    return pieces


def _revision_diff(targets: tuple[str, ...]) -> list[dict[str, Any]]:
    name, *numbers = targets
    if len(numbers) > 2 or not all(number.isdecimal() for number in numbers):
        raise click.UsageError("Write a document's name, then at most two revision numbers.")
    documents = documents_as_cli()
    live = documents.live(name).number
    after = int(numbers[1]) if len(numbers) == 2 else live
    before = int(numbers[0]) if numbers else live - 1
    old = documents.revision(name, before).text if before > 0 else ""
    found = text_diff(old, documents.revision(name, after).text, f"{name}.yaml")
    return [{"document": name, "before": before, "after": after, "diff": found}] if found else []
