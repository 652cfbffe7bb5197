"""PDFs from people: read as a whole and written anew, without what runs, calls out, is attached or says
who made them.

qpdf reads and writes (pikepdf); what is left out is what ``pikepdf.sanitize`` names. What a page shows
stays as it is.
"""

from __future__ import annotations

import io
from functools import cache
from typing import TYPE_CHECKING, Any

from smartcity_saas.lazy_imports import LazyLibrary

if TYPE_CHECKING:
    import pikepdf
    from pikepdf import sanitize, settings
else:
    pikepdf = LazyLibrary("pikepdf")
    sanitize = LazyLibrary("pikepdf.sanitize")
    settings = LazyLibrary("pikepdf.settings")

MOST_UNPACKED = 64 * 1024 * 1024
"""Bytes that one packed part may have unpacked; a file of 6 MB could else have thousands of times as
many."""
MOST_WARNINGS = 100
_ABOUT_THE_MAKER = ("/Metadata", "/PieceInfo")


class NoPdf(ValueError):
    """It cannot be read as a PDF."""


class LockedPdf(ValueError):
    """It is encrypted: whoever has to read it could not open it."""


def rewritten(data: bytes) -> bytes:
    """A PDF as a fresh file: scripts, actions that open programs or addresses, media, attached files and
    what tells of its maker are left out.

    Raises:
        NoPdf: It is damaged beyond reading, has no page, or unpacks to too much.
        LockedPdf: It asks for a password, or is encrypted without one.
    """
    out = io.BytesIO()
    sanitizer = _sanitizer()
    try:
        with pikepdf.open(io.BytesIO(data), suppress_warnings=True) as pdf:
            if pdf.is_encrypted:
                raise LockedPdf
            if not pdf.pages:
                raise NoPdf
            sanitizer.apply(pdf)
            _leave_out(pdf.Root, _ABOUT_THE_MAKER)
            _leave_out(pdf.trailer, ("/Info",))
            pdf.save(out, deterministic_id=True)
    except pikepdf.PasswordError:
        raise LockedPdf from None
    except (pikepdf.PdfError, pikepdf.DataDecodingError, RuntimeError, TypeError) as error:
        raise NoPdf from error
    return out.getvalue()


@cache
def _sanitizer() -> sanitize.Sanitizer:
    """Once in a process, with qpdf's limits, which are the process's."""
    settings.set_qpdf_limits(
        doc_max_warnings=MOST_WARNINGS,
        flate_max_memory=MOST_UNPACKED,
        png_max_memory=MOST_UNPACKED,
        tiff_max_memory=MOST_UNPACKED,
        run_length_max_memory=MOST_UNPACKED,
        dct_max_memory=MOST_UNPACKED,
    )
    return (
        sanitize.Sanitizer()
        .remove_javascript()
        .remove_external_access()
        .remove_multimedia()
        .remove_attachments()
        .remove_private_app_data()
        .remove_web_capture()
    )


def _leave_out(of: Any, keys: tuple[str, ...]) -> None:
    for key in keys:
        if key in of:
            del of[key]
