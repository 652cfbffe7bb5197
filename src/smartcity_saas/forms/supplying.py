"""Supplying what the city asks for anew, of an application that waits for its resident.

A file that was added and not supplied yet is stored for its field and is in no answer: what was sent
stands as it was sent, for the resident and the desk, until all of it is supplied.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _

from smartcity_saas.audit import record
from smartcity_saas.database import transaction
from smartcity_saas.errors import Conflict
from smartcity_saas.forms.answers import Given, StepResult, asked, read_step, submitted
from smartcity_saas.forms.applications import LONGEST_WORDS, resume
from smartcity_saas.forms.definition import Definition, Field
from smartcity_saas.forms.fields import Context, Faults
from smartcity_saas.forms.files import (
    Upload,
    drop_unused,
    file_fields,
    keep_files,
    read_uploads,
    require_places,
    stored_files,
)
from smartcity_saas.forms.models import Application, EventKind
from smartcity_saas.forms.names import APPLICATIONS
from smartcity_saas.forms.own import own_application
from smartcity_saas.forms.stored_forms import answers_of, form_of
from smartcity_saas.forms.timeline import add_event, last_request, timeline_of
from smartcity_saas.forms.uploads import Sent, check_uploads, store_uploads
from smartcity_saas.identity.residents.accounts import SignedInResident


@dataclass(frozen=True)
class Asked:
    """What an application waits for: the city's words, and the fields that are asked for anew."""

    words: str
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Supplied:
    """What came of supplying: the application, what was read, and what it was read with. ``words`` is
    what is wrong with the message, None where it fits; ``stays``: nothing was to be sent yet."""

    application: Application
    result: StepResult
    context: Context
    words: Any = None
    stays: bool = False

    @property
    def is_done(self) -> bool:
        """Whether it was sent to the city."""
        return self.result.is_done and self.words is None and not self.stays


def asked_for(row: Application, now: datetime) -> Asked:
    """What the city asked for last; no fields where words are enough."""
    request = last_request(timeline_of(row, now))
    if request is None:
        return Asked("", ())
    wanted = set(request.fields)
    return Asked(request.words, tuple(one for one in form_of(row).fields if one.name in wanted))


def supply(
    resident: SignedInResident, number: str, sent: Sent, words: str, now: datetime
) -> Supplied:
    """Send what was asked for, with words where there is something to say; the clock goes on.

    Nothing is stored where something does not fit or is missing, but files that were added: they stay
    until the next try, beside what was sent. Those of them that are taken out are gone at once.

    Raises:
        NotFound: The resident has no such application.
        Conflict: It does not wait for the resident.
    """
    found = own_application(resident, number)
    _require_waiting(found)
    fields, at_hand = open_to(found, now), answers_at_hand(found, now)
    sent = _whole(sent, fields, at_hand)
    uploads = check_uploads(fields, sent, at_hand)
    with transaction():
        row = own_application(resident, number, lock=True)
        _require_waiting(row)
        form, before, at_hand = form_of(row), answers_of(row, now), answers_at_hand(row, now)
        fields, wanted = open_to(row, now), asked_for(row, now).fields
        context, given = store_uploads(row, fields, sent, uploads, at_hand, now)
        result = uploads.among(read_fields(form, fields, wanted, given, at_hand, context), given)
        answers = submitted(form, result.answers)
        fault = _words_fault(words, needed=not wanted, nothing_new=answers == before)
        done = Supplied(row, result, context, fault, stays=sent.stays)
        if done.is_done:
            resume(row, answers, now)
            drop_unused(row, file_fields(form.fields), answers)
            add_event(row, EventKind.SUPPLIED, now, words=words.strip())
            record(resident.actor, f"{APPLICATIONS}.supply", number, {"service": row.service}, now)
        else:
            _drop_removed(row, fields, given, before)
    return done


def add_file(
    resident: SignedInResident, number: str, name: str, upload: Upload, now: datetime
) -> dict[str, str]:
    """Add a file for a field that may be answered, to be supplied with the rest; returns its name by
    its id.

    Raises:
        NotFound: The resident has no such application.
        Invalid: The file cannot be kept.
        Conflict: It does not wait for the resident, or not for such a file.
    """
    found = own_application(resident, number)
    one = _file_field(found, name, now)
    checked = read_uploads(one, [upload], len(answers_at_hand(found, now).get(name, ())))
    with transaction():
        row = own_application(resident, number, lock=True)
        one = _file_field(row, name, now)
        require_places(one, len(answers_at_hand(row, now).get(name, ())) + len(checked))
        return keep_files(row, name, checked, now)


