"""HTML -> blocks, by lxml: headings, paragraphs, lists, definitions and tables of the page's content."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from lxml import etree

from services.rag_llm.chunks import Block, Outline, Part, Unit
from services.rag_llm.readers import boilerplate, encoding, plain_text, web_table
from services.rag_llm.readers.limits import Limits, Unreadable

_DECLARED = re.compile(
    rb"""(?:<meta[^>]{0,200}?charset|<\?xml[^>]{0,100}?encoding)\s*=\s*["']?\s*([\w.:-]{1,40})""", re.I
)
_DECLARED_WITHIN = 4096
_TAGS = (
    "address article blockquote body center dd details dir div dl dt fieldset figcaption figure form h1 h2 h3 h4 h5 h6 "
    "header hgroup hr html legend li main ol p pre section summary table tbody td tfoot th thead tr ul caption"
)
_BLOCKS = frozenset(_TAGS.split())
_BREAK = "\v"
_BREAKS = re.compile(r"\s*\v\s*\v[\s\v]*")
_RAISED = str.maketrans("0123456789-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻")
_NOTE = re.compile(r"reference|footnote|noteref|cite", re.IGNORECASE)
_EMPTY_PHRASE = re.compile(
    r"(?:read|learn|see|show|load|find out) more|back to top|top|click here|print|share|edit|next|previous|home|menu",
    re.IGNORECASE,
)
_NUMBERED_LINES = 65_000
"""libxml2 counts lines up to 65,535; in a longer page several are folded to one, and a place names them all."""
_MENU_WORDS = 4
_PROSE_WORDS = 8
_SUMMARY_LEVEL = 7
_CAPTION_LEVEL = 8


def blocks(data: bytes, limits: Limits) -> Iterator[Block]:
    """Blocks of an HTML file, placed by lines. Raises Unreadable when it is no text, or nested beyond measure."""
    return page_blocks(encoding.decode(data, declared(data)), limits)


def declared(data: bytes) -> str | None:
    """The encoding that a page's head names."""
    found = _DECLARED.search(data[:_DECLARED_WITHIN])
    return found[1].decode("ascii") if found else None


def page_blocks(text: str, limits: Limits, name: str = "", section: int | None = None) -> Iterator[Block]:
    """Blocks of a page. A page without a top heading stands under its title, or under `name`.

    section: of a book, what the page counts as; blocks are then placed by it and not by lines, and `name`, which the
    book's contents give it, goes before its title. Raises Unreadable.
    """
    rows = encoding.lines(text)
    folded = len(rows) // _NUMBERED_LINES + 1
    if folded > 1:
        rows = [" ".join(rows[n : n + folded]) for n in range(0, len(rows), folded)]
    root = parse("\n".join(rows))
    if root is None:
        return
    outline = Outline()
    page = boilerplate.content(root)
    limits.check_text(boilerplate.size(page))
    if not any(boilerplate.is_shown(heading, page) for heading in page.iter("h1")):
        title = next((" ".join("".join(found.itertext()).split()) for found in root.iter("title")), "")
        outline.open(1, (name or title) if section is not None else (title or name))
    yield from _PageReader(page, outline, folded=folded, section=section).blocks()


def fragment_blocks(text: str, outline: Outline, first_line: int) -> Iterator[Block]:
    """Blocks of a piece of HTML inside another document, below that document's headings. Raises Unreadable."""
    root = parse(text)
    if root is not None:
        yield from _PageReader(root, outline, offset=first_line - 1).blocks()


def parse(text: str) -> Any:
    """The tree of a page, None for an empty one. Nothing outside the text is read. Raises Unreadable."""
    parser = etree.HTMLParser(
        encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=False, recover=True
    )
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError as error:
        if "memory" in str(error).lower():
            raise MemoryError from error
        raise Unreadable("its HTML is damaged beyond repair; save the page again from a browser") from error
    limits_hit = [entry.message for entry in parser.error_log if entry.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT]
    if any("depth" in message for message in limits_hit):
        raise Unreadable("its elements are nested more than 256 deep; save the page again from a browser, or as text")
    if limits_hit:
        raise Unreadable("one piece of its text has more than 10 million characters; split it")
    return root


