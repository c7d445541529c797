"""CSV and TSV -> a block a row, "column: value; ...". Rows are numbered as a spreadsheet numbers them."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Literal

from services.rag_llm.chunks import HEADING_CHARACTERS, Block
from services.rag_llm.readers import encoding
from services.rag_llm.readers.limits import Limits, Unreadable
from services.rag_llm.readers.tables import MOST_COLUMNS, names_columns, row_text

_DELIMITERS = ",;\t|"
_SAMPLE_ROWS = 100
_HEADER_WITHIN = 20
_MOST_LINES_IN_CELL = 200
_SEPARATOR = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
_TITLES = ("question", "title", "name", "heading", "headline", "term", "topic", "subject", "product", "item")
_QUESTION = "question"

Row = list[str]
Quoting = Literal[0, 3]
"""csv.QUOTE_MINIMAL or csv.QUOTE_NONE."""


def blocks(data: bytes, limits: Limits) -> Iterator[Block]:
    """Blocks of a table, placed by rows. A column of titles gives each row a heading of its own.

    Raises Unreadable when it is no text, or when a cell is beyond measure.
    """
    text = encoding.decode(data)
    skipped = 0
    if named := _SEPARATOR.match(text):
        delimiter, text, skipped = named[1], text[named.end() :], 1
    else:
        delimiter = _delimiter(text)
    quoting: Quoting = csv.QUOTE_NONE if _has_open_quote(text, delimiter) else csv.QUOTE_MINIMAL
    rows = _rows(text, delimiter, quoting)
    sample = list(islice(rows, _SAMPLE_ROWS))
    header = _header(sample)
    columns = [" ".join(name.split()) for name in sample[header]] if header is not None else []
    title = _title_column(columns, sample[header + 1 :]) if header is not None else None
    for number, row in enumerate(chain(sample, rows)):
        if number == header:
            continue
        shown = columns if header is not None and number > header else []
        place = number + 1 + skipped
        yield from _block(row, shown, title if shown else None, place)


def _block(row: Row, columns: Row, title: int | None, place: int) -> Iterator[Block]:
    headings: tuple[str, ...] = ()
    if title is not None and title < len(row) and row[title].strip():
        headings = (" ".join(row[title].split())[:HEADING_CHARACTERS],)
        if columns[title].lower() == _QUESTION and any(cell.strip() for n, cell in enumerate(row) if n != title):
            row = [*row[:title], "", *row[title + 1 :]]
    if len([cell for cell in row if cell.strip()]) == 1 and headings and columns[title or 0].lower() == _QUESTION:
        columns = []  # the answer alone, without its column's name
    text = row_text(columns, row)
    if re.search(r"\w", text):
        yield Block.of(headings, "row", place, place, text, "row")


def _rows(text: str, delimiter: str, quoting: Quoting) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting)
    done = 0
    try:
        for row in reader:
            yield row[:MOST_COLUMNS]
            done += 1
    except csv.Error as error:
        raise Unreadable(f"row {done + 1} cannot be read ({error}); a quote may not be closed") from error


def _delimiter(text: str) -> str:
    """The sign that cuts the first rows into the most even columns."""

    def evenness(delimiter: str) -> tuple[float, int]:
        try:
            widths = [len(row) for row in islice(_rows(text, delimiter, csv.QUOTE_MINIMAL), _SAMPLE_ROWS) if row]
        except Unreadable:
            widths = []
        width, count = Counter(widths).most_common(1)[0] if widths else (1, 0)
        return (count / len(widths), width) if width > 1 else (0.0, 1)

    return max(_DELIMITERS, key=evenness)


def _has_open_quote(text: str, delimiter: str) -> bool:
    """Whether a stray quote makes one cell of many lines: the quotes are then read as any other sign."""
    try:
        return any(
            cell.count("\n") > _MOST_LINES_IN_CELL for row in _rows(text, delimiter, csv.QUOTE_MINIMAL) for cell in row
        )
    except Unreadable:
        return True


def _header(rows: Sequence[Row]) -> int | None:
    """Which of the first rows names the columns: the first that is as wide as the table, of short, different words."""
    widths = Counter(sum(1 for cell in row if cell.strip()) for row in rows if row)
    width = max((width for width, count in widths.items() if count > len(rows) // 4), default=0)
    for number, row in enumerate(rows[:_HEADER_WITHIN]):
        if any(cell.strip() for cell in row) and sum(1 for cell in row if cell.strip()) >= width:
            return number if names_columns([cell for cell in row if cell.strip()]) and len(rows) > 1 else None
    return None


def _title_column(columns: Row, rows: Sequence[Row]) -> int | None:
    """The column whose cells name their rows, if there is one of that name with hardly a cell twice."""
    names = [name.lower() for name in columns]
    for wanted in _TITLES:
        if wanted in names:
            column = names.index(wanted)
            cells = [row[column].strip() for row in rows if column < len(row) and row[column].strip()]
            if cells and len(set(cells)) >= 0.9 * len(cells):
                return column
    return None
