"""Documents in files: finding them, and the pictures beside them."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from smartcity_saas.configuration.merge import get
from smartcity_saas.configuration.problems import Problem
from smartcity_saas.configuration.schema import CITY, PLATFORM
from smartcity_saas.configuration.validation import Candidate
from smartcity_saas.configuration.yaml_source import MOST_BYTES, Source, parse
from smartcity_saas.errors import Invalid
from smartcity_saas.texts import lazy_gettext as _

_LIKE_YAML = re.compile(r"\.ya?ml\W", re.IGNORECASE)
LARGEST_PICTURE = 2 * 1024 * 1024


@dataclass(frozen=True)
class DocumentFile:
    """One file: the document in it, and the bytes of the pictures that it names."""

    path: Path
    candidate: Candidate
    pictures: dict[str, bytes] = field(default_factory=dict)

    @property
    def new_pictures(self) -> list[bytes]:
        """The pictures whose address is that of their own bytes, not of one that is kept."""
        files = self.candidate.files
        return [data for name, data in self.pictures.items() if files[name] == sha256(data)]

    def with_files(self, files: Mapping[str, str]) -> DocumentFile:
        """The same file, its pictures under other addresses."""
        return replace(self, candidate=replace(self.candidate, files=dict(files)))


def read_files(paths: Iterable[Path]) -> tuple[list[DocumentFile], list[Problem]]:
    """Read documents from files and folders.

    Returns:
        The documents that could be read, and what is wrong with the files and folders that could
        not.
    """
    documents = []
    found, problems = _yaml_files(paths)
    for path in found:
        if is_sample(path):
            problems.append(_of_library(path))
            continue
        try:
            with path.open("rb") as stream:
                source = parse(stream.read(MOST_BYTES + 1), str(path))
        except Invalid as error:
            problems += error.problems
            continue
        except OSError as error:
            problems.append(_unreadable(path, error))
            continue
        pictures = _pictures(path, source)
        hashes = {name: sha256(data) for name, data in pictures.items()}
        documents.append(DocumentFile(path, Candidate(source, hashes), pictures))
    return documents, problems


def sha256(data: bytes) -> str:
    """The SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def file_name(name: str, kind: str, province: str | None) -> str:
    """Where ``export`` writes a document, below its root."""
    if kind == CITY:
        return f"tenants/{name}.yaml"
    return "config/platform.yaml" if kind == PLATFORM else f"config/provinces/{province}.yaml"


def beside(path: Path) -> Path:
    """The file that holds a document already, where its ending is written otherwise or it lies
    in a folder below, which may be linked; else the path itself, as ``file_name`` makes it."""
    if path.exists():
        return path
    found = _documents(path.parent, _walked(path.parent)[0])
    return next((one for one in found if one.stem == path.stem), path)


def is_yaml(path: Path) -> bool:
    """Whether a file is called as documents are, in capitals too."""
    return path.suffix.lower() in (".yaml", ".yml")


def is_sample(path: Path) -> bool:
    """Whether a file is a definition of the library, ``forms`` beside the platform's document, which is
    pasted into documents and is none itself."""
    folder = path.parent
    return folder.name == "forms" and (folder.parent / "platform.yaml").exists()


def passed_over(paths: Iterable[Path]) -> list[tuple[Path, str]]:
    """What in folders looks like a document and is not read, and why: what is hidden, or lies in a
    hidden folder (a Mac leaves ``._hangzhou.yaml`` beside a file), a name that goes on behind its
    ending (``hangzhou.yaml.txt``), a link that leads nowhere, whatever it was a link to."""
    found = []
    for folder in (path for path in paths if path.is_dir()):
        for path in sorted(_walked(folder)[0]):
            reason = _reason(path, path.relative_to(folder))
            if reason:
                found.append((path, reason))
    return found


def _reason(path: Path, beneath: Path) -> str:
    """Why a file is passed over; empty where it is read, or is nothing like a document."""
    if is_sample(path):
        return ""
    if is_yaml(path):
        return "it is hidden" if _is_hidden(beneath) else ""
    if _is_hidden(beneath):
        return ""
    if path.is_symlink() and not path.exists():
        return "the link leads nowhere"
    return "its name does not end in .yaml" if _LIKE_YAML.search(path.name) else ""


def _yaml_files(paths: Iterable[Path]) -> tuple[list[Path], list[Problem]]:
    """Every document's file once, and the folders that cannot be read."""
    files: dict[Path, Path] = {}
    problems = []
    for path in paths:
        found, errors = _walked(path) if path.is_dir() else ([path], [])
        for one in _documents(path, found) if path.is_dir() else found:
            files.setdefault(one.resolve(), one)
        closed = {Path(error.filename): error for error in errors}
        problems += [_unreadable(one, closed[one]) for one in _beneath(path, closed)]
    return list(files.values()), problems


def _walked(folder: Path) -> tuple[list[Path], list[OSError]]:
    """Every file, in linked folders too, each folder once; and the folders that could not be
    read."""
    seen: set[str] = set()
    found = []
    errors: list[OSError] = []
    for root, folders, names in os.walk(folder, onerror=errors.append, followlinks=True):
        real = os.path.realpath(root)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        found += [Path(root, name) for name in names]
    return found, errors


def _documents(folder: Path, paths: Iterable[Path]) -> list[Path]:
    return [path for path in _beneath(folder, paths) if is_yaml(path) and not is_sample(path)]


def _beneath(folder: Path, paths: Iterable[Path]) -> list[Path]:
    """What is not hidden."""
    return sorted(path for path in paths if not _is_hidden(path.relative_to(folder)))


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _pictures(path: Path, source: Source) -> dict[str, bytes]:
    name = get(source.values, ("branding", "logo"))
    if not isinstance(name, str):
        return {}
    picture = path.parent / name
    if Path(name).is_absolute() or ".." in Path(name).parts or not picture.is_file():
        return {}
    if picture.stat().st_size > LARGEST_PICTURE:
        return {}
    return {name: picture.read_bytes()}


def _of_library(path: Path) -> Problem:
    return Problem(
        str(path),
        1,
        1,
        "",
        _("“%(name)s” is a sample definition of a service, not a document.", name=path.name),
        _("Paste it below services in a city's or a province's document."),
    )


def _unreadable(path: Path, error: OSError) -> Problem:
    reason = error.strerror or "unknown"
    said = (
        _("We could not read the folder: %(reason)s.", reason=reason)
        if path.is_dir()
        else _("We could not read the file: %(reason)s.", reason=reason)
    )
    return Problem(
        str(path),
        1,
        1,
        "",
        said,
        _("Check the path and its permissions."),
    )
