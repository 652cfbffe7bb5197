"""Revisions of documents as people read them, and what is in the way of another one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from smartcity_saas.configuration.changes import Change, changes, with_files
from smartcity_saas.configuration.models import Revision
from smartcity_saas.errors import Conflict
from smartcity_saas.texts import lazy_gettext as _


@dataclass(frozen=True)
class RevisionView:
    """One revision, as people read it. ``before`` are its parent's values, None for the first."""

    document: str
    number: int
    parent: int | None
    text: str
    values: Mapping[str, Any]
    files: Mapping[str, str]
    author: str
    author_label: str
    message: str
    origin: str
    created_at: datetime
    before: Mapping[str, Any] | None = None
    before_files: Mapping[str, str] = field(default_factory=dict)

    @property
    def changes(self) -> list[Change]:
        """Every leaf that this revision changed."""
        before = with_files(self.before or {}, self.before_files)
        return changes(before, with_files(self.values, self.files))

    @classmethod
    def of(cls, name: str, row: Revision, parent: Revision | None) -> RevisionView:
        """A stored revision of the document of that name, read beside its parent."""
        return cls(
            document=name,
            number=row.number,
            parent=row.parent,
            text=row.text,
            values=row.values,
            files=row.files,
            author=row.author,
            author_label=row.author_label,
            message=row.message,
            origin=row.origin,
            created_at=row.created_at,
            before=parent.values if parent else None,
            before_files=parent.files if parent else {},
        )


class StaleEdit(Conflict):
    """The document has a newer revision than the edit was made from."""

    def __init__(self, live: RevisionView, since: list[Change]) -> None:
        super().__init__(
            _(
                "%(who)s has saved revision %(number)s since you opened this. Your changes were not saved. Check what is different and send them again.",
                who=live.author_label,
                number=live.number,
            ),
            title=_("Someone else has changed this"),
        )
        self.live = live
        self.since = since


class UndoConflict(Conflict):
    """A leaf that an undo would restore has changed since."""

    def __init__(self, clashes: list[Change]) -> None:
        super().__init__(
            _("Part of this has changed since. Edit it by hand instead."),
            title=_("You cannot undo this change on its own"),
        )
        self.clashes = clashes
