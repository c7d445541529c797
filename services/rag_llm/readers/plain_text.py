"""Plain text -> blocks: paragraphs between empty lines, list items, and the headings that plain text can have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from services.rag_llm.chunks import Block, Outline
from services.rag_llm.readers import encoding
from services.rag_llm.readers.limits import Limits

_ITEM = re.compile(r"\s*(?:[-*+•‣▪–]|\(?\d{1,2}[.)]|\(?[a-z][.)])\s+(?=\S)")
_UNDERLINE = re.compile(r"\s*([=\-~^*#])\1{2,}\s*$")
_BLANK = re.compile(r"[\s\W_]*$")
_NUMBERED = re.compile(r"(?i:chapter|part|section|appendix|article)\s+[\divxlcIVXLC]+\b|\d+(?:\.\d+)+\.?\s+[A-Z]")
_TITLE_CHARACTERS = 80
_WRAPPED_CHARACTERS = 120
"""A longer line was not broken to fit a page, so it is a paragraph of its own."""
_PARAGRAPH_LINES = 20


def blocks(data: bytes, limits: Limits) -> Iterator[Block]:
    """Blocks of a text file, placed by lines. Raises Unreadable when it holds no text, or too much."""
    text = encoding.decode(data)
    limits.check_text(len(text))
    return text_blocks(text)


def text_blocks(text: str) -> Iterator[Block]:
    """Blocks of a plain text. A heading is a short line of its own that is underlined, numbered or in capitals."""
    rows = encoding.lines(text)
    outline = Outline()
    start: int | None = None
    for number, row in enumerate([*rows, ""], start=1):
        if not _BLANK.match(row) or (start is not None and _UNDERLINE.match(row)):
            start = start or number
        elif start is not None:
            yield from _paragraphs(rows[start - 1 : number - 1], start, outline)
            start = None


def _paragraphs(rows: Sequence[str], first: int, outline: Outline) -> Iterator[Block]:
    """What stands between two empty lines. first: the number of its first line."""
    if len(rows) >= 2 and _UNDERLINE.match(rows[1]) and len(rows[0].strip()) <= _TITLE_CHARACTERS:
        outline.open(1 if rows[1].strip()[0] in "=#*" else 2, rows[0])
        rows, first = rows[2:], first + 2
    elif len(rows) == 1 and _is_title(rows[0].strip()):
        depth = re.match(r"\d+((?:\.\d+)*)", rows[0].strip())
        outline.open(2 + depth[1].count(".") if depth else 1, rows[0])
        return
    for begin, end in pairwise([*_starts(rows), len(rows)]):
        piece = [row for row in rows[begin:end] if not _UNDERLINE.match(row)]
        item = bool(piece) and bool(_ITEM.match(piece[0]))
        text = _ITEM.sub("", " ".join(piece), count=1) if item else " ".join(piece)
        if not _BLANK.match(text):
            yield Block.of(outline.path, "line", first + begin, first + end - 1, text, "item" if item else "text")


def _starts(rows: Sequence[str]) -> Iterator[int]:
    """The rows that begin a paragraph or an item."""
    begun = 0
    for number, row in enumerate(rows):
        before = rows[number - 1] if number else ""
        unwrapped = max(len(row), len(before)) > _WRAPPED_CHARACTERS
        long = number - begun >= _PARAGRAPH_LINES and before.rstrip().endswith((".", "!", "?"))
        if number == 0 or unwrapped or long or _ITEM.match(row):
            begun = number
            yield number


def _is_title(line: str) -> bool:
    if len(line) > _TITLE_CHARACTERS or re.search(r"[.!?,;:]$", line):
        return False
    return bool(re.search(r"[A-Z]{3}", line) and line.upper() == line) or bool(_NUMBERED.match(line))
