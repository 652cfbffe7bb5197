"""The command that checks documents. It loads what a check needs, and no application."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from gettext import NullTranslations
from pathlib import Path

import click

from smartcity_saas.cli.databases import database_name, is_there
from smartcity_saas.cli.output import counted, format_option, report, say
from smartcity_saas.configuration.document_files import DocumentFile, passed_over, read_files
from smartcity_saas.configuration.problems import Problem
from smartcity_saas.configuration.validation import Check, Known
from smartcity_saas.installed import installed_extensions, translation_folders
from smartcity_saas.settings import Settings
from smartcity_saas.texts import spoken


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@format_option
@click.pass_context
def validate(ctx: click.Context, paths: tuple[Path, ...], style: str) -> None:
    """Check documents in files and folders; nothing is stored.

    Baselines that are not among PATHS come from the live platform, else from config/.
    """
    settings = Settings.from_environment()
    ctx.find_root().with_resource(spoken(_catalogue(settings.language)))
    files, problems = read_files(paths)
    tell_passed_over(paths)
    against, found_there = _problems(files, settings)
    problems += found_there
    problems += _picture_problems(files)
    report(problems, style)
    if style == "text" and any(found.pointer == "/province" for found in problems):
        click.echo(
            f"Baselines were looked for among what was named, and in {against}.",
            err=True,
        )
    if problems:
        sys.exit(1)
    if style == "text":
        say_notes(files)
        say(f"{counted(len(files), 'document')}, no problems.")


COMMANDS = (validate,)


def say_notes(files: Iterable[DocumentFile]) -> None:
    """What drew in new pictures and is left out of them."""
    found = [file for file in files if file.pictures]
    if not found:
        return
    from smartcity_saas.images.logos import picture_notes  # XML and pixels

    for note in picture_notes(found):
        say(f"· {note}")


def tell_passed_over(paths: Iterable[Path]) -> None:
    """What looks like a document and is not read, each with its reason."""
    for path, reason in passed_over(paths):
        click.echo(f"Passed over, because {reason}: {path}", err=True)


def _catalogue(language: str) -> NullTranslations:
    if language != "zh":
        return NullTranslations()
    from smartcity_saas.web.translation_files import compiled  # reads every .po file

    return compiled(translation_folders())


def _picture_problems(files: list[DocumentFile]) -> list[Problem]:
    found = [file for file in files if file.pictures]
    if not found:
        return []
    from smartcity_saas.images.logos import picture_problems

    return picture_problems(found)


def _problems(files: list[DocumentFile], settings: Settings) -> tuple[str, list[Problem]]:
    """Against what is live; where no database has been set up, against config/. Says which it was."""
    root = settings.config_root
    if is_there(settings.database_url):
        from sqlalchemy.exc import SQLAlchemyError

        from smartcity_saas.cli.stored_validation import stored_problems

        try:
            return (
                f"the database {database_name(settings)}, which comes before {root / 'config'}",
                stored_problems(files, settings),
            )
        except SQLAlchemyError:
            pass
    beside = f"{root / 'config'} (SMARTCITY_CONFIG_ROOT), as no database could be read"
    return beside, _problems_beside(files, settings)


def _problems_beside(files: list[DocumentFile], settings: Settings) -> list[Problem]:
    """Check against the baselines in config/."""
    given = {file.candidate.name for file in files}
    root = settings.config_root / "config"
    baselines, _unread = read_files([root] if root.is_dir() else [])
    values = {
        file.candidate.name: file.candidate.source.values
        for file in baselines
        if file.candidate.name not in given
    }
    candidates = [file.candidate for file in files]
    return Check(candidates, Known(values), installed_extensions(), settings.host).run()