def _file_field(row: Application, name: str, now: datetime) -> Field:
    _require_waiting(row)
    found = next((one for one in open_to(row, now) if one.name == name), None)
    if found is None or name not in file_fields([found]):
        raise Conflict(_("The city does not wait for a file “%(name)s” here.", name=name[:40]))
    return found


def answers_at_hand(row: Application, now: datetime) -> dict[str, Any]:
    """The answers that were sent, those to fields that may be answered with the files that were added
    since."""
    return {**answers_of(row, now), **stored_files(row, file_fields(open_to(row, now)), now)}


def _whole(sent: Sent, fields: Collection[Field], at_hand: Mapping[str, Any]) -> Sent:
    """What an API client sent, with the files that it leaves as they are, and those taken out that its
    lists do not have; a page sends all that it knows of."""
    if sent.given.shown is not None:
        return sent
    values, removed = dict(sent.given.values), set(sent.removed)
    for name in file_fields(fields):
        files = [one["id"] for one in at_hand.get(name, ())]
        listed = values.setdefault(name, files) or []
        if isinstance(listed, list):
            left = [one.get("id") if isinstance(one, dict) else one for one in listed]
            removed |= {key for key in files if key not in left}
    return replace(sent, given=replace(sent.given, values=values), removed=removed)


def _drop_removed(
    row: Application,
    fields: Collection[Field],
    given: Given,
    before: Mapping[str, Any],
) -> None:
    """Delete the files that were added and taken out again; what was sent stays."""
    names = [name for name in file_fields(fields) if name in given.values]
    left = {
        name: [*before.get(name, ()), *({"id": key} for key in given.values[name])]
        for name in names
    }
    drop_unused(row, names, left)


def open_to(row: Application, now: datetime) -> list[Field]:
    """The fields that may be answered now: those that the city asks for anew, and those that have no
    answer yet, since a new answer may ask for them. The rest was sent and stands."""
    wanted, answers = {one.name for one in asked_for(row, now).fields}, answers_of(row, now)
    return [one for one in form_of(row).fields if one.name in wanted or one.name not in answers]


def read_fields(
    form: Definition,
    fields: Collection[Field],
    wanted: Collection[Field],
    given: Given,
    answers: Mapping[str, Any],
    context: Context,
) -> StepResult:
    """Read some fields of any steps. What their answers ask for beside them, and was not answered, is
    ``unseen`` until it was shown; so is a field of which a part was not.

    Args:
        form: The form that was begun.
        fields: Those that may be answered; what was given for others is passed over.
        wanted: Those of them that the city asks for.
        given: What was typed or sent.
        answers: Those of the whole application until now.
        context: What reading needs to know.
    """
    asked_of = {one.name for one in wanted} | (given.shown or given.values.keys())
    names = {one.name for one in fields} & asked_of
    read: Mapping[str, Any] = answers
    faults: dict[str, Faults] = {}
    typed: dict[str, Any] = {}
    begun: list[str] = []
    for number, step in enumerate(form.steps):
        shown = frozenset(one.name for one in step.fields if one.name in names)
        here = {name: value for name, value in given.values.items() if name in shown}
        part = read_step(form, number, Given(here, shown), read, context)
        read = part.answers
        faults |= part.faults
        typed |= part.typed
        begun += shown & set(part.unseen)
    return StepResult(read, faults, typed, (*begun, *_unanswered(form, read, names)))


def fields_shown(
    form: Definition, wanted: Sequence[Field], answers: Mapping[str, Any]
) -> list[Field]:
    """What the page asks for: what the city wants, and what that asks for beside it."""
    names = {one.name for one in wanted}
    more = _unanswered(form, answers, names)
    return [one for one in form.fields if one.name in names or one.name in more]


def _unanswered(
    form: Definition, answers: Mapping[str, Any], known: Collection[str]
) -> tuple[str, ...]:
    """Fields that are asked, needed, and neither known nor answered."""
    return tuple(
        one.name
        for one in asked(form, answers)
        if one.required and one.name not in known and one.name not in answers
    )


def _words_fault(words: str, *, needed: bool, nothing_new: bool) -> Any:
    if not words.strip() and nothing_new and not needed:
        return _("Change an answer, or write why it stays as it is.")
    if len(words.strip()) > LONGEST_WORDS or (needed and not words.strip()):
        return _("Write something, at most 1,000 characters.")
    return None


def _require_waiting(row: Application) -> None:
    if not row.waits_for_resident:
        raise Conflict(_("The city does not wait for anything from you here."))
