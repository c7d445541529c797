"""Lines of a PDF -> blocks: running heads dropped, headings, tables and items found, paragraphs joined.

Pure: everything is decided by where lines stand and how they are set.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median

from services.rag_llm.chunks import Block, Outline, Part
from services.rag_llm.readers.pdf_lines import BULLET, LARGER, Line, Page, body_size, rounded_size
from services.rag_llm.readers.pdf_margins import without_running_heads
from services.rag_llm.readers.pdf_table import table_at

_CONTENTS_LINE = re.compile(r"(?:\.\s?){4,}\s*(?:\d+|[ivxlc]+)$")
_ITEM = re.compile(rf"(?:{BULLET.pattern}\s+|[•▪●]|\(?(?:\d{{1,2}}|[a-z])[.)]\s+)(?=\S)")
_CAPTION = re.compile(r"(?:Table|Tab\.|TABLE)\s+[\dIVX]+")
_CALLOUT = re.compile(r"(?:note|tip|hint|warning|caution|important|example)s?[!:]?", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?:;…][\"'”’)\]]*$")
_COLUMN = 36
"""Lines that begin within this many points, to the right, belong to one column."""
_MUCH_ROOM = 0.35
"""A line that leaves this share of its column empty ended on purpose, whatever follows it."""
_HEADING_WORDS = 16
_TITLE_LINES = 3
_TITLE_NUMBER_LETTERS = 12
_BODY_LEVEL = 10
"""Headings that are found by their looks stand below those of the document's own outline."""
_CAPTION_LEVEL = 30
_GAP = 1.3
"""Lines further apart than this many times the usual distance belong to different paragraphs."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the document's outline: where it leads. level counts from 1; top: height on the page, if known."""

    level: int
    title: str
    page: int
    top: float | None


def page_blocks(pages: Sequence[Page], entries: Sequence[Entry], title: str) -> Iterator[Block]:
    """Blocks placed by the page on which they begin."""
    return _Reader(without_running_heads(pages), entries, title).blocks()


class _Reader:
    """One pass over the lines of a document."""

    def __init__(self, pages: Sequence[Page], entries: Sequence[Entry], title: str) -> None:
        self._pages = _without_code(pages)
        self._entries = list(entries)
        self._outline = Outline()
        every = [line for page in self._pages for line in page.lines]
        self._body = body_size(every)
        larger = {rounded_size(line) for line in every if line.size >= LARGER * self._body and _may_head(line)}
        self._levels = {size: _BODY_LEVEL + rank for rank, size in enumerate(sorted(larger, reverse=True))}
        steps = [a.bottom - b.bottom for a, b in zip(every, every[1:], strict=False) if _follows(a, b)]
        self._step = median(steps) if steps else 1.2 * self._body
        self._words = {word for line in every for word in re.findall(r"[a-z]{2,}(?:-[a-z]{2,})*", line.text.lower())}
        self._right: dict[tuple[int, int], float] = {}
        for line in every:
            for nearby in range(3):
                column = (line.page, round(line.left / _COLUMN) + nearby)
                self._right[column] = max(self._right.get(column, 0.0), line.right)
        self._pending: list[Line] = []
        if not entries and not larger:
            self._outline.open(1, title)

    def blocks(self) -> Iterator[Block]:
        for page in self._pages:
            lines = [line for line in page.lines if not _CONTENTS_LINE.search(line.text)]
            due = place_entries(lines, [entry for entry in self._entries if entry.page == page.number])
            number = 0
            while number < len(lines):
                shown = 0
                for entry, takes in due.get(number, []):
                    yield from self._close()
                    self._outline.open(entry.level, entry.title)
                    shown = takes
                number += shown
                if not shown:
                    taken = yield from self._next(lines, number)
                    number += taken
            for entry, _ in due.get(len(lines), []):
                yield from self._close()
                self._outline.open(entry.level, entry.title)
        yield from self._close()

    def _next(self, lines: Sequence[Line], number: int) -> Generator[Block, None, int]:
        """Takes a heading, a table, or one line more of a paragraph; returns how many lines that is."""
        line = lines[number]
        level = self._heading_level(line)
        if level:
            yield from self._close()
            count = self._heading_lines(lines, number, level)
            self._outline.open(level, " ".join(one.text for one in lines[number : number + count]))
            return count
        table = table_at(lines, number, self._step)
        if table is not None:
            below = lines[number + table.lines] if number + table.lines < len(lines) else None
            caption = self._caption(below)
            yield from self._table(table.rows, line.page, caption)
            return table.lines + (caption is below is not None)
        if self._begins(line):
            yield from self._close()
        self._pending.append(line)
        return 1

    def _heading_level(self, line: Line) -> int:
        """The level of a line that is set as a heading, 0 for any other."""
        if not _may_head(line):
            return 0
        if line.size >= LARGER * self._body:
            return self._levels.get(rounded_size(line), 0)
        after = self._pending[-1] if self._pending else None
        apart = after is None or not _follows(after, line) or after.bottom - line.bottom > _GAP * self._step
        bold = line.bold and apart and not re.search(r"[.,;:]$", line.text) and not _CALLOUT.fullmatch(line.text)
        return _BODY_LEVEL + len(self._levels) if bold and line.size >= 0.95 * self._body else 0

    def _heading_lines(self, lines: Sequence[Line], number: int, level: int) -> int:
        """How many lines the heading takes: those that follow closely and are set alike."""
        count = 1
        while number + count < len(lines) and count < 4:
            above, line = lines[number + count - 1], lines[number + count]
            close = 0 < above.bottom - line.bottom < 1.4 * line.size
            if (
                not close
                or rounded_size(line) != rounded_size(above)
                or line.bold != above.bold
                or self._heading_level(line) != level
            ):
                break
            count += 1
        return count

    def _begins(self, line: Line) -> bool:
        """Whether a line begins a paragraph."""
        if not self._pending or _ITEM.match(line.text):
            return True
        above = self._pending[-1]
        ended = bool(_SENTENCE_END.search(above.text))
        goes_on = not ended and (line.text[:1].islower() or line.text[:1] in ",;.)" or above.text.endswith("-"))
        room = self._room(above)
        full = room < 1.5 * (above.right - above.left) / len(above.text) * (len(line.text.split()[0]) + 1)
        if not _follows(above, line):  # over a page or to the next column
            return not goes_on and (ended or not full)
        if (
            above.bottom - line.bottom > _GAP * max(self._step, 1.15 * line.size)
            or abs(above.size - line.size) > 0.1 * line.size
        ):
            return not goes_on or above.bottom - line.bottom > 2.5 * self._step
        item = _ITEM.match(self._pending[0].text)
        if item and line.left < self._pending[0].left - 1:
            return True
        first_left = self._pending[0].left if len(self._pending) == 1 else min(one.left for one in self._pending[1:])
        indented = not item and line.left > first_left + 0.8 * line.size and line.left - first_left < 60
        if above.text.endswith("-") and line.text[:1].islower():
            return False
        if goes_on and abs(line.left - above.left) < line.size:
            return room > _MUCH_ROOM * (above.right + room - above.left)
        return (ended and indented) or not full

    def _room(self, line: Line) -> float:
        """How far a line ends before its column does, in points."""
        return self._right.get((line.page, round(line.left / _COLUMN)), line.right) - line.right

    def _close(self) -> Iterator[Block]:
        lines, self._pending = self._pending, []
        text = ""
        for line in lines:
            text = self._joined(text, line.text.strip())
        part: Part = "text"
        if found := _ITEM.match(text):
            text, part = text[found.end() :], "item"
        if lines and re.search(r"\w", text):
            yield Block.of(self._outline.path, "page", lines[0].page, lines[0].page, text, part)

    def _joined(self, text: str, line: str) -> str:
        """A paragraph with one line more; a word cut at the line's end is made whole."""
        if not text:
            return line
        cut = re.search(r"([^\W\d_]+)[-\u00ad]$", text)
        rest = re.match(r"[^\W\d_]+", line)
        if not cut or not rest or not line[0].islower():
            return f"{text}{'' if text.endswith(('-', '/')) and cut and rest else ' '}{line}"
        whole, parted = f"{cut[1]}{rest[0]}".lower(), f"{cut[1]}-{rest[0]}".lower()
        keep = whole not in self._words and parted in self._words
        return f"{text[:-1]}{'-' if keep else ''}{line}"

    def _caption(self, below: Line | None) -> Line | None:
        """The line before a table, or the one after it, that says what it shows."""
        above = self._pending[0] if len(self._pending) == 1 else None
        if above is not None and _CAPTION.match(above.text):
            self._pending = []
            return above
        return below if below is not None and _CAPTION.match(below.text) else None

    def _table(self, rows: Sequence[str], page: int, caption: Line | None) -> Iterator[Block]:
        yield from self._close()
        if caption is not None:
            self._outline.open(_CAPTION_LEVEL, caption.text)
        for row in rows:
            yield Block.of(self._outline.path, "page", page, page, row, "row")
        self._outline.close(_CAPTION_LEVEL)


