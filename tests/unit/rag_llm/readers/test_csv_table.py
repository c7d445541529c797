from __future__ import annotations

import pytest

from services.rag_llm.chunks import passages
from services.rag_llm.readers.csv_table import blocks
from services.rag_llm.readers.limits import DEFAULT_LIMITS, Unreadable


def read(text: str) -> list[tuple[int, tuple[str, ...], str]]:
    return [(b.first, b.headings, b.text) for b in blocks(text.encode(), DEFAULT_LIMITS)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_each_row_names_its_columns_whatever_parts_them(delimiter: str) -> None:
    table = [["city", "people", "note"], ["Bern", "134,000", 'a "fine" place'], ["Basel", "171,000", ""]]
    text = "\r\n".join(delimiter.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in table)
    assert read(text) == [
        (2, (), 'city: Bern; people: 134,000; note: a "fine" place'),
        (3, (), "city: Basel; people: 171,000"),
    ]


def test_rows_are_numbered_as_in_a_spreadsheet() -> None:
    text = 'Report of 2020\n\ncity,people\n"Bern,\nSwitzerland",1\n\nBasel,2\nGenf,3\nChur,4\n'
    found = read(text)
    assert [row for row, _, _ in found] == [1, 4, 6, 7, 8]
    assert found[1][2] == "city: Bern, Switzerland; people: 1"
    assert passages("a.csv", blocks(text.encode(), DEFAULT_LIMITS))[0].place == "rows 1 to 8"


def test_the_line_that_excel_writes_for_its_separator_counts_as_a_row() -> None:
    assert read("sep=;\na;b\n1,5;2\n") == [(3, (), "a: 1,5; b: 2")]


def test_a_column_of_titles_heads_each_row() -> None:
    assert read("Name,Price\nHive,80\nSmoker,20\n") == [
        (2, ("Hive",), "Name: Hive; Price: 80"),
        (3, ("Smoker",), "Name: Smoker; Price: 20"),
    ]
    assert read("name,price\na,1\na,2\n")[0][1] == ()


def test_a_question_heads_its_answer_alone() -> None:
    text = "Question,Answer\nWhen do you open?,At nine. On Sundays at ten.\nIs there tea?,Yes\n"
    assert read(text) == [
        (2, ("When do you open?",), "At nine. On Sundays at ten."),
        (3, ("Is there tea?",), "Yes"),
    ]


def test_a_table_without_names_has_none() -> None:
    assert read("1,2\n3,4\n") == [(1, (), "1; 2"), (2, (), "3; 4")]
    assert read("one line of text\n") == [(1, (), "one line of text")]


def test_a_stray_quote_does_not_swallow_the_table() -> None:
    text = 'a,b\n"open,1\n' + "x,2\n" * 1000
    assert len(read(text)) == 1001


def test_a_cell_beyond_measure_is_refused_or_taken_as_it_is() -> None:
    with pytest.raises(Unreadable, match="row 2 cannot be read"):
        read("a,b\n" + "x" * 200_000 + ",1\n")


def test_zero_bytes_are_refused() -> None:
    with pytest.raises(Unreadable, match="binary"):
        read("a,b\n1,\0\n")


def test_many_columns_are_bounded() -> None:
    (row,) = blocks((",".join(f"c{n}" for n in range(9999)) + "\n" + ",".join("v" * 9999)).encode(), DEFAULT_LIMITS)
    assert row.text.count(";") < 200
