"""DOCX -> blocks, by python-docx: headings by outline level, paragraphs, lists and tables in document order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from docx import Document
from docx.opc.exceptions import OpcError
from docx.oxml.ns import qn
from lxml import etree

from services.rag_llm.chunks import Block, Outline, Part
from services.rag_llm.readers.limits import SAVE_AGAIN, Limits, Unreadable
from services.rag_llm.readers.tables import MOST_COLUMNS, names_columns, pair_text, row_text
from services.rag_llm.readers.zipped import Container

_SKIPPED = {qn(f"w:{name}") for name in ("del", "moveFrom", "pPr", "rPr", "txbxContent")} | {
    "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
}
_TEXTS = {qn("w:t"), "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"}
_CONTENTS = re.compile(r"(?:toc|table of (?:figures|authorities)|index) ?(?:heading|\d+)?$", re.IGNORECASE)
_HEADING = re.compile(r"heading (\d)$", re.IGNORECASE)
_CAPTION_LEVEL = 12
_MOST_STYLES_DEEP = 20


def blocks(data: bytes, limits: Limits) -> Iterator[Block]:
    """Blocks of a Word document, placed by paragraphs: those of the body that hold text, a table's row counting as
    one. Headers, footers, notes, comments, deleted text and tables of contents are left out. Raises Unreadable."""
    safe = Container(data, limits).repacked(lambda name: name.endswith((".xml", ".rels")))
    try:
        document = Document(safe)
        body = document.element.body
        styles = _styles(document)
    except (OpcError, KeyError, ValueError, AttributeError, etree.XMLSyntaxError) as error:
        if "memory" in str(error).lower():
            raise MemoryError from error
        raise Unreadable(f"it is no Word document (DOCX), or damaged; {SAVE_AGAIN}") from error
    return _Reader(styles).blocks(body)


@dataclass(frozen=True)
class _Style:
    """What a paragraph style says of its paragraphs. level: of a heading, a title's being 1; 0 for others."""

    level: int = 0
    listed: bool = False
    contents: bool = False
    caption: bool = False


def _styles(document: Any) -> dict[str | None, _Style]:
    """Styles by id, each with what it inherits; the default paragraph style under None."""
    found: dict[str | None, _Style] = {}
    elements = {style.get(qn("w:styleId")): style for style in document.styles.element.iter(qn("w:style"))}
    for key, element in elements.items():
        level, listed, contents, caption = 0, False, False, False
        for _ in range(_MOST_STYLES_DEEP):
            if element is None:
                break
            name = (_value(element.find(qn("w:name"))) or "").lower()
            properties = element.find(qn("w:pPr"))
            heading = _HEADING.match(name)
            level = level or _outline_level(properties) or (int(heading[1]) + 1 if heading else int(name == "title"))
            listed = listed or _is_numbered(properties) or name.startswith(("list bullet", "list number"))
            contents = contents or bool(_CONTENTS.match(name))
            caption = caption or name == "caption"
            element = elements.get(_value(element.find(qn("w:basedOn"))))
        found[key] = _Style(level, listed, contents, caption)
    return found


def _value(element: Any) -> str | None:
    return None if element is None else cast("str | None", element.get(qn("w:val")))


def _outline_level(properties: Any) -> int:
    """The heading level that paragraph properties name, 0 for none. Theirs counts from 0, below a title's."""
    value = _value(properties.find(qn("w:outlineLvl"))) if properties is not None else None
    return int(value) + 2 if value is not None and value.isdigit() and int(value) < 9 else 0


def _is_numbered(properties: Any) -> bool:
    return properties is not None and properties.find(qn("w:numPr")) is not None