def _without_code(pages: Sequence[Page]) -> list[Page]:
    """The pages without lines in letters of one width, unless that is how the document is written."""
    fixed = sum(len(line.text) for page in pages for line in page.lines if line.fixed)
    if 2 * fixed > sum(len(line.text) for page in pages for line in page.lines):
        return list(pages)
    return [replace(page, lines=tuple(line for line in page.lines if not line.fixed)) for page in pages]


def place_entries(lines: Sequence[Line], entries: Sequence[Entry]) -> dict[int, list[tuple[Entry, int]]]:
    """Before which of a page's lines the entries of the outline that lead to it begin, and how many lines show an
    entry's title. One whose title is not shown begins at the height that it leads to, or where the one before it does.
    """
    due: dict[int, list[tuple[Entry, int]]] = {}
    at = 0
    for entry in entries:
        wanted = _letters(entry.title)
        found = ((n, _shows(lines, n, wanted)) for n in range(at, len(lines)))
        begin, count = next(((n, count) for n, count in found if count), (-1, 0))
        if not count:
            top = entry.top
            begin = at if top is None else next((n for n in range(at, len(lines)) if lines[n].bottom < top), len(lines))
        due.setdefault(begin, []).append((entry, count))
        at = begin + count
    return due


def _shows(lines: Sequence[Line], number: int, wanted: str) -> int:
    """How many lines from this one on show a title, which a number may stand before; 0 when they do not."""
    shown = ""
    for count, line in enumerate(lines[number : number + _TITLE_LINES], start=1):
        shown += _letters(line.text)
        if wanted and shown.endswith(wanted) and len(shown) - len(wanted) <= _TITLE_NUMBER_LETTERS:
            return count
    return 0


def _may_head(line: Line) -> bool:
    words = line.text.split()
    return (
        len(line.segments) == 1
        and 0 < len(words) <= _HEADING_WORDS
        and bool(re.search(r"[^\W\d_]{2}", line.text))
        and not BULLET.match(line.text)
    )


def _follows(above: Line, line: Line) -> bool:
    """Whether a line stands below another of the same page and column."""
    beside = min(above.right, line.right) - max(above.left, line.left) > 0
    return above.page == line.page and beside and 0 < above.bottom - line.bottom < 4 * max(above.size, line.size)


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())
