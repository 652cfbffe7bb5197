"""Files and photographs of applications: checked, made anew, sealed."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from flask import Response
from flask_babel import lazy_gettext as _
from sqlalchemy import delete, func, select
from sqlalchemy.orm import undefer

from smartcity_saas.credentials.personal_encryption import (
    open_content,
    open_personal,
    seal_content,
    seal_personal,
)
from smartcity_saas.database import db, one_or_404, transaction
from smartcity_saas.errors import Invalid
from smartcity_saas.forms.definition import Field
from smartcity_saas.forms.models import FILE_CONTENT, FILE_NAME, Application, ApplicationFile
from smartcity_saas.forms.names import FILES, FieldKind
from smartcity_saas.forms.pdf_files import LockedPdf, NoPdf, rewritten
from smartcity_saas.images.photos import LARGEST_BYTES, photo_response, retaken
from smartcity_saas.tenancy.storage import MEGABYTE, require_room

PDF, JPEG = "application/pdf", "image/jpeg"
_PDF_START, _PDF_END = b"%PDF-", b"%%EOF"
_LAST_BYTES = 1024
"""Within which a reader looks for the end of a PDF (ISO 32000-1, annex H, note 18)."""
LONGEST_NAME = 80
MOST_BYTES_OF_RESIDENT = 200 * MEGABYTE
"""Of all files that one resident's applications keep."""


@dataclass(frozen=True)
class Upload:
    """A file as it was sent: its name and what is in it."""

    name: str
    data: bytes


@dataclass(frozen=True)
class CheckedFile:
    """A file that may be kept."""

    name: str
    media_type: str
    content: bytes


def read_uploads(field: Field, uploads: Sequence[Upload], kept: int) -> list[CheckedFile]:
    """What was sent for a field, checked and made anew, without what hid in it.

    Args:
        field: Of kind ``file`` or ``photograph``.
        uploads: What was sent now.
        kept: How many its answer has already.

    Raises:
        Invalid: There are too many, or one is too large or nothing that can be kept; none is kept.
    """
    require_places(field, kept + len(uploads))
    checked = [_checked(one, pictures_alone=field.kind is FieldKind.PHOTOGRAPH) for one in uploads]
    if checked:
        require_room(sum(len(one.content) for one in checked), _("Send a smaller file."))
    return checked


def require_places(field: Field, files: int) -> None:
    """Refuse more files than a field takes.

    Raises:
        Invalid: There are too many.
    """
    if files > field.files:
        raise Invalid(
            _(
                "%(found)s were added: at most %(most)s can be. Remove the others.",
                found=files,
                most=field.files,
            )
        )


def keep_files(
    application: Application, field: str, files: Iterable[CheckedFile], now: datetime
) -> dict[str, str]:
    """Store files of a field, sealed, in the caller's transaction; returns their names by id.

    Raises:
        Invalid: The files of all of the resident's applications would take too much.
    """
    files, kept = list(files), {}
    _require_share(application.resident_id, sum(len(one.content) for one in files))
    with transaction() as session:
        for one in files:
            row = ApplicationFile(
                application_id=application.id,
                field=field,
                media_type=one.media_type,
                sealed=seal_personal(FILE_NAME, one.name, now),
                content=seal_content(FILE_CONTENT, one.content, now),
                created_at=now,
            )
            session.add(row)
            session.flush()
            kept[str(row.id)] = one.name
    return kept


def _require_share(resident_id: uuid.UUID, size: int) -> None:
    query = (
        select(func.sum(func.length(ApplicationFile.content)))
        .join(Application, Application.id == ApplicationFile.application_id)
        .where(Application.resident_id == resident_id)
    )
    if size and int(db.session.scalar(query) or 0) + size > MOST_BYTES_OF_RESIDENT:
        raise Invalid(
            _(
                "The files of your applications would take more than %(most)s MB. Erase a draft, or send "
                "smaller files.",
                most=MOST_BYTES_OF_RESIDENT // MEGABYTE,
            )
        )


def names_of(application_id: uuid.UUID, now: datetime) -> dict[str, str]:
    """The names of an application's files by their ids; its papers are not among them."""
    rows = db.session.scalars(
        select(ApplicationFile)
        .where(ApplicationFile.application_id == application_id, ApplicationFile.field != "")
        .order_by(ApplicationFile.id)
    )
    return {str(row.id): open_personal(FILE_NAME, row.sealed, now) for row in rows}


