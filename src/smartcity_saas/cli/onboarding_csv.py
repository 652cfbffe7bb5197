"""``smartcity rollout``: many cities from one CSV, with a progress bar."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from smartcity_saas.cli.documents import PENDING, documents_as_cli
from smartcity_saas.cli.output import console, counted, format_option, say, say_json
from smartcity_saas.configuration.csv_input import Line
from smartcity_saas.configuration.document_files import read_files
from smartcity_saas.configuration.documents import Documents
from smartcity_saas.configuration.onboarding_csv import (
    RollOut,
    RolloutFailed,
    RowResult,
    read_table,
)
from smartcity_saas.configuration.onboarding_rows import province_candidate
from smartcity_saas.configuration.states import CityState
from smartcity_saas.configuration.validation import Candidate
from smartcity_saas.database import transaction
from smartcity_saas.product import product

WORDS = {
    "live": "go live",
    "draft": "become drafts",
    "changed": "change a draft",
    "same": "change nothing",
    "failed": "fail",
}


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--all-or-nothing", is_flag=True, help="Store nothing if any row has a fault.")
@click.option(
    "--dry-run", is_flag=True, help="Say what each row would do; exit code 3 if any would."
)
@format_option
def rollout(file: Path, all_or_nothing: bool, dry_run: bool, style: str) -> None:
    """Add the cities of a CSV and take them live. A faulty row stops that row alone.

    Columns: division_code, slug, name_zh, name_en, province_slug; state and color if wanted. A
    state that is left blank makes a new city live.
    Baselines that are not live yet come from config/, or are made from the CSV, each with the
    first city that needs it.
    """
    documents = documents_as_cli()
    table = read_table(file.read_bytes(), file.name)
    rows = list(table.lines)
    if style == "text":
        say(f"Read as {table.encoding}.")
        if table.unread:
            say(f"Columns that were not read: {', '.join(table.unread)}.")
    baselines = _missing_baselines(documents, rows)
    before = {found.name for found in documents.named(one.name for one in baselines)}
    job = RollOut(documents, rows, file.name, baselines=baselines)
    if dry_run:
        _tell_dry(list(job.look()), style)
    if style == "text":
        say(f"{_going_live(documents, rows)} of {counted(len(rows), 'row')} to bring a city live.")
    results = _all(job, style) if all_or_nothing else list(_with_progress(job, style))
    _mark_applied(documents, baselines)
    made = {found.name for found in documents.named(one.name for one in baselines)} - before
    _tell(results, len(made), style)
    if any(result.is_failed for result in results):
        sys.exit(1)


COMMANDS = (rollout,)


def _missing_baselines(documents: Documents, rows: list[Line]) -> list[Candidate]:
    """The baselines that the rows need and the platform lacks: from config/, or of the rows."""
    wanted: dict[str, list[Line]] = {"platform": []}
    for row in rows:
        if row.values["province_slug"]:
            wanted.setdefault(f"province:{row.values['province_slug']}", []).append(row)
    live = {found.name for found in documents.named(wanted)}
    root = product().settings.config_root / "config"
    files, _problems = read_files([root] if root.is_dir() else [])
    found = {file.candidate.name: file.candidate for file in files}
    return [
        found.get(name) or province_candidate(name.partition(":")[2], its_rows)
        for name, its_rows in wanted.items()
        if name not in live and (name in found or name != "platform")
    ]


def _mark_applied(documents: Documents, baselines: Sequence[Candidate]) -> None:
    """Remember the files of baselines that have been stored as those that were applied last."""
    live = {found.name for found in documents.named(one.name for one in baselines)}
    with transaction():
        for one in baselines:
            if one.name in live and "." in one.source.path:
                documents.mark_applied(one.name, one.source.text, one.files)


def _going_live(documents: Documents, rows: list[Line]) -> int:
    """How many rows bring a city live that is not."""
    known = {one.name: one.values.get("state") for one in documents.named(_slugs(rows))}
    return sum(
        (row.values.get("state") or known.get(row.values["slug"], CityState.LIVE)) == CityState.LIVE
        and known.get(row.values["slug"]) not in (CityState.LIVE, CityState.SUSPENDED)
        for row in rows
    )


def _slugs(rows: list[Line]) -> list[str]:
    return [row.values["slug"] for row in rows]


def _all(job: RollOut, style: str) -> list[RowResult]:
    try:
        return job.together()
    except RolloutFailed as error:
        if style == "json":
            say_json([result.as_dict() for result in error.results])
        else:
            for problem in error.problems:
                say(str(problem))
            click.secho(str(error.detail), fg="red", err=True)
        sys.exit(1)


def _with_progress(job: RollOut, style: str) -> Iterator[RowResult]:
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console(),
        disable=style == "json",
    ) as progress:
        task = progress.add_task("Rolling out", total=len(job.rows))
        for result in job.one_by_one():
            progress.update(task, advance=1, description=result.slug)
            yield result


def _tell_dry(results: list[RowResult], style: str) -> None:
    """Say what each row would do, and exit: 1 with faults, 3 with something to do, 0 without."""
    counts = Counter(result.outcome for result in results)
    if style == "json":
        say_json([result.as_dict() for result in results])
    else:
        for result in results:
            say(f"line {result.line}: {result.slug or '—'}: {result.outcome}")
            _tell_faults(result)
        said = [f"{counts[outcome]} would {words}" for outcome, words in WORDS.items()]
        say(f"{', '.join(said)}. Nothing was stored.")
    pending = sum(counts.values()) - counts["same"] - counts["failed"]
    sys.exit(1 if counts["failed"] else PENDING if pending else 0)


def _tell_faults(result: RowResult) -> None:
    for problem in result.problems:
        say(str(problem))
    for note in result.notes:
        say(f"    {note}")


def _tell(results: list[RowResult], baselines: int, style: str) -> None:
    if style == "json":
        say_json([result.as_dict() for result in results])
        return
    for result in results:
        _tell_faults(result)
    counts = Counter(result.outcome for result in results)
    if baselines:
        say(f"{counted(baselines, 'baseline')} made live.")
    drafts = f"{counted(counts['draft'], 'draft')} made, " if counts["draft"] else ""
    changed = f"{counted(counts['changed'], 'draft')} changed, " if counts["changed"] else ""
    say(
        f"{counted(counts['live'], 'city', 'cities')} made live, {drafts}{changed}{counts['same']} already as the "
        f"file says, {counts['failed']} failed."
    )
    if len(results) == counts["same"]:
        say("Nothing to change.")