class _PageReader:
    """One pass over the elements of a page, in document order; text waits until its paragraph is whole.

    offset: lines before the page's first; folded: lines of the file that the parser sees as one; section: what all
    blocks are placed by, where it is not lines.
    """

    def __init__(
        self, page: Any, outline: Outline, offset: int = 0, folded: int = 1, section: int | None = None
    ) -> None:
        self._page = page
        self._size = boilerplate.size(page)
        self._outline = outline
        self._offset = offset
        self._folded = folded
        self._section = section
        self._pieces: list[str] = []
        self._line = 1
        self._first = 0
        self._part: Part = "text"
        self._prefix = ""
        self._prose_came = False
        # A page that is little else than preformatted text is a text somebody put on the web; elsewhere it is code.
        self._pre_is_text = sum(boilerplate.size(pre) for pre in page.iter("pre")) > 0.6 * self._size
        self._titled_in_header = not any(boilerplate.is_shown(title, page) for title in page.iter("h1", "h2"))

    def blocks(self) -> Iterator[Block]:
        yield from self._inside(self._page)
        yield from self._close()

    def _inside(self, element: Any) -> Iterator[Block]:
        self._add(element.text)
        for child in element:
            self._line = child.sourceline or self._line
            tag = child.tag
            is_block = tag in _BLOCKS or "-" in tag
            if is_block:
                yield from self._close()
            if boilerplate.is_left_out(child, self._size):
                self._line += sum(text.count("\n") for text in child.itertext())
            elif tag == "br":
                self._pieces.append(_BREAK)
            elif tag in ("sup", "sub"):
                self._add(_raised(child, self._pieces))
            elif is_block:
                yield from self._block(child, tag)
                yield from self._close()
            else:
                yield from self._inside(child)
            self._add(child.tail)

    def _block(self, element: Any, tag: str) -> Iterator[Block]:
        match tag:
            case "h1" | "h2" | "h3" | "h4" | "h5" | "h6":
                self._outline.open(int(tag[1]), " ".join(self._parts(element)))
            case "header" if element.getparent().tag not in ("article", "main", "section") or self._titled_in_header:
                for title in element.iter("h1", "h2", "h3") if self._titled_in_header else ():
                    self._outline.open(int(title.tag[1]), " ".join(self._parts(title)))
            case "pre":
                if self._pre_is_text:
                    yield from self._preformatted(element)
            case "summary":
                self._outline.open(_SUMMARY_LEVEL, " ".join(self._parts(element)))
            case "details":
                yield from self._inside(element)
                yield from self._close()
                self._outline.close(_SUMMARY_LEVEL)
            case "table" if web_table.is_data(element):
                yield from self._table(element)
            case "ul" | "ol" if not self._prose_came and _is_menu(element):
                return
            case "li":
                self._part = "item"
                yield from self._inside(element)
                yield from self._close()
                self._part = "text"
            case "dt":
                self._prefix = ", ".join(
                    [self._prefix, *self._parts(element)] if self._prefix else self._parts(element)
                )
            case "dd":
                yield from self._inside(element)
                yield from self._close()
                self._prefix = ""
            case _:
                yield from self._inside(element)

    def _table(self, table: Any) -> Iterator[Block]:
        caption = next(table.iter("caption"), None)
        if caption is not None:
            self._outline.open(_CAPTION_LEVEL, " ".join(self._parts(caption)))
        for row, text in web_table.rows(table, lambda cell: _cell_text(self._parts(cell))):
            self._line = row.sourceline or self._line
            last = max([self._line, *(element.sourceline or 0 for element in row.iterdescendants())])
            yield Block.of(self._outline.path, *self._place(self._line, last), text, "row")
        if caption is not None:
            self._outline.close(_CAPTION_LEVEL)

    def _preformatted(self, element: Any) -> Iterator[Block]:
        text = "".join(element.itertext())
        for block in plain_text.text_blocks(text):
            unit, first, last = self._place(self._line + block.first - 1, self._line + block.last - 1)
            yield replace(block, headings=self._outline.path + block.headings, unit=unit, first=first, last=last)

    def _parts(self, element: Any) -> list[str]:
        """What an element says, line by line."""
        return [" ".join(line.split()) for line in "".join(self._words(element)).split(_BREAK) if line.strip()]

    def _words(self, element: Any) -> list[str]:
        pieces = [element.text or ""]
        for child in element:
            if not boilerplate.is_left_out(child, self._size):
                if child.tag in ("sup", "sub"):
                    pieces.append(_raised(child, pieces))
                elif child.tag == "br" or child.tag in _BLOCKS:
                    pieces += [_BREAK, *self._words(child), _BREAK]
                else:
                    pieces += self._words(child)
            pieces.append(child.tail or "")
        return pieces

    def _add(self, text: str | None) -> None:
        if not text:
            return
        if not self._first and text.strip():
            self._first = self._line + text[: len(text) - len(text.lstrip())].count("\n")
        self._pieces.append(text)
        self._line += text.count("\n")

    def _close(self) -> Iterator[Block]:
        """Ends the paragraph; two line breaks end one as well."""
        if not self._first:
            self._pieces = []
            return
        text, first = "".join(self._pieces).strip(), self._first
        self._pieces, self._first = [], 0
        for paragraph in _BREAKS.split(text):
            last = first + paragraph.count("\n")
            words = paragraph.replace(_BREAK, " ").strip()
            if re.search(r"\w", words) and not _EMPTY_PHRASE.fullmatch(words):
                self._prose_came = self._prose_came or len(words.split()) >= _PROSE_WORDS
                yield Block.of(self._outline.path, *self._place(first, last), self._prefixed(words), self._part)
                self._part = "text"
            first = last

    def _prefixed(self, text: str) -> str:
        """A definition after its term."""
        term, self._prefix = self._prefix, ""
        return f"{term.rstrip(':')}{' ' if term.endswith('?') else ': '}{text}" if term else text

    def _place(self, first: int, last: int) -> tuple[Unit, int, int]:
        if self._section is not None:
            return "section", self._section, self._section
        return "line", (first - 1) * self._folded + 1 + self._offset, last * self._folded + self._offset


def _is_menu(element: Any) -> bool:
    """Whether a list is nothing but short links."""
    items = [*element.iter("li")]
    words = sum(len(text.split()) for text in element.itertext())
    return len(items) >= 3 and words <= _MENU_WORDS * len(items) and boilerplate.link_share(element) > 0.9


def _cell_text(parts: list[str]) -> str:
    return re.sub(r"([.!?:;,]), ", r"\1 ", ", ".join(parts))


def _raised(element: Any, before: list[str]) -> str:
    """What a superscript or subscript says: nothing where it is a note's mark, "²" after what it belongs to."""
    if next(element.iter("a"), None) is not None or _NOTE.search(element.get("class", "")):
        return ""
    text = "".join(element.itertext()).strip()
    raised = element.tag == "sup" and re.fullmatch(r"[-−]?\d{1,4}", text) and re.search(r"\w$", "".join(before[-1:]))
    return text.translate(_RAISED) if raised else text
