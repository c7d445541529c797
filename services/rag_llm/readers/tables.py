"""Rows of tables as text, the same for every kind of document."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from services.rag_llm.sentences import split_sentences

MOST_COLUMNS = 200
COLUMN_CHARACTERS = 80
"""A longer name of a column is cut: it is repeated in every row."""
_LONG_CELL_WORDS = 25
_SAYS_SOMETHING = re.compile(r"\w|[✓✔✅☑✗✘❌]")
_FULL_STOP = re.compile(r"[.!?…。！？][\"'”’)\]]*$")
_NUMBER = re.compile(r"[\s$£€%+\-.,:/\d]*")


def row_text(columns: Iterable[str], cells: Iterable[str]) -> str:
    """A table's row as "column: value; column: value"; empty cells are left out, long ones follow as they are.

    `columns` may be empty strings, or run out early: such a value stands without a name.
    """
    names = iter(columns)
    short: list[str] = []
    long: list[str] = []
    for cell in cells:
        name = next(names, "").strip(" :")[:COLUMN_CHARACTERS]
        value = cell.strip()
        if not _SAYS_SOMETHING.search(value):
            continue
        if len(value.split()) > _LONG_CELL_WORDS or len(split_sentences(value)) > 1:
            long.append(value)
        else:
            value = value.rstrip(".;,")
            short.append(f"{name}: {value}" if name else value)
    texts = [text for text in ["; ".join(short), *long] if text]
    return " ".join([text if _FULL_STOP.search(text) else f"{text}." for text in texts[:-1]] + texts[-1:])


def pair_text(cells: Sequence[str]) -> str:
    """A row of a table without column names, whose first cell names what the second says: "Phone: 123"."""
    return row_text(cells[:1], cells[1:])


def names_columns(row: Sequence[str]) -> bool:
    """Whether a row can name columns: short, different words, hardly one missing."""
    names = [name.strip() for name in row if name.strip()]
    short = all(len(name) <= COLUMN_CHARACTERS and not _NUMBER.fullmatch(name) for name in names)
    return short and bool(names) and len(names) >= len(row) - 1 and len({name.lower() for name in names}) == len(names)
