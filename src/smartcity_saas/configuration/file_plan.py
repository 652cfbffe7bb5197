"""Comparing files with live documents three ways, leaf by leaf: last applied, file, live.

What only the file changed is applied; what only the console changed is kept and offered for
``export``; what both changed is a conflict, shown, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import undefer

from smartcity_saas.configuration.changes import (
    FILE_MARK,
    MISSING,
    Change,
    changes,
    with_files,
)
from smartcity_saas.configuration.document_files import DocumentFile
from smartcity_saas.configuration.documents import Documents
from smartcity_saas.configuration.effects import Effect
from smartcity_saas.configuration.models import Document, Revision
from smartcity_saas.configuration.problems import Problem, pointer
from smartcity_saas.configuration.text_merge import merged
from smartcity_saas.configuration.validation import Candidate
from smartcity_saas.configuration.yaml_edit import edit
from smartcity_saas.configuration.yaml_source import parse
from smartcity_saas.database import db
from smartcity_saas.errors import Invalid
from smartcity_saas.texts import lazy_gettext as _

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
    """Steps for files, and live documents that have no file (reported, never deleted). ``effects``
    say what they would do to residents."""

    steps: list[Step]
    problems: list[Problem]
    without_file: list[str]
    effects: list[Effect] = field(default_factory=list)

    @property
    def pending(self) -> bool:
        """Whether applying would change anything."""
        return any(step.pending for step in self.steps)


def plan(documents: Documents, files: Sequence[DocumentFile]) -> Plan:
    """Compare files with what is live, and check what would result."""
    steps = [compare(documents, file) for file in files]
    candidates = [step.candidate for step in steps if step.candidate is not None]
    problems = [
        *documents.problems(candidates),
        *(found for step in steps for found in _conflict_problems(step)),
    ]
    named = {file.candidate.name for file in files}
    without = [found.name for found in documents.all() if found.name not in named]
    pending = [step.candidate for step in steps if step.pending and step.candidate is not None]
    return Plan(steps, problems, without, [] if problems else documents.effects(pending))


def compare(documents: Documents, file: DocumentFile) -> Step:
    """What applying one file would do, without checking what would result."""
    name = file.candidate.name
    row = db.session.scalars(
        select(Document)
        .where(Document.name == name, Document.live_number > 0)
        .options(undefer(Document.applied_text), undefer(Document.applied_files))
    ).one_or_none()
    if row is None:
        found = changes({}, file.candidate.source.values)
        return Step(name, NEW, file, 0, file.candidate, apply=found)
    return _Comparison(documents, file, row).step()


class _Comparison:
    """One file beside the live document and the text that was last applied or exported."""

    def __init__(self, documents: Documents, file: DocumentFile, row: Document) -> None:
        self.name = file.candidate.name
        self.document_id = row.id
        self.live = documents.revision(self.name, row.live_number)
        self.base_text = row.applied_text
        self.base_files = row.applied_files or {}
        self.file = file.with_files(self._known_pictures(documents, file))
        self.text = self.file.candidate.source.text
        self.in_file = with_files(self.file.candidate.source.values, self.file.candidate.files)
        self.in_live = with_files(self.live.values, self.live.files)
        self.base: Mapping[str, Any] = {}
        if self.base_text is not None:
            self.base = with_files(parse(self.base_text, self.name).values, self.base_files)

    def step(self) -> Step:
        if self.text == self.live.text and self.in_file == self.in_live:
            return self._of(SAME, candidate=self.file.candidate)
        if self.text == self.base_text and self.in_file == self.base:
            return self._of(KEEP, keep=changes(self.base, self.in_live))
        stale = None if self._nothing_came_since() else self._older_revision()
        if stale is not None:
            return self._of(CONFLICT, stale=stale)
        return self._three_way()

    def _of(self, act: str, **parts: Any) -> Step:
        return Step(self.name, act, self.file, self.live.number, **parts)

    def _nothing_came_since(self) -> bool:
        """Whether live is what was last applied: then any other text is a newer word, an older
        one too (a file that was put back on purpose, as ``git revert`` does)."""
        return self.base_text == self.live.text and self.base == self.in_live

    def _older_revision(self) -> int | None:
        rows = db.session.execute(
            select(Revision.number, Revision.files)
            .where(
                Revision.document_id == self.document_id,
                Revision.number < self.live.number,
                Revision.text == self.text,
            )
            .order_by(Revision.number.desc())
        )
        files = self.file.candidate.files.items()
        return next((number for number, used in rows if set(used.items()) <= set(files)), None)

    def _known_pictures(self, documents: Documents, file: DocumentFile) -> dict[str, str]:
        """The addresses of the file's pictures: of one that the city keeps, or once kept, its
        own, whatever ``export`` or an editor made of its bytes."""
        if not file.pictures:
            return {}
        addresses = addresses_of(self.document_id, self.live.files, self.base_files)
        return {
            name: address_of(documents, self.document_id, data, addresses)
            or file.candidate.files[name]
            for name, data in file.pictures.items()
        }

    def _three_way(self) -> Step:
        by_file = {one.path: one for one in changes(self.base, self.in_file)}
        by_live = {one.path: one for one in changes(self.base, self.in_live)}
        clash = [
            Change(path, by_live[path].after, one.after)
            for path, one in by_file.items()
            if path in by_live and by_live[path].after != one.after
        ]
        apply = [one for path, one in by_file.items() if path not in by_live]
        keep = [one for path, one in by_live.items() if path not in by_file]
        if clash:
            return self._of(CONFLICT, apply=apply, keep=keep, clash=clash)
        candidate = self._merged(apply, keep)
        return self._of(CHANGE, candidate=candidate, apply=apply, keep=keep, text_only=not apply)

    def _merged(self, apply: list[Change], keep: list[Change]) -> Candidate:
        """The document with both sides' leaves, comments and layout."""
        text = self._merged_text(apply, keep)
        files = {**self.file.candidate.files, **self.live.files}
        if any(_is_file(one) for one in apply):
            files |= self.file.candidate.files
        return Candidate(parse(text, self.file.candidate.source.path), files)

    def _merged_text(self, apply: list[Change], keep: list[Change]) -> str:
        """Merged line by line, where that says what the leaves say; else the file's own text with
        the leaves that the console changed, or the live text with those of the file."""
        if self.base_text is not None:
            text = merged(self.base_text, self.text, self.live.text)
            if text is not None and self._says(text, keep):
                return text
        try:
            return _with(self.text, keep)
        except Invalid:
            return _with(self.live.text, apply)

    def _says(self, text: str, keep: list[Change]) -> bool:
        """Whether a text is the file's but for the leaves that the console changed."""
        try:
            values = parse(text, "").values
        except Invalid:
            return False
        wanted = {one.path: one.after for one in keep if not _is_file(one)}
        found = changes(self.file.candidate.source.values, values)
        return {one.path: one.after for one in found} == wanted