class _Reader:
    """One pass over the body."""

    def __init__(self, styles: dict[str | None, _Style]) -> None:
        self._styles = styles
        self._outline = Outline()
        self._count = 0

    def blocks(self, parent: Any) -> Iterator[Block]:
        """Blocks below an element; containers (content controls, insertions) are looked into."""
        for element in parent:
            if element.tag == qn("w:p"):
                yield from self._paragraph(element)
            elif element.tag == qn("w:tbl"):
                yield from self._table(element)
            elif element.tag in (qn("w:sdt"), qn("w:sdtContent"), qn("w:ins"), qn("w:customXml"), qn("w:moveTo")):
                yield from self.blocks(element)

    def _paragraph(self, element: Any) -> Iterator[Block]:
        properties = element.find(qn("w:pPr"))
        style = self._styles.get(_value(properties.find(qn("w:pStyle"))) if properties is not None else None, _Style())
        text = _text(element)
        if re.search(r"\w", text) and not style.contents:
            self._count += 1
            level = _outline_level(properties) or style.level
            following = element.getnext()
            if level:
                self._outline.open(level, text)
            elif style.caption and following is not None and following.tag == qn("w:tbl"):
                self._outline.open(_CAPTION_LEVEL, text)
            else:
                part: Part = "item" if style.listed or _is_numbered(properties) else "text"
                yield Block.of(self._outline.path, "paragraph", self._count, self._count, text, part)
        for box in element.iter(qn("w:txbxContent")):
            if next(box.iterancestors(*_SKIPPED - {qn("w:txbxContent")}), None) is None:
                yield from self.blocks(box)

    def _table(self, table: Any) -> Iterator[Block]:
        rows = [_cells(row) for row in table.iter(qn("w:tr")) if next(row.iterancestors(qn("w:tbl"))) is table]
        columns = [name or "" for name in rows[0]] if rows and _names_columns(table, rows) else []
        above: list[str] = []
        for number, row in enumerate(rows):
            cells = [(above[n] if n < len(above) else "") if cell is None else cell for n, cell in enumerate(row)]
            above = cells
            if not any(cells):
                continue
            self._count += 1
            if columns and number == 0:
                continue
            if len(cells) > 1 and len(set(cells)) == 1:
                text = cells[0]  # one cell across the table
            else:
                text = pair_text(cells) if not columns and len(cells) == 2 else row_text(columns, cells)
            if re.search(r"\w", text):
                yield Block.of(self._outline.path, "paragraph", self._count, self._count, text, "row")
        self._outline.close(_CAPTION_LEVEL)


def _names_columns(table: Any, rows: list[list[str | None]]) -> bool:
    """Whether a table's first row names its columns. Of two columns the first often names what the second says, so
    there the row has to be marked as a header, or set in bold."""
    if len(rows) < 2 or len(rows[0]) < 2 or not names_columns([name or "" for name in rows[0]]):
        return False
    first = next(table.iter(qn("w:tr")))
    runs = [run for run in first.iter(qn("w:r")) if next(run.iter(qn("w:t")), None) is not None]
    marked = next(first.iter(qn("w:tblHeader")), None) is not None
    return len(rows[0]) > 2 or marked or all(next(run.iter(qn("w:b")), None) is not None for run in runs)


def _cells(row: Any) -> list[str | None]:
    """A cell for each column; None where the one above goes on."""
    cells: list[str | None] = []
    for cell in row.iter(qn("w:tc")):
        if next(cell.iterancestors(qn("w:tr"))) is not row:
            continue
        properties = cell.find(qn("w:tcPr"))
        merged = properties.find(qn("w:vMerge")) if properties is not None else None
        span = _value(properties.find(qn("w:gridSpan"))) if properties is not None else None
        width = min(MOST_COLUMNS, int(span)) if span is not None and span.isdigit() else 1
        goes_on = merged is not None and _value(merged) != "restart"
        text = " ".join(filter(None, (_text(paragraph) for paragraph in cell.iter(qn("w:p")))))
        cells += [None if goes_on else text] * width
    return cells[:MOST_COLUMNS]


def _text(paragraph: Any) -> str:
    """What a paragraph shows, without what was deleted and without the boxes anchored in it."""
    pieces: list[str] = []

    def collect(element: Any) -> None:
        for child in element:
            if child.tag in _SKIPPED or child.tag == qn("w:p"):
                continue
            if child.tag in _TEXTS:
                pieces.append(child.text or "")
            elif child.tag in (qn("w:tab"), qn("w:br"), qn("w:cr")):
                pieces.append(" ")
            elif child.tag == qn("w:noBreakHyphen"):
                pieces.append("-")
            else:
                collect(child)

    collect(paragraph)
    return " ".join("".join(pieces).split())
