"""The one reader of tables: what it takes, what it refuses, and what it says of either."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity_saas.configuration.csv_input import MOST_BYTES, MOST_ROWS, Table, read_csv
from smartcity_saas.errors import Invalid
from smartcity_saas.web.csv_output import csv_text

COLUMNS = ("kind", "amount")
PLAIN = "kind,amount\nwater,43.50\n"
CHINESE = "kind,amount\n样例,43.50\n"


def read(data: str | bytes, optional: tuple[str, ...] = ("note",)) -> Table:
    raw = data.encode() if isinstance(data, str) else data
    return read_csv(raw, "b.csv", COLUMNS, optional)


def values(table: Table) -> list[dict[str, str]]:
    return [dict(line.values) for line in table.lines]


def refusal(data: str | bytes) -> list[str]:
    with pytest.raises(Invalid) as caught:
        read(data)
    return [str(problem) for problem in caught.value.problems]


ENCODINGS = {
    "utf-8": ("UTF-8", CHINESE.encode()),
    "utf-8 with a mark": ("UTF-8", b"\xef\xbb\xbf" + CHINESE.encode()),
    "utf-16 little": ("UTF-16", b"\xff\xfe" + CHINESE.encode("utf-16-le")),
    "utf-16 big": ("UTF-16", b"\xfe\xff" + CHINESE.encode("utf-16-be")),
    "utf-16 little without a mark": ("UTF-16", CHINESE.encode("utf-16-le")),
    "utf-16 big without a mark": ("UTF-16", CHINESE.encode("utf-16-be")),
    "gb 18030": ("GB 18030", CHINESE.encode("gb18030")),
    "gbk": ("GB 18030", CHINESE.encode("gbk")),
}


@pytest.mark.parametrize("case", ENCODINGS)
def test_what_spreadsheets_save_is_read(case: str) -> None:
    """The encoding is found and told, with a byte order mark or without."""
    name, data = ENCODINGS[case]
    table = read(data)
    assert (table.encoding, values(table)) == (name, [{"kind": "样例", "amount": "43.50"}])


@given(st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=4))
def test_names_of_any_chinese_characters_survive_gb_18030(name: str) -> None:
    """No name is read as another."""
    table = read(f"kind,amount\n{name},1\n".encode("gb18030"))
    if table.encoding == "GB 18030":  # a few pairs of bytes are well-formed UTF-8 by chance
        assert values(table)[0]["kind"] == name


@pytest.mark.parametrize(
    "data, said",
    [
        (CHINESE.encode("utf-32"), "UTF-32"),
        (PLAIN.encode() + b"\xff,1\n", "is not a text file"),
        (("kind,amount\n" + "样例甲乙,1\n" * 9).encode() + b"\xe6\xa0,1\n", "damaged"),
        (PLAIN.encode() + b"\0", "not a CSV"),
        (b"\xff\xfe" + CHINESE.encode("utf-16-le")[:-1], "is not a text file"),
    ],
)
def test_what_is_in_no_such_encoding_is_refused(data: bytes, said: str) -> None:
    """With what to do; UTF-8 with a broken byte is never read as other names of GB 18030."""
    (found,) = refusal(data)
    assert said in found


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_they_please(end: str) -> None:
    """On every system; a line's number is that of the file, also after a cell of several lines and
    after rows that were passed over."""
    text = end.join(["kind,amount", "", f'"a{end}b",1', ",,", " , ", "c,2", ""])
    table = read(text)
    assert [(line.number, line.values["amount"]) for line in table.lines] == [(3, "1"), (7, "2")]


@pytest.mark.parametrize(
    "header",
    ["kind,amount", " Kind , AMOUNT ", "ｋｉｎｄ,amount", '"kind","amount"', "kind\u200b,amount"],
)
def test_names_of_columns_are_trimmed_and_folded(header: str) -> None:
    """As people and spreadsheets leave them."""
    assert values(read(f"{header}\nwater,1\n")) == [{"kind": "water", "amount": "1"}]


def test_further_columns_and_another_order_are_fine() -> None:
    """A column that nobody reads is named, a cell of an absent column is absent, an empty one is
    empty."""
    table = read("remark,amount,kind,note\nx,1,water,\ny,2,gas,z\n")
    assert table.unread == ("remark",)
    assert [line.values["note"] for line in table.lines] == ["", "z"]
    assert "note" not in read(PLAIN).lines[0].values


def test_a_row_beyond_the_header_is_a_fault_of_that_row() -> None:
    """Its rest would be lost: 1,234.50 becomes 1.00. A rest of empty cells passes."""
    table = read("kind,amount\nwater,1,234.50\ngas,12,50\noil,7,,\n")
    faults = [line.problem for line in table.lines]
    assert [fault is None for fault in faults] == [False, False, True]
    assert "234.50" in str(faults[0])
    assert "quotation marks" in str(faults[0])
    assert faults[1] is not None
    assert faults[1].line == 3


def test_a_cell_under_no_name_is_a_fault_too() -> None:
    """Spreadsheets save empty columns behind the last; what stands in one is not lost."""
    table = read("kind,amount,,\nwater,1,,\ngas,2,,3\n")
    assert [line.problem is None for line in table.lines] == [True, False]
    assert table.unread == ()


def test_a_row_that_ends_early_is_one_fault() -> None:
    """Where a column is needed; a cell that is not there of another is absent, not empty."""
    table = read("kind,amount,note\nwater\ngas,1\n")
    assert table.lines[0].problem is not None
    assert table.lines[0].problem.pointer == "/2/amount"
    assert dict(table.lines[1].values) == {"kind": "gas", "amount": "1"}


@pytest.mark.parametrize(
    "header, said",
    [
        ("kind,amount,amount", ["Duplicate columns: amount."]),
        ("kind,amount,Amount", ["Duplicate columns: amount."]),
        ("kind,amount,x,X", ["Duplicate columns: x."]),
        ("x,y", ["Missing columns: kind, amount."]),
        ("kind,kind", ["Missing columns: amount.", "Duplicate columns: kind."]),
        ("", ["Missing columns: kind, amount."]),
    ],
)
def test_faults_of_the_header_are_told_once(header: str, said: list[str]) -> None:
    """The file is refused whole, whatever its rows hold."""
    found = refusal(f"{header}\nwater,1,2\n")
    assert len(found) == len(said)
    assert all(words in one for words, one in zip(said, found, strict=True))


@pytest.mark.parametrize(
    "separator, name",
    [(";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars"), ("，", "full-width commas")],
)
@pytest.mark.parametrize("quote", ["", '"'])
def test_another_separator_is_named(separator: str, name: str, quote: str) -> None:
    """It is not read: with it come decimal commas, which mean something else."""
    header = separator.join(f"{quote}{column}{quote}" for column in COLUMNS)
    (found,) = refusal(f"{header}\nwater{separator}43,50\n")
    assert name in found
    assert "commas" in found


def test_a_spreadsheet_s_word_on_its_separator_is_read() -> None:
    """``sep=,`` is no header, and ``sep=;`` names what is there."""
    table = read(f"sep=,\n{PLAIN}")
    assert table.lines[0].number == 3
    (found,) = refusal("sep=;\nkind;amount\nwater;43,50\n")
    assert "semicolons" in found


@pytest.mark.parametrize(
    "text, line, said",
    [
        ('kind,amount\nwater,"1\n', 2, "is not closed"),
        ('kind,amount\nwater,1\ngas,"1"2\n', 3, "a comma or the end of the line"),
        (f"kind,amount\nwater,{'1' * 140_000}\n", 2, "longer than"),
    ],
)
def test_faults_of_the_form_are_told_in_the_product_s_words(
    text: str, line: int, said: str
) -> None:
    """With the line on which they begin."""
    (found,) = refusal(text)
    assert found.startswith(f"b.csv:{line}:")
    assert said in found


def test_limits() -> None:
    """A file that is too large is told so; empty rows count for nothing."""
    assert "too large" in refusal(b"x" * (MOST_BYTES + 1))[0]
    assert "too many rows" in refusal("kind,amount\n" + "w,1\n" * (MOST_ROWS + 1))[0]
    assert len(read("kind,amount\n" + ",\n" * (MOST_ROWS + 1) + "w,1\n").lines) == 1


CELLS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp", "Cf")),
    max_size=9,
)


@given(st.lists(st.tuples(CELLS, CELLS), max_size=5), st.sampled_from(["utf-8-sig", "gb18030"]))
def test_what_the_product_writes_it_reads_again(rows: list[tuple[str, str]], encoding: str) -> None:
    """Every cell, those that would be formulas too; in GB 18030 as a spreadsheet saves it again."""
    text = csv_text(COLUMNS, rows)
    try:
        read_as = read(text.encode(encoding))
    except Invalid:
        assert encoding == "gb18030"  # that may be nothing of either by chance, and is said
        return
    if read_as.encoding == "UTF-8" and encoding == "gb18030":
        return
    expected = [row for row in rows if any(row)]
    assert [(one["kind"], one["amount"]) for one in values(read_as)] == expected


@given(st.binary(max_size=200))
def test_whatever_comes_is_read_or_refused(data: bytes) -> None:
    """Never a fault of the program."""
    for prefix in (b"", PLAIN.encode()):
        try:
            table: Any = read(prefix + data)
        except Invalid as error:
            assert error.problems
        else:
            assert table.encoding


def test_the_reader_agrees_with_the_standard_s_own() -> None:
    """Quotation marks and line ends inside cells, as RFC 4180 has them."""
    out = io.StringIO()
    csv.writer(out).writerows([COLUMNS, ('a "b", c', "1\n2")])
    assert values(read(out.getvalue())) == [{"kind": 'a "b", c', "amount": "1\n2"}]
