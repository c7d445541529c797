"""PDF -> blocks, by PDFium: paragraphs rebuilt from lines, placed by pages."""

from __future__ import annotations

import ctypes
import math
import re
import unicodedata
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pypdfium2 as pdfium
from pypdfium2 import raw

from services.rag_llm.chunks import Block
from services.rag_llm.readers.limits import SAVE_AGAIN, Limits, Unreadable
from services.rag_llm.readers.pdf_layout import Entry, page_blocks
from services.rag_llm.readers.pdf_lines import Page, Run, lines

_OUTLINE_DEPTH = 6
_OUTLINE_ENTRIES = 10_000
_SCANNED_CHARACTERS = 15
"""A page with less text than this, and a picture, is a picture of text."""
_UNREADABLE_SHARE = 0.2
_BOLD_WEIGHT = 600
_FIXED_PITCH = 1
_FONT_NAME_BYTES = 128


def blocks(data: bytes, limits: Limits) -> Iterator[Block]:
    """Blocks of a PDF under the headings of its outline, or those that are set larger, or its title.

    Raises Unreadable for one that is damaged or encrypted, has too many pages, or holds no text.
    """
    try:
        document = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        if error.err_code == raw.FPDF_ERR_PASSWORD:
            raise Unreadable("it is protected by a password; save a copy without one") from error
        if error.err_code == raw.FPDF_ERR_SECURITY:
            raise Unreadable("it is encrypted in a way that is not supported; print it to a new PDF") from error
        raise Unreadable(f"it is damaged, or no PDF; {SAVE_AGAIN}") from error
    with closing(document):
        if len(document) > limits.pages:
            raise Unreadable(f"it has {len(document)} pages, more than {limits.pages}; split it")
        pages = list(_pages(document, limits))
        text = "".join(line.text for page in pages for line in page.lines)
        if len(text) < _SCANNED_CHARACTERS * len(pages) and _has_pictures(document):
            raise Unreadable("it holds pictures of text only; run it through an OCR program first")
        if sum(map(_is_unknown, text)) > _UNREADABLE_SHARE * len(text):
            raise Unreadable("its fonts do not say which letters they show; run it through an OCR program first")
        yield from page_blocks(pages, list(_outline(document)), _title(document))


def _pages(document: Any, limits: Limits) -> Iterator[Page]:
    characters = 0
    for number in range(len(document)):
        try:
            page = document[number]
        except pdfium.PdfiumError:
            continue  # one damaged page of many
        with closing(page):
            found = Page(number + 1, page.get_height(), tuple(lines(_runs(page), number + 1)))
        characters += sum(len(line.text) for line in found.lines)
        limits.check_text(characters)
        yield found


def _runs(page: Any) -> Iterator[Run]:
    with closing(page.get_textpage()) as text:
        for number in range(text.count_rects()):
            left, bottom, right, top = text.get_rect(number)
            said = text.get_text_bounded(left, bottom, right, top)
            index = text.get_index(left + 0.5, (bottom + top) / 2, 3, 3)
            size, bold, fixed = _font(text, index) if index is not None else (top - bottom, False, False)
            yield Run(said, left, bottom, right, top, size, bold, fixed)


def _font(text: Any, index: int) -> tuple[float, bool, bool]:
    """A character's size on the page, in points, whether it is bold, and whether its font is one of fixed width."""
    matrix = raw.FS_MATRIX()
    scale = math.hypot(matrix.b, matrix.d) if raw.FPDFText_GetMatrix(text, index, matrix) else 1.0
    name = ctypes.create_string_buffer(_FONT_NAME_BYTES)
    flags = ctypes.c_int()
    raw.FPDFText_GetFontInfo(text, index, name, _FONT_NAME_BYTES, flags)
    fixed = bool(flags.value & _FIXED_PITCH) or re.search(rb"mono|courier|cmtt", name.value, re.IGNORECASE) is not None
    bold = re.search(rb"bold|black|heavy|cmbx", name.value, re.IGNORECASE) is not None
    bold = bold or raw.FPDFText_GetFontWeight(text, index) > _BOLD_WEIGHT
    return raw.FPDFText_GetFontSize(text, index) * scale, bold, fixed


def _outline(document: Any) -> Iterator[Entry]:
    for number, bookmark in enumerate(document.get_toc(max_depth=_OUTLINE_DEPTH)):
        target = bookmark.get_dest()
        page = target.get_index() if target is not None else None
        if number >= _OUTLINE_ENTRIES:
            return
        if page is not None:
            mode, view = target.get_view()
            top = view[1] if mode == raw.PDFDEST_VIEW_XYZ and len(view) > 1 and view[1] else None
            yield Entry(bookmark.level + 1, bookmark.get_title(), page + 1, top)


def _title(document: Any) -> str:
    """The document's title, unless it is only what its program called it."""
    title = document.get_metadata_value("Title").strip()
    title = re.sub(r"^Microsoft \w+ -\s*", "", title)
    return "" if re.search(r"\.\w{2,5}$|^untitled|^slide \d+$|^\W*$", title, re.IGNORECASE) else title


def _has_pictures(document: Any) -> bool:
    for number in range(len(document)):
        with closing(document[number]) as page:
            if next(page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=5), None) is not None:
                return True
    return False


def _is_unknown(character: str) -> bool:
    return character == "\ufffd" or unicodedata.category(character) in ("Cc", "Cn", "Co", "Cs")
