"""Markdown (CommonMark, with tables) -> blocks, by markdown-it. Code is left out: nobody wants to hear it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from services.rag_llm.chunks import Block, Outline, Part
from services.rag_llm.readers import encoding
from services.rag_llm.readers.limits import Limits
from services.rag_llm.readers.tables import row_text

_FRONT_MATTER = re.compile(r"(---|\+\+\+)[ \t]*$")
_FRONT_MATTER_LINES = 200
_KEY = re.compile(r"#|[\w-]+\s*[:=]|\[")
_TITLE = re.compile(r"title\s*[:=]\s*(.+)$", re.IGNORECASE)
_FOOTNOTE = re.compile(r"\[\^[^\]\s]{1,60}\]:?")
_ANCHOR = re.compile(r"\s*\{[#.:][^{}]{0,100}\}\s*$")
_TASK = re.compile(r"\[[ xX]\]\s+")
_TITLED = re.compile(r"#{1,6}\s")


def blocks(data: bytes, limits: Limits) -> Iterator[Block]:
    """Blocks of a Markdown file, placed by lines. Raises Unreadable when it holds no text, or too much."""
    text = encoding.decode(data)
    limits.check_text(len(text))
    return markdown_blocks(text)


def markdown_blocks(text: str) -> Iterator[Block]:
    """Blocks of a Markdown text: paragraphs, list items and table rows, each with the headings it stands under."""
    rows = encoding.lines(text)
    outline = Outline()
    end = _front_matter_end(rows)
    title = next((found[1] for row in rows[:end] if (found := _TITLE.match(row))), "")
    if title and not any(row.startswith("# ") for row in rows[end:]):
        outline.open(1, title.strip("\"' "))
        rows = [f"#{row}" if _TITLED.match(row) and not row.startswith("######") else row for row in rows]
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    tokens = parser.parse("\n".join(["" if number < end else row for number, row in enumerate(rows)]))
    return _Reader(tokens, outline).blocks()


def _front_matter_end(rows: Sequence[str]) -> int:
    """How many lines the YAML or TOML table at the beginning takes."""
    mark = _FRONT_MATTER.match(rows[0])
    if not mark or not _KEY.match(rows[1] if len(rows) > 1 else ""):
        return 0
    ends = (mark[1], "...") if mark[1] == "---" else (mark[1],)
    return next((n for n, row in enumerate(rows[1:_FRONT_MATTER_LINES], start=2) if row.rstrip() in ends), 0)


class _Reader:
    """One pass over the block tokens of a document."""

    def __init__(self, tokens: Sequence[Token], outline: Outline) -> None:
        self._tokens = tokens
        self._outline = outline
        self._items = 0
        self._item_is_new = False
        self._columns: list[str] = []
        self._cells: list[str] | None = None

    def blocks(self) -> Iterator[Block]:
        heading = 0
        lines = (0, 0)
        for token in self._tokens:
            lines = (token.map[0] + 1, max(token.map[0] + 1, token.map[1])) if token.map else lines
            match token.type:
                case "heading_open":
                    heading = int(token.tag[1:])
                case "heading_close":
                    heading = 0
                case "list_item_open":
                    self._items += 1
                    self._item_is_new = True
                case "list_item_close":
                    self._items -= 1
                case "thead_open":
                    self._columns = []
                case "tr_open":
                    self._cells = []
                case "tr_close":
                    yield from self._row(lines)
                case "html_block":
                    from services.rag_llm.readers import web_page  # its parser is large, and seldom needed here

                    yield from web_page.fragment_blocks(token.content, self._outline, lines[0])
                case "inline" if heading:
                    self._outline.open(heading, _ANCHOR.sub("", _plain(token)))
                case "inline" if self._cells is not None:
                    self._cells.append(_plain(token))
                case "inline":
                    yield from self._paragraph(_plain(token), lines)

    def _row(self, lines: tuple[int, int]) -> Iterator[Block]:
        cells, self._cells = self._cells or [], None
        if not self._columns:
            self._columns = cells or [""]
        elif text := row_text(self._columns, cells):
            yield Block.of(self._outline.path, "line", lines[0], lines[0], text, "row")

    def _paragraph(self, text: str, lines: tuple[int, int]) -> Iterator[Block]:
        part: Part = "item" if self._items and self._item_is_new else "text"
        self._item_is_new = False
        text = _TASK.sub("", text, count=1) if self._items else text
        if re.search(r"\w", text):
            yield Block.of(self._outline.path, "line", *lines, text, part)


def _plain(token: Token) -> str:
    """The text of a paragraph without its marks; what is struck out is left out, a picture is what it is called."""
    pieces: list[str] = []
    struck = 0
    children = token.children or []
    alone = all(child.type in ("image", "softbreak", "link_open", "link_close", "hardbreak") for child in children)
    for child in children:
        match child.type:
            case "s_open":
                struck += 1
            case "s_close":
                struck -= 1
            case "text" | "code_inline" if not struck:
                pieces.append(child.content)
            case "softbreak" | "hardbreak" | "html_inline":
                pieces.append(" " if child.type != "html_inline" or child.content.startswith("<br") else "")
            case "image" if len(child.content.split()) > (3 if alone else 0):
                pieces.append(child.content)
    return _FOOTNOTE.sub("", "".join(pieces))