def stored_files(
    application: Application, fields: Collection[str], now: datetime
) -> dict[str, list[dict[str, str]]]:
    """All files that are stored for some fields, as their answers have them, in an answer or not."""
    rows = db.session.scalars(
        select(ApplicationFile)
        .where(
            ApplicationFile.application_id == application.id,
            ApplicationFile.field.in_(list(fields)),
        )
        .order_by(ApplicationFile.id)
    )
    found: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        name = open_personal(FILE_NAME, row.sealed, now)
        found.setdefault(row.field, []).append({"id": str(row.id), "name": name})
    return found


def drop_unused(
    application: Application, fields: Collection[str], answers: Mapping[str, Any]
) -> None:
    """Delete the files of some fields that are in no answer any more."""
    used = {uuid.UUID(one["id"]) for name in fields for one in answers.get(name) or ()}
    unused = delete(ApplicationFile).where(
        ApplicationFile.application_id == application.id, ApplicationFile.field.in_(list(fields))
    )
    if used:
        unused = unused.where(ApplicationFile.id.not_in(used))
    with transaction() as session:
        session.execute(unused)


def file_fields(fields: Iterable[Field]) -> list[str]:
    """The names of those that ask for files."""
    return [one.name for one in fields if one.kind in FILES]


def file_of(application: Application, file_id: uuid.UUID, now: datetime) -> CheckedFile:
    """A file of an application, opened; whoever calls has made sure whose it is.

    Raises:
        NotFound: It has no such file.
    """
    row = one_or_404(
        select(ApplicationFile)
        .where(
            ApplicationFile.application_id == application.id,
            ApplicationFile.id == file_id,
        )
        .options(undefer(ApplicationFile.content)),
        _("We cannot find that file."),
    )
    return CheckedFile(
        open_personal(FILE_NAME, row.sealed, now),
        row.media_type,
        open_content(FILE_CONTENT, row.content, now),
    )


def file_response(file: CheckedFile) -> Response:
    """A file as what it is and nothing else: a picture is shown, anything else is saved."""
    response = photo_response(file.content)
    if file.media_type != JPEG:
        response.mimetype = file.media_type
        response.headers.set("Content-Disposition", "attachment", filename=file.name)
    return response


def _checked(upload: Upload, *, pictures_alone: bool) -> CheckedFile:
    name = _shown_name(upload.name)
    if len(upload.data) > LARGEST_BYTES:
        raise Invalid(_("“%(name)s” is larger than 6 MB. Choose a smaller one.", name=name))
    if upload.data.startswith(_PDF_START) and not pictures_alone:
        if _PDF_END not in upload.data[-_LAST_BYTES:]:
            raise Invalid(_("“%(name)s” is cut off. Save the PDF again, then add it.", name=name))
        return CheckedFile(name, PDF, _rewritten(name, upload.data))
    try:
        return CheckedFile(name, JPEG, retaken(upload.data))
    except Invalid:
        raise Invalid(
            _(
                "“%(name)s” is no photo that we can read: JPEG, PNG or WebP. Choose another.",
                name=name,
            )
            if pictures_alone
            else _(
                "“%(name)s” is no PDF, and no photo that we can read: JPEG, PNG or WebP. Choose another.",
                name=name,
            )
        ) from None


def _rewritten(name: str, data: bytes) -> bytes:
    try:
        return rewritten(data)
    except LockedPdf:
        raise Invalid(
            _(
                "“%(name)s” is locked with a password. Save it without one, then add it.",
                name=name,
            )
        ) from None
    except NoPdf:
        raise Invalid(
            _("“%(name)s” cannot be read. Print it as a new PDF, then add that.", name=name)
        ) from None


def _shown_name(name: str) -> str:
    """A file's name without its folders and what does not show, no longer than fits in a line."""
    last = PurePosixPath(name.replace("\\", "/")).name
    shown = "".join(one for one in last if one.isprintable()).strip()
    stem, dot, ending = shown.rpartition(".")
    if len(shown) > LONGEST_NAME and dot and len(ending) < 10:
        return f"{stem[: LONGEST_NAME - len(ending) - 2]}….{ending}"
    return shown[:LONGEST_NAME] or str(_("File"))
