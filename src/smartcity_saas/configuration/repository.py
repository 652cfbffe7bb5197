"""What is stored of documents: the questions that ``Documents`` and the city registry ask."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import undefer

from smartcity_saas.configuration.city import LiveDocument
from smartcity_saas.configuration.hosts import canonical_host
from smartcity_saas.configuration.models import Document, HostClaim, Installation, Revision
from smartcity_saas.configuration.schema import CITY, PLATFORM, PROVINCE
from smartcity_saas.configuration.validation import Candidate, Known
from smartcity_saas.database import db
from smartcity_saas.errors import NotFound
from smartcity_saas.texts import lazy_gettext as _

WITHDRAWN = "~"
"""Between the name that a document had and its key, once it is withdrawn: no slug has it."""
LARGEST_NUMBER = 2**31
"""Beyond what a revision's number can be."""


def bump_version() -> int:
    """Move the version that every process watches; holds the row until the commit."""
    found = db.session.execute(
        update(Installation)
        .where(Installation.id == 1)
        .values(version=Installation.version + 1)
        .returning(Installation.version)
    ).scalar_one()
    return int(found)


def live_documents(names: Iterable[str] | None = None, newer_than: int = -1) -> list[LiveDocument]:
    """Live documents with their values: those named, or all that changed since a version."""
    query = (
        select(Document, Revision)
        .join(
            Revision,
            (Revision.document_id == Document.id) & (Revision.number == Document.live_number),
        )
        .where(Document.changed_at_version > newer_than)
        .order_by(Document.name)
    )
    if names is not None:
        query = query.where(Document.name.in_(list(names)))
    return [loaded(row, revision) for row, revision in db.session.execute(query)]


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


def loaded(row: Document, revision: Revision | None) -> LiveDocument:
    """A document as it is live.

    Raises:
        NotFound: It has no revision.
    """
    if revision is None:
        raise NotFound(_("There is no configuration “%(name)s”.", name=row.name))
    return LiveDocument(
        id=row.id,
        name=row.name,
        kind=row.kind,
        province=row.province,
        number=revision.number,
        values=revision.values,
        files=revision.files,
        since=revision.since,
        content_version=row.content_version,
        went_live=row.went_live,
        division_code=row.division_code,
    )


def known_to(candidates: Sequence[Candidate], name_of: Callable[[Any], str]) -> Known:
    """What is live and matters to some candidates: a baseline needs every city beneath it.

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
    return Known(
        values={document.name: document.values for document in documents},
        went_live=frozenset(document.name for document in documents if document.went_live),
        hosts=_claims(candidates, name_of),
        codes=_codes(candidates, name_of),
    )


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
