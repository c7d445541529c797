"""Runs of text on a page -> its lines, each in the pieces that wide gaps cut it into."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

_CELL_GAP = 0.65
_WORD_GAP = 0.4
"""Gaps between runs, in font sizes: a wider one parts cells of a table, or words."""
LARGER = 1.12
"""What is set this many times larger than the body is a heading."""
_BULLET_GAP = 40
BULLET = re.compile(r"[•‣▪●○■□◦∙·➢\uf0b7\uf0a7\x7f–—*-]")
_MARK = re.compile(rf"{BULLET.pattern}|\(?(?:\d{{1,2}}|[a-z])[.)]")
_RAISED_SIZE = 0.8
_POWER = re.compile(r"[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"})
_HYPHENS = str.maketrans({"\x02": "-", "\ufffe": "-", "\u2010": "-", "\u2011": "-"})


@dataclass(frozen=True, slots=True)
class Run:
    """Text set in one go. Positions in points from the page's lower left corner; size: of the font, in points; fixed:
    all its letters are equally wide, as in code."""

    text: str
    left: float
    bottom: float
    right: float
    top: float
    size: float
    bold: bool = False
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a line without wide gaps; pieces: the words or runs it is made of, as (text, left, right)."""

    text: str
    left: float
    right: float
    pieces: tuple[tuple[str, float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text; most have one segment. page counts from 1."""

    page: int
    segments: tuple[Segment, ...]
    bottom: float
    top: float
    size: float
    bold: bool
    fixed: bool = False

    @property
    def text(self) -> str:
        return " ".join(segment.text for segment in self.segments)

    @property
    def left(self) -> float:
        return self.segments[0].left

    @property
    def right(self) -> float:
        return self.segments[-1].right


@dataclass(frozen=True, slots=True)
class Page:
    """number counts from 1; height in points."""

    number: int
    height: float
    lines: tuple[Line, ...]


def body_size(lines: Sequence[Line]) -> float:
    """The font size that most of the text has, to half a point."""
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[rounded_size(line)] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 10.0


def rounded_size(line: Line) -> float:
    """A line's font size to half a point."""
    return round(line.size * 2) / 2


def lines(runs: Iterable[Run], page: int) -> list[Line]:
    """Lines in the order in which the page draws them; runs that stand beside each other are one line."""
    result: list[Line] = []
    group: list[Run] = []
    for run in runs:
        if not run.text.strip() or _is_rotated(run):
            continue
        if group and not _beside(max(group, key=lambda one: one.size), run):
            result += _line(group, page)
            group = []
        group.append(run)
    return _with_bullets(result + _line(group, page))


def _with_bullets(lines: list[Line]) -> list[Line]:
    """The lines with each bullet before what it belongs to, wherever the page draws it."""
    bullets = [line for line in lines if BULLET.fullmatch(line.text)]
    result = []
    for line in lines:
        if any(line is bullet for bullet in bullets):
            continue
        own = [bullet for bullet in bullets if 0 <= line.left - bullet.right < _BULLET_GAP and _beside(line, bullet)]
        if own:
            first = replace(line.segments[0], text=f"• {line.segments[0].text}")
            line = replace(line, segments=(first, *line.segments[1:]))
        result.append(line)
    return result


def _is_rotated(run: Run) -> bool:
    return len(run.text.strip()) > 3 and run.top - run.bottom > 3 * (run.right - run.left)


def _beside(one: Run | Line, other: Run | Line) -> bool:
    """Whether two runs (or lines) share at least half of the lower one's height."""
    shared = min(one.top, other.top) - max(one.bottom, other.bottom)
    return shared > 0.5 * min(one.top - one.bottom, other.top - other.bottom)


def _line(group: list[Run], page: int) -> list[Line]:
    if not group:
        return []
    main = max(group, key=lambda run: (len(run.text), run.size))
    segments: list[Segment] = []
    open_ended = False  # whether the text so far ends with a blank, which PDFium puts where it sees a gap
    for run in sorted(group, key=lambda run: run.left):
        text = _text(run, main)
        piece = (text.strip(), run.left, run.right)
        gap = run.left - segments[-1].right if segments else math.inf
        if gap > _CELL_GAP * main.size:
            segments.append(Segment(text.strip(), run.left, run.right, (piece,)))
        else:
            blank = open_ended or text[:1].isspace() or gap > _WORD_GAP * main.size
            blank = blank and not _POWER.fullmatch(text)
            segments[-1] = _longer(segments[-1], piece, blank)
        open_ended = text[-1:].isspace()
    if len(segments) == 2 and _MARK.fullmatch(segments[0].text):
        mark, item = segments
        segments = [Segment(f"{mark.text} {item.text}", mark.left, item.right, item.pieces)]
    bold = all(run.bold for run in group)
    fixed = all(run.fixed for run in group)
    return [Line(page, tuple(segments), main.bottom, main.top, main.size, bold, fixed)]


def _longer(segment: Segment, piece: tuple[str, float, float], blank: bool) -> Segment:
    """The segment with one run more, which without a blank goes on with the last one's word."""
    text, left, right = piece
    if blank:
        pieces = (*segment.pieces, piece)
    else:
        word, begin, end = segment.pieces[-1]
        pieces = (*segment.pieces[:-1], (f"{word}{text}", begin, max(end, right)))
    return Segment(f"{segment.text}{' ' if blank else ''}{text}", segment.left, max(segment.right, right), pieces)


def _text(run: Run, main: Run) -> str:
    text = run.text.translate(_LIGATURES).translate(_HYPHENS)
    raised = run.size <= _RAISED_SIZE * main.size and run.bottom > main.bottom + 0.2 * main.size
    return text.strip().translate(_RAISED) if raised and re.fullmatch(r"\s*\d{1,3}\s*", text) else text
