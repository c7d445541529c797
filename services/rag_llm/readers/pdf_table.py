"""Lines of a PDF that stand in columns -> rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.rag_llm.readers.pdf_lines import Line, Segment
from services.rag_llm.readers.tables import names_columns, pair_text, row_text

_LEAST_ROWS = 2
_TIGHT = 1.05
"""Lines of one cell stand no further apart than this many times the usual distance."""


@dataclass(frozen=True, slots=True)
class Table:
    """What its rows say, and how many lines it takes."""

    rows: tuple[str, ...]
    lines: int


def table_at(lines: Sequence[Line], start: int, step: float) -> Table | None:
    """The table that begins at a line, if one does. step: the usual distance of lines, in points."""
    end = start
    while end < len(lines) and (len(lines[end].segments) > 1 or _goes_on(lines, start, end, step)):
        end += 1
    found = lines[start:end]
    if sum(1 for line in found if len(line.segments) > 1) < _LEAST_ROWS:
        return None
    columns = _columns([segment for line in found for segment in line.segments])
    below = _columns([segment for line in found[1:] for segment in line.segments])
    if len(below) > len(columns):  # names of columns that stand closer than what is below them
        found = [_taken_apart(found[0]), *found[1:]]
        columns = _columns([segment for line in found for segment in line.segments])
    if len(columns) < 2:
        return None
    rows: list[list[str]] = []
    bold: list[bool] = []
    for number, line in enumerate(found):
        cells = [""] * len(columns)
        for segment in line.segments:
            place = next(
                n for n, (left, right) in enumerate(columns) if left <= segment.left and segment.right <= right
            )
            cells[place] = f"{cells[place]} {segment.text}".strip()
        tight = number > 0 and found[number - 1].bottom - line.bottom <= _TIGHT * step
        if rows and not cells[0] and tight:
            rows[-1] = [f"{above} {cell}".strip() for above, cell in zip(rows[-1], cells, strict=True)]
        else:
            rows.append(cells)
            bold.append(line.bold)
    has_names = names_columns(rows[0]) and (len(columns) > 2 or (bold[0] and not all(bold)))
    names = rows[0] if has_names and len(rows) > 1 else []
    said = [
        pair_text(row) if not names and len(columns) == 2 else row_text(names, row) for row in rows[1 if names else 0 :]
    ]
    return Table(tuple(text for text in said if text), end - start)


def _goes_on(lines: Sequence[Line], start: int, at: int, step: float) -> bool:
    """Whether a line with one segment is more of a cell above it, right of the first column."""
    if at == start:
        return False
    above, line = lines[at - 1], lines[at]
    close = 0 < above.bottom - line.bottom <= _TIGHT * step and above.page == line.page
    return close and line.left > lines[start].segments[0].right


def _taken_apart(line: Line) -> Line:
    """The line with each of its runs as a segment of its own."""
    pieces = [Segment(*piece) for segment in line.segments for piece in segment.pieces]
    return replace(line, segments=tuple(pieces))


def _columns(segments: Sequence[Segment]) -> list[tuple[float, float]]:
    """Stretches of the page's width that segments take, where those that overlap are one."""
    columns: list[tuple[float, float]] = []
    for segment in sorted(segments, key=lambda one: one.left):
        if columns and segment.left < columns[-1][1]:
            columns[-1] = (columns[-1][0], max(columns[-1][1], segment.right))
        else:
            columns.append((segment.left, segment.right))
    return columns
