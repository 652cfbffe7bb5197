"""PDFs that residents add: what a page shows is kept, and nothing that runs, calls out or hides."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pikepdf
import pypdfium2
import pytest

from smartcity_saas.forms.pdf_files import MOST_UNPACKED, LockedPdf, NoPdf, rewritten
from smartcity_saas.web.pdf import typeset
from tests.support.applications import PDF

HIDDEN = b"qzhidden"


def page() -> pikepdf.Pdf:
    """A PDF with one page."""
    return pikepdf.open(io.BytesIO(PDF))


def saved(pdf: pikepdf.Pdf, **options: object) -> bytes:
    out = io.BytesIO()
    pdf.save(out, fix_metadata_version=False, **options)  # type: ignore[arg-type]
    return out.getvalue()


def plain(data: bytes) -> bytes:
    """The same with nothing packed, so that all of it can be searched."""
    with pikepdf.open(io.BytesIO(data)) as pdf:
        return saved(
            pdf,
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
            stream_decode_level=pikepdf.StreamDecodeLevel.all,
            compress_streams=False,
        )


def action(kind: str, **more: object) -> pikepdf.Dictionary:
    return pikepdf.Dictionary(S=pikepdf.Name(f"/{kind}"), **more)


def opening(pdf: pikepdf.Pdf) -> None:
    pdf.Root.OpenAction = action("JavaScript", JS=HIDDEN.decode())


def page_opening(pdf: pikepdf.Pdf) -> None:
    pdf.pages[0].AA = pikepdf.Dictionary(O=action("JavaScript", JS=HIDDEN.decode()))


def launching(pdf: pikepdf.Pdf) -> None:
    pdf.Root.OpenAction = action("Launch", F=HIDDEN.decode())


def calling(pdf: pikepdf.Pdf) -> None:
    link = pikepdf.Dictionary(
        Type=pikepdf.Name.Annot,
        Subtype=pikepdf.Name.Link,
        Rect=[0, 0, 200, 200],
        A=action("URI", URI=f"https://{HIDDEN.decode()}.example"),
    )
    pdf.pages[0].Annots = pdf.make_indirect(pikepdf.Array([link]))


def attached(pdf: pikepdf.Pdf) -> None:
    pdf.attachments["a.txt"] = HIDDEN


def maker(pdf: pikepdf.Pdf) -> None:
    pdf.docinfo["/Author"] = HIDDEN.decode()


def maker_in_xml(pdf: pikepdf.Pdf) -> None:
    pdf.Root.Metadata = pdf.make_stream(b"<x>" + HIDDEN + b"</x>")


@pytest.mark.parametrize(
    "hide", [opening, page_opening, launching, calling, attached, maker, maker_in_xml]
)
def test_what_hides_in_a_pdf_is_left_out(hide: Callable[[pikepdf.Pdf], None]) -> None:
    """Promise: whoever opens it at the desk sees pages, and nothing happens."""
    with page() as pdf:
        hide(pdf)
        data = saved(pdf)
    assert HIDDEN in plain(data)
    assert HIDDEN not in plain(rewritten(data))


def test_what_a_page_shows_stays(tmp_path: Path) -> None:
    """Promise: the desk reads what the resident sent; made anew twice is made anew once."""
    template = tmp_path / "lease.typ"
    template.write_text("租房合同 Lease of flat 18", "utf-8")
    again = rewritten(typeset(template, {}))
    with pypdfium2.PdfDocument(again) as document:
        text = document[0].get_textpage().get_text_range()
    assert "租房合同" in text
    assert "flat 18" in text
    assert rewritten(again) == again


@pytest.mark.parametrize(
    "data",
    [
        b"%PDF-1.7\n1 0 obj << >> endobj\ntrailer << >>\n%%EOF\n",
        PDF[: len(PDF) // 3] + b"%%EOF",
        b"%PDF-%%EOF",
        saved(pikepdf.new()),
    ],
    ids=["no pages named", "cut in the middle", "nothing in it", "no page"],
)
def test_what_is_no_pdf_is_refused(data: bytes) -> None:
    """Promise: nobody at the desk gets a file that does not open."""
    with pytest.raises(NoPdf):
        rewritten(data)


def test_a_pdf_that_unpacks_to_too_much_is_refused() -> None:
    """Promise: a small file takes no worker's memory."""
    with page() as pdf:
        pdf.Root.Big = pikepdf.String("x" * (MOST_UNPACKED + 1))
        data = saved(pdf, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    assert len(data) < 1_000_000
    with pytest.raises(NoPdf):
        rewritten(data)


@pytest.mark.parametrize("user", ["", "secret"])
def test_a_locked_pdf_is_refused(user: str) -> None:
    """Promise: what nobody at the desk could open is told to whoever can save it without a lock."""
    with page() as pdf:
        data = saved(pdf, encryption=pikepdf.Encryption(owner="owner", user=user))
    with pytest.raises(LockedPdf):
        rewritten(data)