def addresses_of(document_id: int, *first: Mapping[str, str]) -> list[str]:
    """Every address of a picture that a document has had, those given first."""
    stored = db.session.scalars(
        select(Revision.files)
        .where(Revision.document_id == document_id)
        .order_by(Revision.number.desc())
    )
    return list(dict.fromkeys(found for files in (*first, *stored) for found in files.values()))


def address_of(
    documents: Documents, document_id: int, data: bytes, addresses: Sequence[str]
) -> str | None:
    """The one of some addresses at which the city keeps a picture; None for one that is new."""
    same = documents.extensions.same_picture
    return next((found for found in addresses if same(document_id, found, data)), None)


def _with(text: str, leaves_changed: list[Change]) -> str:
    real = [one for one in leaves_changed if not _is_file(one)]
    return edit(
        text,
        {one.path: one.after for one in real if one.after is not MISSING},
        [one.path for one in real if one.after is MISSING],
    )


def _is_file(change: Change) -> bool:
    return str(change.path[-1]).endswith(FILE_MARK)


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
                    "This is revision %(old)s. The live one is revision %(live)s.",
                    old=step.stale,
                    live=step.based_on,
                ),
                _(
                    "Run smartcity export to get the live version. To go back on purpose, use rollback."
                ),
            )
        ]
    source = step.file.candidate.source
    return [
        source.problem(
            one.path,
            _(
                "%(pointer)s was changed both in the file and on the console. The live value is %(live)s.",
                pointer=pointer(one.path),
                live=_said(one.before),
            ),
            _(
                "Put the live value in the file, or overwrite the file: smartcity export --force %(name)s.",
                name=step.name,
            ),
        )
        for one in step.clash
    ]


def _said(value: Any) -> str:
    return "—" if value is MISSING else str(value)
