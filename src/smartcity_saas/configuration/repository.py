"""What is stored of documents: the questions that ``Documents`` and the city registry ask."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import Text, bindparam, cast, func, select, update
from sqlalchemy.orm import undefer

from smartcity_saas.configuration.city import LiveDocument
from smartcity_saas.configuration.hosts import canonical_host
from smartcity_saas.configuration.models import Document, HostClaim, Installation, Revision
from smartcity_saas.configuration.schema import CITY, PLATFORM, PROVINCE
from smartcity_saas.configuration.stored_document import StoredDocument
from smartcity_saas.configuration.validation import Candidate, Known
from smartcity_saas.database import db, run, table_of, tell_of_change, transaction

WITHDRAWN = "~"
"""Between the name that a document had and its key, once it is withdrawn: no slug has it."""
LARGEST_NUMBER = 2**31
"""Beyond what a revision's number can be."""
_document, _revision = table_of(Document), table_of(Revision)
_LIVE = (
    select(
        *(_document.c[name] for name in ("id", "name", "kind", "province")),
        *(_revision.c[name] for name in ("number", "values", "files", "since")),
        *(_document.c[name] for name in ("content_version", "went_live", "division_code")),
    )
    .join_from(
        _document,
        _revision,
        (_revision.c.document_id == _document.c.id)
        & (_revision.c.number == _document.c.live_number),
    )
    .order_by(_document.c.name)
)
"""Live documents, with the columns of a ``LiveDocument``."""
_LIVE_BY_NAME = _LIVE.where(_document.c.name.in_(bindparam("names", expanding=True)))
_LATEST = (
    select(*(column for column in _revision.c if column.name != "document_id"))
    .where(_revision.c.document_id == bindparam("document"))
    .order_by(_revision.c.number.desc())
    .limit(bindparam("most"))
)
_LIVE_REVISIONS = (
    select(_revision)
    .join_from(_revision, _document, _document.c.id == _revision.c.document_id)
    .where(
        _revision.c.number == _document.c.live_number,
        _document.c.id.in_(bindparam("documents", expanding=True)),
    )
)


def bump_version() -> int:
    """Move the version that every process watches; holds the row until the commit."""
    found = db.session.execute(
        update(Installation)
        .where(Installation.id == 1)
        .values(version=Installation.version + 1)
        .returning(Installation.version)
    ).scalar_one()
    tell_of_change()
    return int(found)


def touch_content(city_id: int) -> None:
    """Say that something of a city changed that its pages for everyone show, so that they are made
    anew. Outside any city."""
    with transaction() as session:
        version = bump_version()
        session.execute(
            update(Document)
            .where(Document.id == city_id)
            .values(content_version=Document.content_version + 1, changed_at_version=version)
        )


def live_documents(names: Iterable[str] | None = None) -> list[LiveDocument]:
    """Live documents with their values: those named, or all."""
    found = run(_LIVE) if names is None else run(_LIVE_BY_NAME, {"names": list(names)})
    return [LiveDocument(*row) for row in found]


def latest_revisions(document_id: int, most: int) -> list[Any]:
    """The newest revisions of a document with their texts, the newest first."""
    return list(run(_LATEST, {"document": document_id, "most": most}))


def live_revisions(document_ids: Iterable[int]) -> list[Any]:
    """The live revision of each of some documents, with its text."""
    return list(run(_LIVE_REVISIONS, {"documents": list(document_ids)}))


def stored_documents(newer_than: int) -> list[StoredDocument]:
    """Live documents that changed since a version, their JSON as it is stored: one statement."""
    query = (
        select(
            Document.id,
            Document.name,
            Document.kind,
            Document.province,
            Document.division_code,
            Document.went_live,
            Document.content_version,
            Revision.number,
            cast(Revision.values, Text),
            cast(Revision.files, Text),
            cast(Revision.since, Text),
        )
        .join(
            Revision,
            (Revision.document_id == Document.id) & (Revision.number == Document.live_number),
        )
        .where(Document.changed_at_version > newer_than)
        .order_by(Document.name)
    )
    return [StoredDocument(*row) for row in db.session.execute(query)]


