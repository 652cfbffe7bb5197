"""The one way in: reading and changing documents as someone, whoever edits and from where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select, update

from smartcity_saas.audit import (
    Actor,
    AuditEvent,
    AuditQuery,
    ChainReport,
    Checkpoint,
    newest_link,
    place_audit_events,
    record,
    verify_place_chain,
)
from smartcity_saas.configuration.changes import (
    LOGO,
    LOGO_FILE,
    MISSING,
    changes,
    with_files,
)
from smartcity_saas.configuration.city import LiveDocument
from smartcity_saas.configuration.edits import (
    LONGEST_MESSAGE,
    Authorship,
    Edit,
    edits_of,
    reserve,
    storable,
    store,
)
from smartcity_saas.configuration.effects import Effect, EffectsUntold, effects_of, mark_of
from smartcity_saas.configuration.extensions import BoundTo, Extensions
from smartcity_saas.configuration.host_ownership import move_hosts
from smartcity_saas.configuration.merge import get, merge, only_own
from smartcity_saas.configuration.models import (
    Document,
    Revision,
    digest_of,
)
from smartcity_saas.configuration.problems import Path, Problem, dotted
from smartcity_saas.configuration.repository import (
    WITHDRAWN,
    bump_version,
    known_to,
    latest_revisions,
    live_documents,
    live_revisions,
    stored_revision,
    touch_content,
)
from smartcity_saas.configuration.revisions import RevisionView, StaleEdit, UndoConflict
from smartcity_saas.configuration.schema import (
    CITY,
    PLATFORM,
    PROVINCE,
    document_schema,
    effective_schema,
)
from smartcity_saas.configuration.secret_uses import SecretUse, secret_uses
from smartcity_saas.configuration.secrets import looks_secret
from smartcity_saas.configuration.validation import (
    Candidate,
    Check,
    past_returns,
    refuse,
    secret_problems,
)
from smartcity_saas.configuration.yaml_edit import edit
from smartcity_saas.configuration.yaml_source import parse
from smartcity_saas.database import db, transaction
from smartcity_saas.errors import Conflict, Invalid, NotAllowed, NotFound
from smartcity_saas.texts import lazy_gettext as _

_NEEDS = {"state": "city.state", "division_code": "city.state", "hosts": "city.hosts"}
"""Keys of a city's document and the permission that changing them needs."""
_SECRETS = {
    CITY: "city.secrets",
    PROVINCE: "province.change",
    PLATFORM: "platform.change",
}
"""The permission that entering a document's secrets needs."""


