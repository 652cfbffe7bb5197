"""Files that come with a page: checked before anything is locked, stored with the answers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from smartcity_saas.errors import Invalid
from smartcity_saas.forms.answers import Given, StepResult
from smartcity_saas.forms.definition import Field
from smartcity_saas.forms.fields import Context, Faults
from smartcity_saas.forms.fields.files import NEW
from smartcity_saas.forms.files import (
    CheckedFile,
    Upload,
    file_fields,
    keep_files,
    read_uploads,
    require_places,
)
from smartcity_saas.forms.models import Application
from smartcity_saas.forms.reading import context_of


@dataclass(frozen=True)
class Sent:
    """What a page sent: the answers as typed, files by the names of their fields, and the ids of
    those to take out. ``stays`` says that a file was taken out and nothing more: whoever did stays."""

    given: Given
    uploads: Mapping[str, Sequence[Upload]] = field(default_factory=dict)
    removed: Collection[str] = ()
    stays: bool = False


@dataclass
class CheckedUploads:
    """Files that may be kept by the names of their fields, and what is wrong with others."""

    files: dict[str, list[CheckedFile]]
    faults: dict[str, Faults]

    def among(self, result: StepResult, given: Given) -> StepResult:
        """What came of reading answers, with what is wrong with the files; what was answered before
        stands."""
        return replace(
            result,
            faults={**result.faults, **self.faults},
            typed={**result.typed, **{name: given.values.get(name) for name in self.faults}},
        )


def check_uploads(
    fields: Sequence[Field], sent: Sent, answers: Mapping[str, Any]
) -> CheckedUploads:
    """What was sent for some fields, checked: that takes a while, so nothing is locked meanwhile."""
    checked = CheckedUploads({}, {})
    for name, one in _asked_for(fields, sent).items():
        try:
            checked.files[name] = read_uploads(
                one, sent.uploads.get(name, ()), len(_kept(name, sent, answers))
            )
        except Invalid as error:
            checked.faults[name] = {NEW: error.detail}
    return checked


def store_uploads(
    row: Application,
    fields: Sequence[Field],
    sent: Sent,
    checked: CheckedUploads,
    answers: Mapping[str, Any],
    now: datetime,
) -> tuple[Context, Given]:
    """Store what was checked, in the caller's transaction, which holds the application.

    A file stays in an answer until it is taken out, whatever the page knew of it: another device
    may have added it meanwhile.

    Returns:
        What the answers are read with, and what was given, the files among it.
    """
    context, values = context_of(row, now), dict(sent.given.values)
    files = dict(context.files)
    for name, one in _asked_for(fields, sent).items():
        values[name] = _kept(name, sent, answers)
        found = checked.files.get(name, [])
        try:
            require_places(one, len(values[name]) + len(found))
            stored = keep_files(row, name, found, now)
        except Invalid as error:
            checked.faults[name] = {NEW: error.detail}
            continue
        files |= stored
        values[name] = [*values[name], *stored]
    return replace(context, files=files), replace(sent.given, values=values)


def _asked_for(fields: Sequence[Field], sent: Sent) -> dict[str, Field]:
    """The fields for files that a page has sent something for."""
    by_name = {one.name: one for one in fields}
    names = file_fields(fields)
    return {n: by_name[n] for n in names if n in sent.given.values or n in sent.uploads}


def _kept(name: str, sent: Sent, answers: Mapping[str, Any]) -> list[str]:
    return [one["id"] for one in answers.get(name) or () if one["id"] not in sent.removed]
