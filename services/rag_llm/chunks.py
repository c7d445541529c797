"""Documents -> passages that carry their place.

A reader yields blocks (a paragraph, a list item, a table row) under a heading path; `passages` joins neighbouring
blocks of one heading to passages of about `WORDS` words, never across a heading.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from services.rag_llm.sentences import split_sentences, spoken

WORDS = 120
"""A passage is closed before it would grow past this; MiniLM reads 256 tokens, which is about 190 words."""


@dataclass(frozen=True, slots=True)
class Block:
    """Text under one heading path. `first_line` and `last_line` count from 1; `words` is how many it has."""

    headings: tuple[str, ...]
    first_line: int
    last_line: int
    text: str
    sentences: tuple[str, ...]

    @property
    def words(self) -> int:
        return len(self.text.split())


@dataclass(frozen=True, slots=True)
class Passage:
    """What is retrieved and cited. `sentences` are as they are to be spoken."""

    document: str
    headings: tuple[str, ...]
    first_line: int
    last_line: int
    text: str
    sentences: tuple[str, ...]

    @property
    def place(self) -> str:
        """Heading path and lines, as a reader would say it."""
        lines = (
            f"line {self.first_line}"
            if self.first_line == self.last_line
            else f"lines {self.first_line} to {self.last_line}"
        )
        return ", ".join([*self.headings, lines])

    @property
    def context(self) -> str:
        """What the passage stands under, for encoders that see nothing else of the document."""
        return " - ".join(self.headings) or self.document.rsplit(".", 1)[0].replace("-", " ").replace("_", " ")


_HEADING = re.compile(r" {0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
_ITEM = re.compile(r"\s*(?:[-*+]|\d{1,3}[.)])\s+")
_FENCE = re.compile(r"\s*(```|~~~)")
_RULE = re.compile(r"\s*([-*_])(?:\s*\1){2,}\s*$")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)\s*$")
_TABLE_RULE = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$")
_INLINE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"<!--.*?-->", re.DOTALL), " "),
    (re.compile(r"!\[([^\]]*)\]\([^)]*\)"), r"\1"),
    (re.compile(r"\[([^\]]+)\]\([^)]*\)"), r"\1"),
    (re.compile(r"\[([^\]]+)\]\[[^\]]*\]"), r"\1"),
    (re.compile(r"\[\^[^\]]+\]"), ""),
    (re.compile(r"</?[a-zA-Z][^<>]*>"), ""),
    (re.compile(r"`+([^`]+)`+"), r"\1"),
    (re.compile(r"(\*\*\*|\*\*|\*)(?=\S)(.+?)(?<=\S)\1"), r"\2"),
    (re.compile(r"(?<!\w)(___|__|_)(?=\S)(.+?)(?<=\S)\1(?!\w)"), r"\2"),
    (re.compile(r"~~(.+?)~~"), r"\1"),
    (re.compile(r"\\([\\`*_{}\[\]()#+.!|-])"), r"\1"),
)


def plain(markdown: str) -> str:
    """Inline Markdown without its marks."""
    for pattern, replacement in _INLINE:
        markdown = pattern.sub(replacement, markdown)
    return " ".join(markdown.split())


def _block(headings: Iterable[str], first: int, last: int, text: str) -> Block:
    return Block(tuple(headings), first, last, text, tuple(spoken(s) for s in split_sentences(text)))


def text_blocks(text: str) -> Iterator[Block]:
    """Blocks of a plain text: paragraphs between empty lines, without headings."""
    lines = text.splitlines()
    start: int | None = None
    for number, line in enumerate([*lines, ""], start=1):
        if line.strip():
            start = start or number
        elif start is not None:
            yield _block((), start, number - 1, " ".join(" ".join(lines[start - 1 : number - 1]).split()))
            start = None


class _MarkdownReader:
    """One pass over the lines of a Markdown text. Code blocks are left out: nobody wants to hear them."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()
        self._headings: list[tuple[int, str]] = []
        self._pending: list[str] = []
        self._start = 0
        self._columns: list[str] | None = None

    def blocks(self) -> Iterator[Block]:
        fence = ""
        skip_to = self._front_matter_end()
        for number, raw in enumerate(self._lines, start=1):
            if number <= skip_to:
                continue
            mark = _FENCE.match(raw)
            if fence:
                fence = "" if mark and mark[1] == fence else fence
                continue
            line = re.sub(r"^(\s*>)+\s?", "", raw)
            heading = _HEADING.match(line)
            if mark:
                yield from self._close(number)
                fence = mark[1]
            elif heading:
                yield from self._close(number)
                self._open_heading(len(heading[1]), heading[2])
            elif self._pending and _UNDERLINE.match(line) and not line.strip().startswith("- "):
                self._open_heading(1 if "=" in line else 2, " ".join(self._pending))
                self._pending = []
            elif not line.strip() or _RULE.match(line):
                yield from self._close(number)
                self._columns = None
            elif line.lstrip().startswith("|"):
                yield from self._close(number)
                yield from self._row(line, number)
            else:
                if _ITEM.match(line):
                    yield from self._close(number)
                    line = _ITEM.sub("", line, count=1)
                if not self._pending:
                    self._start = number
                self._pending.append(line.strip())
        yield from self._close(len(self._lines) + 1)

    def _front_matter_end(self) -> int:
        if self._lines[:1] != ["---"]:
            return 0
        return next((n for n, line in enumerate(self._lines[1:], start=2) if line.strip() in ("---", "...")), 0)

    def _path(self) -> list[str]:
        return [title for _, title in self._headings]

    def _open_heading(self, level: int, title: str) -> None:
        self._headings = [h for h in self._headings if h[0] < level]
        if plain(title):
            self._headings.append((level, plain(title)))

    def _close(self, number: int) -> Iterator[Block]:
        text = plain(" ".join(self._pending))
        if text:
            yield _block(self._path(), self._start, number - 1, text)
        self._pending = []

    def _row(self, line: str, number: int) -> Iterator[Block]:
        cells = [plain(cell) for cell in line.strip().strip("|").split("|")]
        if self._columns is None:
            self._columns = cells
        elif not _TABLE_RULE.match(line):
            said = [f"{c}: {v}" if c else v for c, v in zip(self._columns, cells, strict=False) if v]
            if said:
                yield _block(self._path(), number, number, "; ".join(said))