class Documents:
    """Documents as one actor sees them; what lies beyond the actor's reach does not exist."""

    def __init__(
        self,
        actor: Actor,
        extensions: Extensions,
        platform_host: str,
        now: datetime,
        told: str | None = None,
    ) -> None:
        """``told`` marks the texts of which whoever saves has read what they do to residents
        (``effects.mark_of``); None for who is told by a plan, and never asked."""
        self.told = told
        self.actor = actor
        self.extensions = extensions
        self.platform_host = platform_host
        self.now = now

    # Reading

    def live(self, name: str) -> LiveDocument:
        """A document's live revision.

        Raises:
            NotFound: There is none, or it is beyond the actor's reach.
        """
        for found in live_documents([name]):
            if self._may_see(found):
                return found
        raise NotFound(_("There is no configuration “%(name)s”.", name=name))

    def all(self) -> list[LiveDocument]:
        """Every live document within reach, by name."""
        return [found for found in live_documents() if self._may_see(found)]

    def named(self, names: Iterable[str]) -> list[LiveDocument]:
        """Those of some documents that are live and within reach."""
        return [found for found in live_documents(names) if self._may_see(found)]

    def layers(self, name: str) -> list[LiveDocument]:
        """A document with those above it, the most general first; the limit of reach applies
        to the document itself alone, because a baseline is part of every city."""
        own = self.live(name)
        above = [PLATFORM] if own.kind != PLATFORM else []
        if own.kind == CITY:
            above.append(f"province:{own.province}")
        found = {document.name: document for document in live_documents(above)}
        return [*(found[name] for name in above if name in found), own]

    def live_revision(self, name: str) -> RevisionView:
        """The live revision with its text, raising as ``live`` does."""
        return self.revision(name, self.live(name).number)

    def history(self, name: str, limit: int = 50) -> list[RevisionView]:
        """Revisions, the newest first."""
        return self.history_of(self.live(name), limit)

    def history_of(self, found: LiveDocument, limit: int) -> list[RevisionView]:
        """The revisions of a document that this actor has been given, the newest first."""
        rows = latest_revisions(found.id, limit + 1)
        by_number = {row.number: row for row in rows}
        return [
            RevisionView.of(found.name, row, by_number.get(row.parent or 0)) for row in rows[:limit]
        ]

    def last_revisions(self, found: Sequence[LiveDocument]) -> dict[str, RevisionView]:
        """The live revision of each of some documents that this actor has been given."""
        names = {document.id: document.name for document in found}
        return {
            names[row.document_id]: RevisionView.of(names[row.document_id], row, None)
            for row in live_revisions(names)
        }

    def revision(self, name: str, number: int) -> RevisionView:
        """One revision with its parent's values.

        Raises:
            NotFound: There is none.
        """
        document = self.live(name)
        row = stored_revision(document.id, number)
        if row is None:
            raise NotFound(_("“%(name)s” has no revision %(number)s.", name=name, number=number))
        parent = db.session.get(Revision, (document.id, row.parent)) if row.parent else None
        return RevisionView.of(name, row, parent)

    def audit_events(
        self, name: str, limit: int, wanted: AuditQuery | None = None
    ) -> tuple[list[AuditEvent], dict[Any, str]]:
        """Who did what to a document and to the accounts of staff at its place, the newest first;
        and what they wrote to its revisions, by the act's key.

        Raises:
            NotFound: The document is beyond the actor's reach.
        """
        document = self.live(name)
        found = place_audit_events(document.name, limit, wanted)
        numbers = {
            one.detail["revision"]: one.id for one in reversed(found) if "sha256" in one.detail
        }
        rows = db.session.execute(
            select(Revision.number, Revision.message).where(
                Revision.document_id == document.id, Revision.number.in_(numbers)
            )
        )
        return found, {numbers[number]: message for number, message in rows if message}

    def verify_chain(self, name: str, kept: Checkpoint | None = None) -> ChainReport:
        """Whether that audit log is whole, and every revision in it what it was when it was stored.

        Raises:
            NotFound: The document is beyond the actor's reach.
        """
        row = self._find(name)
        if row is not None:
            self.live(name)
        elif not newest_link(name).number:
            raise NotFound(_("There is no configuration “%(name)s”.", name=name))

        def holds(act: AuditEvent) -> bool:
            """Whether the revision that an act made is what it was."""
            if "sha256" not in act.detail:
                return True
            said = db.session.execute(
                select(Revision.text, Revision.files, Revision.message)
                .join(Document, Document.id == Revision.document_id)
                .where(_called(name), Revision.number == act.detail["revision"])
            )
            return act.detail["sha256"] in [digest_of(*one) for one in said]

        return verify_place_chain(name, kept, holds)

    # Changing

    def problems(self, candidates: Sequence[Candidate]) -> list[Problem]:
        """What is wrong with some documents, against what is live."""
        known, keys = known_to(candidates, self._name_of)
        known = replace(
            known,
            bound=lambda name: self._bound(name, keys.get(name)),
            open_money=lambda name, provider: self._open_money(keys.get(name), provider),
        )
        return Check(candidates, known, self.extensions, self.platform_host).run()

    def effects(self, candidates: Sequence[Candidate]) -> list[Effect]:
        """What some documents would do to residents, if stored together."""
        return effects_of(candidates, self.extensions, self.now)

    def admit(self, candidate: Candidate) -> None:
        """Refuse what this actor may not store.

        Raises:
            NotFound: The document is beyond the actor's reach.
            NotAllowed: It changes what is not the actor's to change.
        """
        self._admit(edits_of([candidate])[0])

    def secret_uses(self, name: str) -> list[SecretUse]:
        """What the live documents make of secrets: of a city's, all layers together; of a
        province's own, its document alone. Raises as ``live`` does."""
        layers = self.layers(name)
        if layers[-1].kind != CITY:
            schema = document_schema(layers[-1].kind, self.extensions)
            return secret_uses(schema, only_own(layers[-1].values))
        merged = merge([found.layer for found in layers])
        return secret_uses(effective_schema(self.extensions), merged.values)

    def reserve(self, candidate: Candidate) -> int:
        """The surrogate key of a document, made now if it is new; it stays invisible."""
        with transaction() as session:
            reserve([candidate])
            key = session.scalar(select(Document.id).where(Document.name == candidate.name))
            return int(key or 0)

    def save(
        self,
        candidate: Candidate,
        based_on: int,
        message: str,
        origin: str = "console",
    ) -> RevisionView | None:
        """Make a new revision; None if nothing would change.

        Args:
            candidate: The document as it shall be.
            based_on: The revision that the edit was made from; 0 for a new document.
            message: Why.
            origin: ``console``, ``file``, ``rollout``, ``rollback`` or ``undo``.

        Raises:
            EffectsUntold: Residents would notice, and whoever saves has not read how.
            StaleEdit: There is a newer revision.
            Invalid: The document, or a city beneath it, would be broken.
            NotFound: The document is beyond the actor's reach.
        """
        return self.save_all([candidate], {candidate.name: based_on}, message, origin)[0]

    def save_all(
        self,
        candidates: Sequence[Candidate],
        based_on: Mapping[str, int],
        message: str,
        origin: str,
        messages: Mapping[str, str] | None = None,
    ) -> list[RevisionView | None]:
        """Make new revisions of several documents, all or none; ``messages`` are those of single
        documents by name, in place of ``message``. Raises as ``save`` does."""
        self._refuse_secrets(candidates, message)
        self._tell_effects(candidates)
        with transaction():
            version = bump_version()
            edits = edits_of(candidates)
            for edit in edits:
                self._admit(edit)
                self._refuse_stale(edit.row, based_on.get(edit.candidate.name, 0))
            past = self._past_returns(candidates) if origin == "console" else []
            refuse([*self.problems(candidates), *past])
            by = Authorship(self.actor, origin, self.now, message, messages or {})
            stored = store(edits, version, by)
        return [stored[candidate.name] for candidate in candidates]

    def change(
        self,
        name: str,
        based_on: int,
        message: str,
        values: Mapping[Path, Any],
        removals: Iterable[Path] = (),
        files: Mapping[str, str] | None = None,
        origin: str = "console",
        entered: Iterable[str] = (),
    ) -> RevisionView | None:
        """Change some leaves of a document, and only the lines that must; ``tenant_set`` as a
        candidate's. Raises as ``save``."""
        live = self.live_revision(name)
        if live.number != based_on:
            self._refuse_stale(self._find(name), based_on)
        text = edit(live.text, values, removals)
        candidate = Candidate(
            parse(text, name), {**live.files, **(files or {})}, frozenset(entered)
        )
        return self.save(candidate, based_on, message, origin)

    def rollback(
        self, name: str, number: int, based_on: int, message: str = ""
    ) -> RevisionView | None:
        """A new revision with an old text. Raises as ``save`` does.

        Args:
            name: The document.
            number: The revision whose text it shall have again.
            based_on: The revision that was live to whoever decides this.
            message: Why.
        """
        old, live = self.revision(name, number), self.live(name)
        candidate = Candidate(parse(old.text, name), {**live.files, **old.files})
        return self.save(
            candidate,
            based_on,
            message or str(_("Restored revision %(number)s", number=number)),
            "rollback",
        )

    def undo(
        self, name: str, number: int, based_on: int | None = None, message: str = ""
    ) -> RevisionView | None:
        """Restore only the leaves that one revision changed, files among them.

        Args:
            name: The document.
            number: The revision that is undone.
            based_on: The revision that was live to whoever decides this; by default what is live
                now, since no leaf that has changed meanwhile is touched.
            message: Why.

        Raises:
            UndoConflict: One of them has changed since.
            StaleEdit: ``based_on`` is not live any more.
        """
        undone, live = self.revision(name, number), self.live_revision(name)
        now = with_files(live.values, live.files)
        clashes = [one for one in undone.changes if get(now, one.path, MISSING) != one.after]
        if undone.parent is None or clashes:
            raise UndoConflict(clashes)
        written = [one for one in undone.changes if one.path != LOGO_FILE]
        touched = {one.path for one in undone.changes}
        return self.change(
            name,
            live.number if based_on is None else based_on,
            message or str(_("Undid revision %(number)s", number=number)),
            {one.path: one.before for one in written if one.before is not MISSING},
            [one.path for one in written if one.before is MISSING],
            files=undone.before_files if touched & {LOGO, LOGO_FILE} else {},
            origin="undo",
        )

    def admit_withdrawal(self, live: LiveDocument, based_on: int) -> None:
        """Refuse a withdrawal of what this actor may not take away, or others need.

        Raises:
            NotAllowed: The actor may not change a city's state, or it is the platform's document.
            StaleEdit: It has been changed since.
            Conflict: A city stands beneath it.
        """
        if live.kind == PLATFORM or not self.actor.may("city.state"):
            raise NotAllowed(_("You cannot remove “%(key)s”.", key=live.name))
        self._refuse_stale(self._find(live.name), based_on)
        if live.kind == CITY:
            return
        beneath = [
            found.name
            for found in live_documents()
            if found.kind == CITY and found.province == live.province
        ]
        if beneath:
            raise Conflict(
                _("It still has cities: %(cities)s.", cities=", ".join(beneath[:5])),
                title=_("You cannot remove this"),
            )

    def withdraw(self, live: LiveDocument, based_on: int, message: str) -> None:
        """Take a document away: its name, code and hosts are free, its key is never used again,
        its revisions stay for the audit log. Raises as ``admit_withdrawal`` does."""
        with transaction() as session:
            version = bump_version()
            self.admit_withdrawal(live, based_on)
            row = session.get_one(Document, live.id)
            move_hosts({row.id: ()}, self.now)
            row.name = f"{live.name}{WITHDRAWN}{row.id}"
            row.live_number, row.division_code = 0, None
            row.applied_text = row.applied_files = None
            row.changed_at_version = version
            detail = {"revision": live.number, "message": storable(message)[:LONGEST_MESSAGE]}
            record(self.actor, "document.withdraw", live.name, detail, self.now)

    def touch_content(self, name: str) -> None:
        """Say that a city's announcements changed, so that cached pages are made anew."""
        touch_content(self.live(name).id)

    def mark_applied(self, name: str, text: str, files: Mapping[str, str]) -> None:
        """Remember a file's text as the common ancestor of the next three-way comparison."""
        with transaction() as session:
            session.execute(
                update(Document)
                .where(Document.name == name)
                .values(applied_text=text, applied_files=dict(files))
            )

    # Inside

    def _tell_effects(self, candidates: Sequence[Candidate]) -> None:
        """Refuse what residents would notice until whoever saves has read how."""
        mark = mark_of(candidates)
        if self.told is None or self.told == mark:
            return
        for candidate in candidates:
            self.admit(candidate)
        if found := self.effects(candidates):
            raise EffectsUntold(found, mark)

    def _bound(self, name: str, key: int | None) -> Mapping[str, BoundTo]:
        return self.extensions.bound_secrets(name, key) if key is not None else {}

    def _open_money(self, key: int | None, provider: str) -> int:
        return self.extensions.open_money(key, provider, self.now) if key is not None else 0

    def _find(self, name: str) -> Document | None:
        return db.session.scalars(select(Document).where(Document.name == name)).one_or_none()

    def _reaches(self, document: Document) -> bool:
        return reaches(self.actor, document.kind, document.name, document.province)

    def _may_see(self, document: LiveDocument) -> bool:
        return reaches(self.actor, document.kind, document.name, document.province)

    def _name_of(self, row: Any) -> str:
        """A document's name for messages: beyond the reach it is only another city."""
        if reaches(self.actor, row.kind, row.name, row.province):
            return str(row.name)
        return str(_("another city"))

    def _admit(self, edit: Edit) -> None:
        self._refuse_unreachable(edit)
        self._refuse_unpermitted(edit)

    def _refuse_unreachable(self, edit: Edit) -> None:
        candidate, row = edit.candidate, edit.row
        within = reaches(self.actor, candidate.kind, candidate.name, candidate.province)
        if not within or (row is not None and not self._reaches(row)):
            raise NotFound(_("There is no configuration “%(name)s”.", name=candidate.name))

    def _refuse_secrets(self, candidates: Sequence[Candidate], message: str) -> None:
        """Before anything else, so that no answer about something else repeats one."""
        if any(secret_problems(candidate.source) for candidate in candidates):
            refuse(self.problems(candidates))
        if looks_secret(message):
            raise Invalid(_("The reason contains a secret. Remove it."))

    def _refuse_unpermitted(self, edit: Edit) -> None:
        """Some leaves need more than leave to edit, whatever the edit comes by."""
        candidate, before = edit.candidate, edit.before
        for key, permission in _NEEDS.items():
            was = before.values.get(key) if before else None
            now = candidate.source.values.get(key)
            if candidate.kind == CITY and now != was and not self.actor.may(permission):
                raise NotAllowed(
                    _("You cannot change “%(key)s”. Ask your province admin.", key=key)
                )
        if candidate.entered and not self.actor.may(_SECRETS[candidate.kind]):
            raise NotAllowed(_("You cannot enter secrets. Ask your city admin."))
        if candidate.kind == CITY and not self.actor.may("city.change"):
            self._refuse_beyond_catalog(before, candidate)

    def _refuse_beyond_catalog(self, before: Revision | None, candidate: Candidate) -> None:
        """Whoever may only open, pause and close services changes that and nothing else."""
        had = with_files(before.values, before.files) if before else {}
        for one in changes(had, with_files(candidate.source.values, candidate.files)):
            path = one.path
            if (
                path[0] != "services"
                or len(path) < 3
                or path[2] not in ("state", "notice", "until")
            ):
                raise NotAllowed(
                    _("You cannot change “%(key)s”. Ask your city admin.", key=dotted(path))
                )

    def _refuse_stale(self, row: Document | None, based_on: int) -> None:
        if row is None or row.live_number == based_on:
            return
        live = self.revision(row.name, row.live_number)
        base = stored_revision(row.id, based_on)
        had = with_files(base.values, base.files) if base else {}
        raise StaleEdit(live, changes(had, with_files(live.values, live.files)))

    def _past_returns(self, candidates: Sequence[Candidate]) -> list[Problem]:
        """Returns that somebody writes on the console and that lie in the past: a slip, whereas a
        file, an undo or a rollback may bring back a pause that has lasted longer than planned."""
        return [
            problem
            for candidate in candidates
            for problem in past_returns(candidate, self._layers_if_any(candidate.name), self.now)
        ]

    def _layers_if_any(self, name: str) -> list[LiveDocument]:
        try:
            return self.layers(name)
        except NotFound:
            return []


def _called(name: str) -> ColumnElement[bool]:
    """The document of a name, and those that were withdrawn from it."""
    return or_(Document.name == name, Document.name.startswith(f"{name}{WITHDRAWN}"))


def reaches(actor: Actor, kind: str, name: str, province: str | None) -> bool:
    """Whether a document lies within an actor's reach."""
    if kind == CITY:
        return actor.reaches_city(name, province or "")
    if kind == PROVINCE:
        return actor.reaches_province(province or "")
    return actor.reach == PLATFORM
