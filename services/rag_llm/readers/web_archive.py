"""Web archives (WARC, WET; plain or gzip) -> blocks, by warcio: each page under its title or address.

Read are plain text ("conversion" records, as in WET files) and the text and HTML of responses and resources.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.statusandheaders import StatusAndHeadersParserException

from services.rag_llm.chunks import HEADING_CHARACTERS, Block, printable
from services.rag_llm.readers import encoding, plain_text, web_page
from services.rag_llm.readers.limits import Limits, Unreadable

_GZIP = b"\x1f\x8b"
_PIECE_BYTES = 1 << 16
_PAGE_BYTES = 20_000_000
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_WEB_LINES = 5
"""A text with so few empty lines is one that was taken from a page, a line for each of its paragraphs."""
_LABEL = re.compile(r"[^\W\d]+(?:[ &|/-]+[^\W\d]+){0,2}")
"""Up to three words and nothing else: "Home", "About us", "Log in"."""


def blocks(data: bytes, limits: Limits) -> Iterator[Block]:
    """Blocks of an archive, placed by the lines of each page. Raises Unreadable."""
    stream = io.BufferedReader(_Unzipped(data, limits.unpacked_bytes)) if data.startswith(_GZIP) else io.BytesIO(data)
    pages = 0
    try:
        for record in ArchiveIterator(stream):
            pages += 1
            if pages > limits.records:
                raise Unreadable(f"it holds more than {limits.records} records; split it")
            yield from _page(record, limits)
    except (ArchiveLoadFailed, StatusAndHeadersParserException, EOFError, zlib.error, OSError) as error:
        if not pages:
            raise Unreadable("it is no web archive (WARC or WET), or damaged; fetch it again") from error
        raise Unreadable(f"it is damaged after record {pages}; fetch it again") from error


class _Unzipped(io.RawIOBase):
    """A gzip file of any number of members as one stream, so that archives packed as a whole can be read as well."""

    def __init__(self, data: bytes, most_bytes: int) -> None:
        self._packed = memoryview(data)
        self._at = 0
        self._left = most_bytes
        self._member = zlib.decompressobj(16 + zlib.MAX_WBITS)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Raises zlib.error where the data are damaged, OSError where they are cut off, Unreadable for a bomb."""
        piece = b""
        while not piece:
            if self._member.eof and not self._next_member():
                return 0
            packed: Any = self._member.unconsumed_tail or self._packed[self._at : self._at + _PIECE_BYTES]
            self._at += 0 if self._member.unconsumed_tail else len(packed)
            piece = self._member.decompress(packed, len(buffer))
            if not piece and not packed and not self._member.eof:
                raise OSError("the last member is cut off")  # warcio takes an EOFError for the end
        self._left -= len(piece)
        if self._left < 0:
            raise Unreadable("it unpacks to far more than a document holds (a gzip bomb?); split it")
        buffer[: len(piece)] = piece
        return len(piece)

    def _next_member(self) -> bool:
        """Whether another member follows the one that has ended; zero bytes after the last are padding."""
        self._at -= len(self._member.unused_data)
        rest = self._packed[self._at : self._at + 2]
        if bytes(rest) != _GZIP:
            return False
        self._member = zlib.decompressobj(16 + zlib.MAX_WBITS)
        return True


def _page(record: Any, limits: Limits) -> Iterator[Block]:
    """The blocks of one record; none for what holds no text."""
    kind, declared = _kind(record)
    if kind is None:
        return
    body = record.content_stream().read(_PAGE_BYTES)
    try:
        text = encoding.decode(body, declared or (web_page.declared(body) if kind == "html" else None))
        address = _address(record)
        if kind == "html":
            yield from web_page.page_blocks(text, limits, address)
        else:
            yield from _text_blocks(text, address, record.rec_type == "conversion")
    except Unreadable:
        return  # one odd page of many


def _text_blocks(text: str, address: str, converted: bool) -> Iterator[Block]:
    """Blocks of a page's text. Where a page was converted to lines, each is a paragraph, and its menus' labels go."""
    rows = encoding.lines(text)
    if not converted or sum(1 for row in rows if not row.strip()) * _WEB_LINES > len(rows):
        for block in plain_text.text_blocks(text):
            yield replace(block, headings=(address, *block.headings))
        return
    for number, row in enumerate(rows, start=1):
        if re.search(r"\w", row) and not _LABEL.fullmatch(row.strip()):
            yield Block.of((address,), "line", number, number, row)


def _kind(record: Any) -> tuple[str | None, str | None]:
    """ "text", "html" or None for what is not read; and the encoding that the record names."""
    headers = record.rec_headers
    if record.rec_type == "response":
        if record.http_headers is None or record.http_headers.get_statuscode() != "200":
            return None, None
        headers = record.http_headers
    elif record.rec_type not in ("conversion", "resource"):
        return None, None
    named = (headers.get_header("Content-Type") or "").lower()
    charset = _CHARSET.search(named)
    kind = {"text/plain": "text", "text/html": "html", "application/xhtml+xml": "html"}.get(
        named.partition(";")[0].strip()
    )
    return kind, charset[1] if charset else None


def _address(record: Any) -> str:
    """The page's address without what every address has."""
    address = record.rec_headers.get_header("WARC-Target-URI") or "page without address"
    return printable(re.sub(r"^https?://(?:www\.)?", "", address).rstrip("/"))[:HEADING_CHARACTERS]
