"""``smartcity export``: live documents into files, and nothing there is lost unasked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from smartcity_saas.cli.documents import documents_as_cli
from smartcity_saas.cli.output import fail, say
from smartcity_saas.configuration.city import LiveDocument
from smartcity_saas.configuration.document_files import DocumentFile, beside, file_name, read_files
from smartcity_saas.configuration.documents import Documents
from smartcity_saas.configuration.file_plan import KEEP, SAME, address_of, addresses_of, compare
from smartcity_saas.tenancy.assets import find_asset
from smartcity_saas.tenancy.context import tenant_context


@dataclass(frozen=True)
class Writing:
    """What one document writes: its text, and the pictures that do not lie there already."""

    live: LiveDocument
    path: Path
    text: str
    pictures: dict[Path, bytes]


@click.command()
@click.argument("names", nargs=-1)
@click.option(
    "--to",
    "folder",
    default=".",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder that holds config/ and tenants/.",
)
@click.option("--force", is_flag=True, help="Overwrite edits that were never applied.")
def export(names: tuple[str, ...], folder: Path, force: bool) -> None:
    """Write live documents and their pictures into files.

    Those named, or all. If any file holds edits that were never applied, nothing is written.
    """
    documents = documents_as_cli()
    found = [documents.live(name) for name in names] or documents.all()
    writings = [_writing(documents, live, folder) for live in found]
    lost = [path for one in writings for path in _unapplied(documents, one)]
    if lost and not force:
        fail(
            [
                *(f"{path}: holds edits that were never applied." for path in lost),
                "Nothing was written. Apply them first, or overwrite them with --force.",
            ]
        )
    for one in writings:
        _write(documents, one)
        say(str(one.path))


COMMANDS = (export,)


def _writing(documents: Documents, live: LiveDocument, folder: Path) -> Writing:
    path = beside(folder / file_name(live.name, live.kind, live.province))
    text = documents.live_revision(live.name).text
    pictures = {}
    for name, address in live.files.items():
        target = path.parent / name
        same = documents.extensions.same_picture
        if target.is_file() and same(live.id, address, target.read_bytes()):
            continue
        with tenant_context(live.id):
            asset = find_asset(address)
            if asset is not None:
                pictures[target] = asset.content
    return Writing(live, path, text, pictures)


def _unapplied(documents: Documents, writing: Writing) -> list[Path]:
    """The files that would lose what is nowhere else."""
    lost = []
    if writing.path.exists():
        files, problems = read_files([writing.path])
        if problems or not _nothing_new(documents, writing.live.name, files[0]):
            lost.append(writing.path)
    return lost + [path for path in writing.pictures if _unknown(documents, writing.live, path)]


def _nothing_new(documents: Documents, name: str, file: DocumentFile) -> bool:
    """Whether a file says only what is live, was applied last, or is an older revision."""
    if file.candidate.name != name:
        return False
    step = compare(documents, file)
    return step.act in (SAME, KEEP) or step.stale is not None


def _unknown(documents: Documents, live: LiveDocument, path: Path) -> bool:
    """Whether a picture lies there that the document has never had."""
    if not path.is_file():
        return False
    addresses = addresses_of(live.id, live.files)
    return address_of(documents, live.id, path.read_bytes(), addresses) is None


def _write(documents: Documents, writing: Writing) -> None:
    writing.path.parent.mkdir(parents=True, exist_ok=True)
    writing.path.write_bytes(writing.text.encode())
    for path, content in writing.pictures.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    documents.mark_applied(writing.live.name, writing.text, writing.live.files)
