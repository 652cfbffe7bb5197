"""``smartcity rollout``: many cities from one CSV, with a progress bar."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import click
from flask import current_app
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from smartcity_saas.cli.documents import documents_as_cli
from smartcity_saas.cli.output import console, format_option, say, say_json
from smartcity_saas.configuration.checking import Candidate
from smartcity_saas.configuration.csv_input import Line
from smartcity_saas.configuration.documents import Documents
from smartcity_saas.configuration.folder import read_files
from smartcity_saas.configuration.planning import plan
from smartcity_saas.configuration.rollout import RowResult, province_text, read_rows, roll_out
from smartcity_saas.configuration.source import parse
from smartcity_saas.tenancy.applying import apply_plan


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--all-or-nothing", is_flag=True, help="Store nothing if any row has a fault.")
@format_option
def rollout(file: Path, all_or_nothing: bool, style: str) -> None:
    """Bring the cities of a CSV live. A bad row stops that row alone.

    Columns: division_code, slug, name_zh, name_en, province_slug; state and color if wanted.
    Baselines that are not live yet come from config/, or are made from the CSV.
    """
    documents = documents_as_cli()
    rows = read_rows(file.read_bytes(), file.name)
    baselines = _live_baselines(documents, rows)
    results = []
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console(),
        disable=style == "json",
    ) as progress:
        task = progress.add_task("Rolling out", total=len(rows))
        for result in roll_out(documents, rows, file.name, all_or_nothing=all_or_nothing):
            results.append(result)
            progress.update(task, advance=1, description=result.slug)
    _tell(results, baselines, style)
    if any(result.outcome == "failed" for result in results):
        sys.exit(1)


COMMANDS = (rollout,)


def _live_baselines(documents: Documents, rows: list[Line]) -> int:
    """Make the baselines that the rows need and the platform lacks; returns how many."""
    wanted = {f"province:{row.values['province_slug']}": row for row in rows}
    live = {found.name for found in documents.named(["platform", *wanted])}
    missing = {name for name in ("platform", *wanted) if name not in live}
    root = current_app.config["SETTINGS"].config_root / "config"
    files, _problems = read_files([root] if root.is_dir() else [])
    found = [file for file in files if file.candidate.name in missing]
    made = len(apply_plan(documents, plan(documents, found), "rollout")) if found else 0
    for name in sorted(missing - {file.candidate.name for file in found} - {"platform"}):
        text = province_text(wanted[name])
        documents.save(Candidate(parse(text, name.partition(":")[2])), 0, "rollout", "rollout")
        made += 1
    return made


def _tell(results: list[RowResult], baselines: int, style: str) -> None:
    if style == "json":
        say_json([result.as_dict() for result in results])
        return
    for result in results:
        for problem in result.problems:
            say(str(problem))
    counts = Counter(result.outcome for result in results)
    if baselines:
        say(f"{baselines} baselines made live.")
    say(
        f"{counts['live']} cities made live, {counts['same']} already as the file says, "
        f"{counts['failed']} failed."
    )
    if not counts["live"] and not counts["failed"]:
        say("Nothing to change.")
