"""Edits of documents, read and written together: a thousand of them take as many statements as one."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import undefer

from smartcity_saas.audit import Actor, record
from smartcity_saas.configuration.changes import LOGO
from smartcity_saas.configuration.host_ownership import move_hosts
from smartcity_saas.configuration.hosts import canonical_host
from smartcity_saas.configuration.merge import get
from smartcity_saas.configuration.models import Document, Revision
from smartcity_saas.configuration.revisions import RevisionView
from smartcity_saas.configuration.schema import CITY, PLATFORM, PROVINCE
from smartcity_saas.configuration.states import CityState
from smartcity_saas.configuration.validation import Candidate
from smartcity_saas.database import db, upsert_into

_ORDER = {PLATFORM: 0, PROVINCE: 1, CITY: 2}
LONGEST_MESSAGE = 500


@dataclass(frozen=True)
class Edit:
    """A candidate beside what is stored under its name: ``row`` is the document, None for a new one,
    ``before`` its live revision with the text, if it has one."""

    candidate: Candidate
    row: Document | None
    before: Revision | None

    @property
    def files(self) -> dict[str, str]:
        """The files of the candidate that it names."""
        return _used_files(self.candidate.source.values, self.candidate.files)

    @property
    def changes_anything(self) -> bool:
        """Whether storing it makes a revision."""
        before, text = self.before, self.candidate.source.text
        return before is None or before.text != text or before.files != self.files


@dataclass(frozen=True)
class Authorship:
    """What every revision of one save says of itself. ``messages`` are those of single documents by
    name, in place of ``message``."""

    actor: Actor
    origin: str
    now: datetime
    message: str = ""
    messages: Mapping[str, str] = field(default_factory=dict)

    def message_of(self, name: str) -> str:
        """Why a document was changed, as it is stored."""
        return storable(self.messages.get(name, self.message))[:LONGEST_MESSAGE]


def edits_of(candidates: Sequence[Candidate]) -> list[Edit]:
    """Some candidates beside what is stored now, whatever the session has seen of it."""
    stored = _stored(candidate.name for candidate in candidates)
    return [Edit(one, *stored.get(one.name, (None, None))) for one in candidates]


def reserve(candidates: Sequence[Candidate]) -> None:
    """Make the documents that are new; they stay invisible until they have a revision. One that
    another transaction makes at the same time is made once."""
    rows = [
        {
            "name": one.name,
            "kind": one.kind,
            "province": one.province,
            "live_number": 0,
            "went_live": False,
            "changed_at_version": 0,
            "content_version": 0,
        }
        for one in candidates
    ]
    if rows:
        insert = upsert_into(Document).on_conflict_do_nothing(index_elements=["name"])
        db.session.execute(insert, rows)


def store(edits: Sequence[Edit], version: int, by: Authorship) -> dict[str, RevisionView | None]:
    """Make a revision of each edit that changes anything, in the present transaction.

    Args:
        edits: Checked and admitted, by whoever holds the installation's row.
        version: The installation's, from which they are live.
        by: Who, when and why.

    Returns:
        The new revisions by their documents' names; None where nothing changed.
    """
    rows = _rows_of(edits)
    _release_codes(edits)
    hosts = {rows[one.candidate.name].id: _hosts_of(one.candidate) for one in edits}
    move_hosts(hosts, by.now)
    found: dict[str, RevisionView | None] = {}
    for edit in sorted(edits, key=lambda one: _ORDER[one.candidate.kind]):
        row = rows[edit.candidate.name]
        found[row.name] = _revise(edit, row, version, by) if edit.changes_anything else None
    db.session.flush()
    return found


def storable(text: str) -> str:
    """What somebody typed, without what no database holds: control characters, half characters."""
    kept = "".join(one for one in text if unicodedata.category(one) not in ("Cc", "Cs"))
    return unicodedata.normalize("NFC", kept)


def _stored(names: Iterable[str]) -> dict[str, tuple[Document, Revision | None]]:
    query = (
        select(Document, Revision)
        .outerjoin(
            Revision,
            (Revision.document_id == Document.id) & (Revision.number == Document.live_number),
        )
        .where(Document.name.in_(list(names)))
        .options(undefer(Revision.text))
        .execution_options(populate_existing=True)
    )
    return {row.name: (row, revision) for row, revision in db.session.execute(query)}


def _rows_of(edits: Sequence[Edit]) -> dict[str, Document]:
    """The documents of some edits; those that are new are made, baselines before cities."""
    rows = {one.row.name: one.row for one in edits if one.row is not None}
    new = [one.candidate for one in edits if one.row is None]
    reserve(sorted(new, key=lambda one: _ORDER[one.kind]))
    if new:
        rows |= {name: row for name, (row, _none) in _stored(one.name for one in new).items()}
    return rows


def _release_codes(edits: Sequence[Edit]) -> None:
    """Give up the codes that documents shall no longer have, before any of a batch takes one: so
    they can move, and change places, between documents saved together."""
    for row, values in ((one.row, one.candidate.source.values) for one in edits):
        if row is not None and row.division_code != values.get("division_code"):
            row.division_code = None
    db.session.flush()


def _revise(edit: Edit, row: Document, version: int, by: Authorship) -> RevisionView:
    values, before = edit.candidate.source.values, edit.before
    revision = Revision(
        document_id=row.id,
        number=row.live_number + 1,
        parent=row.live_number or None,
        text=edit.candidate.source.text,
        values=values,
        files=edit.files,
        since=_since(values, before, by.now),
        author=by.actor.name,
        author_label=by.actor.label,
        message=by.message_of(row.name),
        origin=by.origin,
        created_at=by.now,
    )
    db.session.add(revision)
    row.live_number = revision.number
    row.changed_at_version = version
    row.division_code = values.get("division_code")
    row.went_live = row.went_live or values.get("state") == CityState.LIVE
    detail = {"revision": revision.number, "sha256": revision.digest}
    record(by.actor, f"document.{by.origin}", row.name, detail, by.now)
    return RevisionView.of(row.name, revision, before)


def _hosts_of(candidate: Candidate) -> set[str]:
    return {canonical_host(host) for host in candidate.source.values.get("hosts", ())}


def _used_files(values: Mapping[str, Any], files: Mapping[str, str]) -> dict[str, str]:
    logo = get(values, LOGO)
    return {logo: files[logo]} if logo in files else {}


def _since(values: Mapping[str, Any], before: Revision | None, now: datetime) -> dict[str, str]:
    """When each state in a document became what it is: kept while it does not change."""
    old_values, old_since = (before.values, before.since) if before else ({}, {})
    states = {"state": values.get("state")}
    for name, entry in (values.get("services") or {}).items():
        states[f"services.{name}"] = entry.get("state")
    since = {}
    for key, state in states.items():
        if state is None:
            continue
        was = get(old_values, (*key.split("."), *(() if key == "state" else ("state",))))
        since[key] = old_since[key] if state == was and key in old_since else now.isoformat()
    return since
