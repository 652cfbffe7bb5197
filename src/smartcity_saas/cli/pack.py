"""``smartcity pack``: what a city hands in to an app so that its site opens there."""

from __future__ import annotations

import json
from pathlib import Path

import click

from smartcity_saas.app_packs.contents import pack_files
from smartcity_saas.app_packs.folder import NotOurs, write_pack
from smartcity_saas.app_packs.platforms import app_names
from smartcity_saas.cli.city_context import inside
from smartcity_saas.cli.output import counted, fail, format_option, say, say_json
from smartcity_saas.web.languages import LANGUAGES


@click.command()
@click.argument("app", type=click.Choice(app_names()))
@click.argument("city")
@click.option(
    "--to",
    "folder",
    required=True,
    type=click.Path(path_type=Path),
    help="The folder to write into; made if it is not there.",
)
@click.option(
    "--app-id", default="", metavar="ID", help="The mini program's own AppID, once there is one."
)
@click.option(
    "--language",
    type=click.Choice(LANGUAGES),
    default="en",
    show_default=True,
    help="The language of the report that is printed; the pack has both.",
)
@format_option
def pack(app: str, city: str, folder: Path, app_id: str, language: str, style: str) -> None:
    """Make a city's pack for an app: shell, links, icons, privacy list, checklist.

    Prints which services and ways to pay work inside the app. Made again from the same
    configuration, a pack is the same; what the command did not write is never overwritten.
    """
    _refuse_app_id(app_id)
    with inside(city) as found:
        files = pack_files(found, app, app_id)
    try:
        changed = write_pack(folder, app, city, files)
    except NotOurs as error:
        fail(error.reasons)
    if style == "json":
        say_json(json.loads(files["parity.json"]))
        return
    say(files[f"parity.{language}.md"].decode())
    say(f"{folder}: {counted(len(files), 'file')}, {changed or 'none'} changed.")


COMMANDS = (pack,)


def _refuse_app_id(app_id: str) -> None:
    if app_id and not (app_id.isascii() and app_id.isalnum() and len(app_id) <= 64):
        raise click.BadParameter(
            f"“{app_id}” is no AppID. Copy it from the app's own console: letters and digits.",
            param_hint="--app-id",
        )