def markdown_blocks(text: str) -> Iterator[Block]:
    """Blocks of a Markdown text: paragraphs, list items and table rows, each with the headings it stands under."""
    return _MarkdownReader(text).blocks()


def passages(document: str, blocks: Iterable[Block], words: int = WORDS) -> list[Passage]:
    """Joins and cuts blocks to passages of about `words` words. A single longer sentence stays whole."""
    result: list[Passage] = []
    group: list[Block] = []
    for block in (piece for whole in blocks for piece in _cut(whole, words)):
        if group and (block.headings != group[0].headings or sum(b.words for b in group) + block.words > words):
            result.append(_joined(document, group))
            group = []
        group.append(block)
    if group:
        result.append(_joined(document, group))
    return [passage for passage in result if passage.sentences]


def _cut(block: Block, words: int) -> Iterator[Block]:
    if block.words <= words:
        yield block
        return
    part: list[str] = []
    for sentence in block.sentences:
        if part and len(" ".join([*part, sentence]).split()) > words:
            yield Block(block.headings, block.first_line, block.last_line, " ".join(part), tuple(part))
            part = []
        part.append(sentence)
    if part:
        yield Block(block.headings, block.first_line, block.last_line, " ".join(part), tuple(part))


def _joined(document: str, group: list[Block]) -> Passage:
    return Passage(
        document=document,
        headings=group[0].headings,
        first_line=group[0].first_line,
        last_line=group[-1].last_line,
        text=" ".join(block.text if block.text[-1] in ".!?\"'”’)" else f"{block.text}." for block in group),
        sentences=tuple(sentence for block in group for sentence in block.sentences),
    )
