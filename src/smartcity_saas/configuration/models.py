"""The tables of documents. All are the platform's; only ``Documents`` reads and writes them."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from smartcity_saas.configuration.states import Finding, HostState
from smartcity_saas.database import PlatformModel
from smartcity_saas.database.models import BigKey, StoredEnum


class Installation(PlatformModel):
    """The one row whose ``version`` moves with every change that a process must notice.

    It moves in the change's own transaction, whose lock on the row puts commits in order.

    ``master_mark`` is the mark of the master key that seals, None before the first start;
    ``older_marks`` are those of keys whose change is not finished. ``worker_seen_at`` is
    read and written by the release before this one alone (migration 0027). ``challenge_key`` is
    what the records that prove hosts are made with: random, in hexadecimal, made when the first is
    needed, never changed.
    """

    __tablename__ = "installation"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(BigKey)
    demo: Mapped[bool]
    master_mark: Mapped[str | None]
    older_marks: Mapped[list[Any]] = mapped_column(server_default="[]")
    worker_seen_at: Mapped[datetime | None]
    challenge_key: Mapped[str | None]


class ServingProcess(PlatformModel):
    """A process that serves, and the ``Installation.version`` before which it serves nothing any
    more. Whoever stores a change waits for these; one that is silent for minutes is taken out."""

    __tablename__ = "serving_process"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(BigKey)
    seen_at: Mapped[datetime]


class Document(PlatformModel):
    """A document. For a city, ``id`` is the city's surrogate key, never reused."""

    __tablename__ = "document"
    __table_args__ = (
        UniqueConstraint("kind", "division_code"),
        Index("ix_document_changed_at_version", "changed_at_version"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    province: Mapped[str | None]
    division_code: Mapped[str | None]
    live_number: Mapped[int] = mapped_column(default=0)
    went_live: Mapped[bool] = mapped_column(default=False)
    changed_at_version: Mapped[int] = mapped_column(BigKey)
    content_version: Mapped[int] = mapped_column(default=0)
    applied_text: Mapped[str | None] = mapped_column(Text, deferred=True)
    applied_files: Mapped[dict[str, Any] | None] = mapped_column(deferred=True)


class Revision(PlatformModel):
    """One immutable version of a document: its text, and its validated values as JSON."""

    __tablename__ = "revision"

    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    parent: Mapped[int | None]
    text: Mapped[str] = mapped_column(Text, deferred=True)
    values: Mapped[dict[str, Any]]
    files: Mapped[dict[str, Any]]
    since: Mapped[dict[str, Any]]
    author: Mapped[str]
    author_label: Mapped[str]
    message: Mapped[str]
    origin: Mapped[str]
    created_at: Mapped[datetime]

    @property
    def digest(self) -> str:
        """What the audit log holds of it."""
        return digest_of(self.text, self.files, self.message)


def digest_of(text: str, files: Mapping[str, Any], message: str) -> str:
    """SHA-256 over a revision's text, its files and what was written to it, as canonical JSON."""
    said = json.dumps(
        [text, files, message], sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return hashlib.sha256(said.encode()).hexdigest()


class HostClaim(PlatformModel):
    """A host and the city that it leads to: one that needs no proof, or whose proof holds. Its key
    makes a host unique under any race."""

    __tablename__ = "host_claim"

    host: Mapped[str] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"), index=True)


class HostOwnership(PlatformModel):
    """A host that a city's document names and whose ownership DNS has to prove. Several cities may
    name the same one; it leads to whoever has its ``HostClaim``.

    ``record_name`` is where the record was found (elsewhere, if a CNAME leads there), ``seen`` what
    stood there instead, ``finding`` what the last look found. The host is looked up again when
    ``check_at`` has come.
    """

    __tablename__ = "host_ownership"

    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"), primary_key=True)
    host: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[HostState] = mapped_column(StoredEnum(HostState))
    claimed_at: Mapped[datetime]
    proved_at: Mapped[datetime | None]
    record_name: Mapped[str | None]
    missing_since: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]
    finding: Mapped[Finding | None] = mapped_column(StoredEnum(Finding))
    seen: Mapped[str | None]
    check_at: Mapped[datetime] = mapped_column(index=True)
