"""Comparing files with live documents three ways, leaf by leaf: last applied, file, live.

What only the file changed is applied; what only the console changed is kept and offered for
``export``; what both changed is a conflict, shown, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import undefer

from smartcity_saas.configuration.changes import MISSING, Change, changes, with_files
from smartcity_saas.configuration.checking import Candidate
from smartcity_saas.configuration.documents import Documents
from smartcity_saas.configuration.edit import edit
from smartcity_saas.configuration.folder import DocumentFile
from smartcity_saas.configuration.models import Document, Revision
from smartcity_saas.configuration.problems import Problem, pointer
from smartcity_saas.configuration.source import parse
from smartcity_saas.database import db

NEW, SAME, CHANGE, KEEP, CONFLICT = "new", "same", "change", "keep", "conflict"


@dataclass(frozen=True)
class Step:
    """What applying one file would do.

    ``act`` is ``new``, ``same``, ``change``, ``keep`` (only the console changed something) or
    ``conflict``. ``apply`` are leaves that the file changed, ``keep`` those that the console
    changed, ``clash`` those that both did.
    """

    name: str
    act: str
    file: DocumentFile
    based_on: int = 0
    candidate: Candidate | None = None
    apply: list[Change] = field(default_factory=list)
    keep: list[Change] = field(default_factory=list)
    clash: list[Change] = field(default_factory=list)
    stale: int | None = None
    text_only: bool = False

    @property
    def pending(self) -> bool:
        """Whether applying would change anything."""
        return self.act in (NEW, CHANGE)

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "document": self.name,
            "act": self.act,
            "path": str(self.file.path),
            "revision": self.based_on,
            "apply": [one.as_dict() for one in self.apply],
            "keep": [one.as_dict() for one in self.keep],
            "conflict": [one.as_dict() for one in self.clash],
            **({"is_revision": self.stale} if self.stale else {}),
        }


@dataclass(frozen=True)
class Plan:
    """Steps for files, and live documents that have no file (reported, never deleted)."""

    steps: list[Step]
    problems: list[Problem]
    without_file: list[str]

    @property
    def pending(self) -> bool:
        """Whether applying would change anything."""
        return any(step.pending for step in self.steps)


def plan(documents: Documents, files: Sequence[DocumentFile]) -> Plan:
    """Compare files with what is live, and check what would result."""
    steps = [_step(documents, file) for file in files]
    candidates = [step.candidate for step in steps if step.candidate is not None]
    problems = [
        *documents.problems(candidates),
        *(found for step in steps for found in _conflict_problems(step)),
    ]
    named = {file.candidate.name for file in files}
    without = [found.name for found in documents.all() if found.name not in named]
    return Plan(steps, problems, without)


def _step(documents: Documents, file: DocumentFile) -> Step:
    name = file.candidate.name
    row = db.session.scalars(
        select(Document)
        .where(Document.name == name, Document.live_number > 0)
        .options(undefer(Document.applied_text), undefer(Document.applied_files))
    ).one_or_none()
    if row is None:
        found = changes({}, file.candidate.source.values)
        return Step(name, NEW, file, 0, file.candidate, apply=found)
    live = documents.revision(name, row.live_number)
    text = file.candidate.source.text
    in_file = with_files(file.candidate.source.values, file.candidate.files)
    in_live = with_files(live.values, live.files)
    base_text, base_files = row.applied_text, row.applied_files or {}
    if base_text is None:
        base_values: Mapping[str, Any] = {}
    else:
        base_values = with_files(parse(base_text, name).values, base_files)
    if text == live.text and in_file == in_live:
        return Step(name, SAME, file, live.number, file.candidate)
    if base_text is not None and text == base_text and in_file == base_values:
        kept = changes(base_values, in_live)
        return Step(name, KEEP, file, live.number, keep=kept)
    stale = _older_revision(row.id, live.number, text, file.candidate.files)
    if stale is not None:
        return Step(name, CONFLICT, file, live.number, stale=stale)
    return _three_way(file, live.number, live.text, live.files, base_values, in_file, in_live)


def _three_way(
    file: DocumentFile,
    number: int,
    live_text: str,
    live_files: Mapping[str, str],
    base: Mapping[str, Any],
    in_file: Mapping[str, Any],
    in_live: Mapping[str, Any],
) -> Step:
    name = file.candidate.name
    by_file = {one.path: one for one in changes(base, in_file)}
    by_live = {one.path: one for one in changes(base, in_live)}
    clash = [
        Change(path, by_live[path].after, one.after)
        for path, one in by_file.items()
        if path in by_live and by_live[path].after != one.after
    ]
    apply = [one for path, one in by_file.items() if path not in by_live]
    keep = [one for path, one in by_live.items() if path not in by_file]
    if clash:
        return Step(name, CONFLICT, file, number, apply=apply, keep=keep, clash=clash)
    if not keep:
        return Step(name, CHANGE, file, number, file.candidate, apply=apply, text_only=not apply)
    if not apply:
        return Step(name, KEEP, file, number, keep=keep)
    real = [one for one in apply if not str(one.path[-1]).endswith("#sha256")]
    text = edit(
        live_text,
        {one.path: one.after for one in real if one.after is not MISSING},
        [one.path for one in real if one.after is MISSING],
    )
    files = {**live_files, **file.candidate.files}
    candidate = Candidate(parse(text, file.candidate.source.path), files)
    return Step(name, CHANGE, file, number, candidate, apply=apply, keep=keep)


def _older_revision(document_id: int, live: int, text: str, files: Mapping[str, str]) -> int | None:
    rows = db.session.execute(
        select(Revision.number, Revision.files)
        .where(Revision.document_id == document_id, Revision.number < live, Revision.text == text)
        .order_by(Revision.number.desc())
    )
    return next((number for number, used in rows if set(used.items()) <= set(files.items())), None)


def _conflict_problems(step: Step) -> list[Problem]:
    path = str(step.file.path)
    if step.stale is not None:
        return [
            Problem(
                path,
                1,
                1,
                "",
                _(
                    "This is revision %(old)s; live is %(live)s.",
                    old=step.stale,
                    live=step.based_on,
                ),
                _("Run smartcity export to take over what is live, or rollback on purpose."),
            )
        ]
    source = step.file.candidate.source
    return [
        source.problem(
            one.path,
            _(
                "%(pointer)s changed in the file and on the console: live is %(live)s.",
                pointer=pointer(one.path),
                live=_said(one.before),
            ),
            _("Write the live value into the file, or run smartcity export."),
        )
        for one in step.clash
    ]


def _said(value: Any) -> str:
    return "—" if value is MISSING else str(value)
