"""The command that writes the skeleton of a service: ``smartcity service new``."""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from string import Template

import click

import smartcity_saas
from smartcity_saas.catalog.discovery import installed_documents
from smartcity_saas.cli.output import say

SKELETON = Path(__file__).parent / "service_skeleton"
PRODUCT = Path(smartcity_saas.__file__).parent
LONGEST_NAME = 22
"""So that the name of the first migration fits Alembic's column, and imports a line."""
LONGEST_TITLE = 40
RESERVED = frozenset({"city", "console", "index", "operator", "province", "resident", "session"})
"""Blueprints of the product: a service called like one would take its pages' names."""


@click.group("service")
def service_group() -> None:
    """Start a new service."""


@service_group.command("new")
@click.argument("name")
@click.option("--zh", "title_zh", prompt="Title in Chinese", help="What residents call it.")
@click.option("--en", "title_en", prompt="Title in English", help="What residents call it.")
def new_service(name: str, title_zh: str, title_en: str) -> None:
    """Write the skeleton of a service into this checkout: package, page, desk, table, tests.

    NAME is what documents and the code call it: small letters, digits and `_`, as in
    `library_cards`. docs/add-a-service.md says what comes next.
    """
    package, tests = _places(name)
    _refuse_name(name, package)
    words = {
        "name": name,
        "path": name.replace("_", "-"),
        "Class": "".join(part.capitalize() for part in name.split("_")),
        "title_zh": _title(title_zh, "--zh"),
        "title_en": _title(title_en, "--en"),
    }
    for source, target in (("package", package), ("tests", tests)):
        _write(SKELETON / source, target, words)
    say(f"Written: {package}")
    say(f"Written: {tests}")
    say("Next: docs/add-a-service.md, from step 2.")


def _places(name: str) -> tuple[Path, Path]:
    """Where the service's package and its tests go, in the checkout that is running."""
    root = PRODUCT.parents[1]
    if not (root / "tests" / "services").is_dir():
        raise click.ClickException(
            f"The product is installed at {PRODUCT}, without its source. Run this in a checkout, "
            "with the command of its own .venv."
        )
    return PRODUCT / "services" / name, root / "tests" / "services" / name


def _refuse_name(name: str, package: Path) -> None:
    """Refuse what is no name, and what is taken."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or keyword.iskeyword(name):
        raise click.BadParameter(
            f"“{name}” is not a name. Write small letters, digits and single `_`, beginning with a "
            "letter, as in library_cards.",
            param_hint="NAME",
        )
    if len(name) > LONGEST_NAME:
        raise click.BadParameter(
            f"“{name}” has {len(name)} characters; {LONGEST_NAME} are the most.", param_hint="NAME"
        )
    installed = {extension.name for extension, _folder in installed_documents()}
    if name in installed | RESERVED or package.exists():
        raise click.BadParameter(
            f"“{name}” is taken. Choose another name; taken are: "
            f"{', '.join(sorted(installed | RESERVED))}.",
            param_hint="NAME",
        )


def _title(text: str, option: str) -> str:
    """A title as it can stand in the source as it is."""
    text = text.strip()
    if not 1 <= len(text) <= LONGEST_TITLE or re.search(r'["\\%{}<>]|[^\S ]', text):
        raise click.BadParameter(
            f"“{text}” is not a title. Write 1 to {LONGEST_TITLE} characters on one line, without "
            '" \\ % { } < >.',
            param_hint=option,
        )
    return text


def _write(source: Path, target: Path, words: dict[str, str]) -> None:
    """Fill in every template of a folder; ``NAME`` in a path is the service's name."""
    for template in sorted(source.rglob("*.tmpl")):
        path = template.relative_to(source).as_posix().removesuffix(".tmpl")
        file = target / path.replace("NAME", words["name"])
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(Template(template.read_text("utf-8")).substitute(words), "utf-8")


COMMANDS = (service_group,)
