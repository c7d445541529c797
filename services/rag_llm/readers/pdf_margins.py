"""Leaves out what stands at the edges of many pages of a PDF: running heads and feet, and page numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from services.rag_llm.readers.pdf_lines import LARGER, Line, Page, body_size

_MARGIN = 0.12
_EDGE_LINES = 3
_REPEATED = 3
_NUMBER = re.compile(r"(?<![\d.,])\d{1,4}(?![\d.,])")
_PAGE_NUMBER = re.compile(
    r"(?:page|seite|p\.)?\s*[-–—|]?\s*(?:#|\d{1,4}|[ivxlc]{1,7})\s*(?:(?:of|/|von)\s*\d{1,4})?\s*[-–—|]?", re.IGNORECASE
)
_NUMBERED = re.compile(r"^# | #$")
_GAP_MARK = "\t"


def without_running_heads(pages: Sequence[Page]) -> list[Page]:
    """The pages without their numbers, and without what stands at the same edge of several of them."""
    body = body_size([line for page in pages for line in page.lines])
    offsets = _number_offsets(pages, body)
    counts: Counter[tuple[str, int]] = Counter()
    for page in pages:
        counts.update({_edge_key(line, page, offsets) for line in _edge_lines(page, body)})
    least = min(_REPEATED, max(2, len(pages)))
    result = []
    for page in pages:
        dropped = set()
        for line in _edge_lines(page, body):
            key = _edge_key(line, page, offsets)
            parts = key[0].split(_GAP_MARK)
            if counts[key] >= least or any(_PAGE_NUMBER.fullmatch(part) or _NUMBERED.search(part) for part in parts):
                dropped.add(id(line))
        result.append(replace(page, lines=tuple(line for line in page.lines if id(line) not in dropped)))
    return result


def _edge_lines(page: Page, body: float) -> list[Line]:
    """The first and last lines of a page in its margins, but for those that are set as headings."""
    small = [line for line in page.lines if line.size < LARGER * body]
    by_height = sorted(small, key=lambda line: -line.bottom)
    heads = [line for line in by_height[:_EDGE_LINES] if line.bottom > (1 - _MARGIN) * page.height]
    return heads + [line for line in by_height[-_EDGE_LINES:] if line.top < _MARGIN * page.height]


def _number_offsets(pages: Sequence[Page], body: float) -> set[int]:
    """What to add to a page's place to get a number printed at its edge, where most pages have such a number."""
    offsets: Counter[int] = Counter()
    for page in pages:
        text = " ".join(line.text for line in _edge_lines(page, body))
        offsets.update({int(number) - page.number for number in _NUMBER.findall(text)})
    return {offset for offset, count in offsets.items() if len(pages) >= _REPEATED and count >= 0.5 * len(pages)}


def _edge_key(line: Line, page: Page, offsets: set[int]) -> tuple[str, int]:
    """What a running head has in common with itself on other pages: its words, with "#" for the page's own number
    ("Section 4" is no running head, wherever it stands), and its place."""
    own = {str(page.number + offset) for offset in offsets}
    parts = (
        _NUMBER.sub(lambda found: "#" if found[0] in own else found[0], " ".join(segment.text.casefold().split()))
        for segment in line.segments
    )
    return _GAP_MARK.join(parts), round(line.bottom / 4)
