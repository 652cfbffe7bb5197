"""Receipts: they end, they stay on the paper, and every name on them is the person's own."""

from __future__ import annotations

import io
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from fontTools.ttLib import TTFont
from hypothesis import given, settings
from hypothesis import strategies as st

from smartcity_saas.audit import system
from smartcity_saas.payments.receipts import Receipt
from smartcity_saas.payments.refunds import request_refund
from smartcity_saas.web.pdf import FACE_PACKAGES
from tests.support.payments import Owing

EDGE = 40
TOTAL = "¥87654.32"
BEYOND = (Path(__file__).parent / "beyond_the_bmp.txt").read_text(encoding="utf-8").split()

NAMES = [
    "王𬭎",  # letters beyond the BMP, of the table of 2013
    "鿏龦䶮𠅤",
    "阿卜杜拉·买买提",
    "ئابلىز مەمەتئېلى",
    "Nguyễn Thị Ánh Đào",
    "Şükrü Çağlayan",
    "Øystein Łukasz Ŋ",
    "Zoë O’Neil-Müller",
    "Иванов",
]
"""Names as they stand in passports and registers."""


def receipt(**changed: Any) -> bytes:
    """A receipt of one bill, with something changed."""
    usual: dict[str, Any] = {
        "city": "杭州市",
        "title": "收据",
        "number": "P1",
        "language": "zh",
        "color": "#0b6e4f",
        "facts": [("缴费人", "示例")],
        "items": [("水费", "¥43.50")],
        "total": ("合计", TOTAL),
        "foot": ["示例", "12345"],
        "sample": None,
    }
    return Receipt(**usual | changed).pdf()


def pages(pdf: bytes) -> list[str]:
    """The text of each page."""
    with pypdfium2.PdfDocument(pdf) as document:
        return [page.get_textpage().get_text_bounded() for page in document]


def drawn(text: str) -> bytes:
    """What a name looks like on the receipt."""
    with pypdfium2.PdfDocument(receipt(facts=[("", text)])) as document:
        out = io.BytesIO()
        document[0].render(scale=2).to_pil().save(out, "PNG")
        return out.getvalue()


def check_on_paper(pdf: bytes, edge: int = EDGE) -> None:
    """Every character stands between the margins; the total stands on the last page alone."""
    texts = pages(pdf)
    assert TOTAL in texts[-1]
    assert not any(TOTAL in text for text in texts[:-1])
    with pypdfium2.PdfDocument(pdf) as document:
        for page in document:
            width, height = page.get_size()
            text = page.get_textpage()
            boxes = [text.get_charbox(index) for index in range(text.count_chars())]
            boxes = [box for box in boxes if box[2] > box[0] and box[3] > box[1]]
            assert min(box[0] for box in boxes) >= edge - 6
            assert min(box[1] for box in boxes) >= 8
            assert max(box[2] for box in boxes) <= width - edge + 6
            assert max(box[3] for box in boxes) <= height


hostile = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=400),
    st.builds(
        lambda text, times: (text * times)[:400],
        st.text(min_size=1, max_size=4),
        st.integers(min_value=100, max_value=400),
    ),
    st.sampled_from("字,W·、“（⸻﷽م\u2060").flatmap(
        lambda one: st.integers(min_value=1, max_value=400).map(lambda times: one * times)
    ),
)
"""Whatever 400 characters a person or a document may hold."""


@settings(max_examples=25, deadline=None, derandomize=True)
@given(city=hostile, value=hostile, title=hostile, foot=hostile)
def test_every_value_is_drawn_on_the_paper(city: str, value: str, title: str, foot: str) -> None:
    """Whatever is written, drawing ends, text wraps, pages break, and the total is the last.
    Letters of which no face knows how wide they are may reach into the margin."""
    items = [(title, "¥43.50")] * 3
    pdf = receipt(city=city, facts=[("缴费人", value)], items=items, foot=[foot, foot])
    check_on_paper(pdf, edge=4)


@pytest.mark.parametrize(
    "piece",
    ["字", "W", "·", "，", "“字", "（字）", "م", "ş", "🎉", "1,", "—", "A-", "字 ", "é\u0301"],
)
def test_long_values_wrap_between_the_margins(piece: str) -> None:
    """Four hundred characters of one kind, wherever they may stand, break into lines."""
    value = (piece * 400)[:400]
    facts = [("缴费人", value), ("收款单位", value)]
    check_on_paper(receipt(city=value, facts=facts, items=[(value, "¥1.00")], foot=[value]))