def claims_changed_since(version: int) -> dict[str, str]:
    """The slug that each host leads to, of the cities that changed since a version."""
    query = (
        select(HostClaim.host, Document.name)
        .join(Document, Document.id == HostClaim.document_id)
        .where(Document.changed_at_version > version)
    )
    return {row.host: row.name for row in db.session.execute(query)}


def withdrawn_since(version: int) -> frozenset[int]:
    """The keys of documents that were withdrawn since a version."""
    query = select(Document.id).where(
        Document.changed_at_version > version, Document.name.contains(WITHDRAWN)
    )
    return frozenset(db.session.scalars(query))


def older_revisions(document_id: int, before: int) -> list[Revision]:
    """Earlier revisions of a document, the newest first."""
    return list(
        db.session.scalars(
            select(Revision)
            .where(Revision.document_id == document_id, Revision.number < before)
            .order_by(Revision.number.desc())
            .limit(50)
        )
    )


def claimed_hosts(document_id: int) -> tuple[str, ...]:
    """The hosts that lead to a city now, whatever an older text of it says."""
    query = select(HostClaim.host).where(HostClaim.document_id == document_id)
    return tuple(db.session.scalars(query.order_by(HostClaim.host)))


def count_documents() -> int:
    """How many documents are live."""
    query = select(func.count()).select_from(Document).where(Document.live_number > 0)
    return int(db.session.scalar(query) or 0)


def stored_revision(document_id: int, number: int) -> Revision | None:
    """One revision with its text, if there is one; no number that is typed is too large to ask."""
    if not 0 < number < LARGEST_NUMBER:
        return None
    return db.session.get(Revision, (document_id, number), options=[undefer(Revision.text)])


def known_to(
    candidates: Sequence[Candidate], name_of: Callable[[Any], str]
) -> tuple[Known, dict[str, int]]:
    """What is live and matters to some candidates: a baseline needs every city beneath it; and the
    keys of the documents, by name, those that were only reserved too.

    ``name_of`` gives a document's name for messages, given a row with kind, name and province.
    """
    if any(candidate.kind == PLATFORM for candidate in candidates):
        documents = live_documents()
    else:
        names = {PLATFORM, *(candidate.name for candidate in candidates)}
        names |= {f"province:{candidate.province}" for candidate in candidates}
        baselines = {c.province for c in candidates if c.kind == PROVINCE}
        names |= set(
            db.session.scalars(
                select(Document.name).where(
                    Document.kind == CITY, Document.province.in_(sorted(map(str, baselines)))
                )
            )
        )
        documents = live_documents(sorted(names))
    known = Known(
        values={document.name: document.values for document in documents},
        went_live=frozenset(document.name for document in documents if document.went_live),
        hosts=_claims(candidates, name_of),
        codes=_codes(candidates, name_of),
    )
    live = {document.name: document.id for document in documents}
    return known, live | _reserved(candidates)


def _reserved(candidates: Sequence[Candidate]) -> dict[str, int]:
    query = select(Document.name, Document.id).where(
        Document.name.in_([one.name for one in candidates]), Document.live_number == 0
    )
    return {row.name: row.id for row in db.session.execute(query)}


def _claims(candidates: Sequence[Candidate], name_of: Callable[[Any], str]) -> dict[str, str]:
    hosts: list[str] = []
    for candidate in candidates:
        found = candidate.source.values.get("hosts")
        for host in found if isinstance(found, list) else []:
            try:
                hosts.append(canonical_host(str(host)))
            except (ValueError, UnicodeError):
                continue
    if not hosts:
        return {}
    query = (
        select(HostClaim.host, Document.name, Document.kind, Document.province)
        .join(Document, Document.id == HostClaim.document_id)
        .where(HostClaim.host.in_(hosts))
    )
    return {row.host: name_of(row) for row in db.session.execute(query)}


def _codes(
    candidates: Sequence[Candidate], name_of: Callable[[Any], str]
) -> dict[tuple[str, str], str]:
    codes = [str(candidate.source.values.get("division_code")) for candidate in candidates]
    query = select(Document.kind, Document.division_code, Document.name, Document.province).where(
        Document.division_code.in_(codes)
    )
    return {(row.kind, str(row.division_code)): name_of(row) for row in db.session.execute(query)}