@pytest.mark.parametrize("count", [2, 4, 40])
def test_a_letter_that_is_a_sentence_wraps(count: int) -> None:
    """U+FDFD is nine ems wide and has no other spelling: a few already fill a line."""
    value = "\ufdfd" * count
    check_on_paper(receipt(facts=[("缴费人", value)], items=[(value, "¥1.00")], foot=[value]))


@pytest.mark.parametrize("count", [1, 2, 17, 18, 19, 20, 21, 22, 500])
def test_many_items_go_over_pages(count: int) -> None:
    """Each item stands once, in its order, and the last one on the total's page."""
    items = [(f"No.{place}.", "¥1.00") for place in range(count)]
    pdf = receipt(items=items)
    check_on_paper(pdf)
    texts = pages(pdf)
    found = [word for text in texts for word in text.split() if word.startswith("No.")]
    assert found == [title for title, _amount in items]
    assert items[-1][0] in texts[-1]
    assert (len(texts) > 1) == (f"1 / {len(texts)}" in texts[0])


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", NAMES)
def test_names_are_kept_and_drawn(name: str, language: str) -> None:
    """A name reads from the PDF as it was written, and is no row of empty boxes."""
    missing = "\U000f0000"
    found = "".join(pages(receipt(facts=[("", name)], language=language)))
    if name[0] in "ئ":  # what reads a PDF puts letters from right to left in its own order
        assert set(name) <= set(found)
    else:
        assert name in found
    boxes = {drawn(missing * len(name)), drawn(name[:-1] + missing)}
    assert drawn(name) not in boxes


def test_uyghur_letters_are_joined() -> None:
    """Arabic letters take the form of their place in the word, from right to left."""
    assert drawn("مەمەت") != drawn("\u200c".join("مەمەت"))


def test_marks_that_reorder_are_left_out() -> None:
    """A name cannot make itself or what follows be read backwards."""
    assert drawn("张三\u202e四五") == drawn("张三四五")


def test_the_faces_have_every_letter_of_the_standards() -> None:
    """GB 18030-2022, implementation level 2: the unified ideographs to U+9FEF, extension A to
    U+4DB5, and the 196 letters of 通用规范汉字表 beyond; Latin, Uyghur, and the middle dots."""
    known: set[int] = set()
    for package in FACE_PACKAGES:
        for path in Path(str(files(package))).glob("*.[ot]tf"):
            with TTFont(path, lazy=True) as face:
                known |= face.getBestCmap().keys()
    assert len(BEYOND) == 196
    wanted = chain(
        range(0x4E00, 0x9FF0),
        range(0x3400, 0x4DB6),
        map(ord, BEYOND),
        range(0x21, 0x7F),
        range(0xA1, 0x250),
        range(0x1E00, 0x1F00),
        map(ord, "ئابپتجچخدرزژسشغفقكگڭلمنھوۇۆۈۋېىيە،؛؟·•・‧"),
    )
    assert [hex(letter) for letter in wanted if letter not in known] == []


def test_the_payer_and_the_payee_stand_on_a_receipt(owing: Owing) -> None:
    """From the page: two items, what was paid in all, and names beyond GB 2312 as they are."""
    text = owing.world.documents().live_revision("hangzhou").text
    operator = "site: {operator: {zh: 王𬭎中心, en: Şükrü Centre}}\n"
    owing.world.save(text + operator)
    owing.press()
    owing.stripe.pay()
    payment = owing.follow()
    answer = owing.browser.get(f"/me/payments/{payment.id}/receipt.pdf")
    (page,) = pages(answer.data)
    assert "Şükrü Centre" in page
    assert page.count("¥73.50") == 1


@pytest.mark.parametrize(
    ("how", "came", "nothing"),
    [
        ({"amount": 7000}, "¥70.00", "¥0.00"),
        ({"currency": "jpy"}, "JPY 7,350", "JPY 0"),
    ],
)
def test_a_receipt_of_what_was_not_asked_for(
    owing: Owing, how: dict[str, Any], came: str, nothing: str
) -> None:
    """Another amount or currency came and went back: page and paper say so, in the currency that
    moved, and their lines add up."""
    owing.press()
    owing.stripe.pay(**how)
    payment = owing.follow()
    with owing.world.inside("hangzhou"):
        now = owing.world.clock()
        request_refund(system("test"), payment.id, payment.received, "test", now)
    owing.world.work()
    page = f"/me/payments/{payment.id}"
    (paper,) = pages(owing.browser.get(f"{page}/receipt.pdf").data)
    for text in (owing.browser.get(page).text, paper):
        assert "What came" in text
        assert text.count(came) >= 2
        assert f"-{came}" in text
        assert nothing in text
