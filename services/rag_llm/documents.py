"""Reading source files: one reader a kind, chosen by suffix; a broken file is named, never fatal."""

from __future__ import annotations

import hashlib
import importlib
import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from services.rag_llm.chunks import Block
from services.rag_llm.readers import signatures
from services.rag_llm.readers.limits import SAVE_AGAIN, Limits
from services.rag_llm.readers.limits import Unreadable as Unreadable

READERS = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "plain_text",
    ".text": "plain_text",
    ".html": "web_page",
    ".htm": "web_page",
    ".xhtml": "web_page",
    ".pdf": "pdf",
    ".docx": "word",
    ".epub": "epub",
    ".csv": "csv_table",
    ".tsv": "csv_table",
    ".tab": "csv_table",
    ".warc": "web_archive",
    ".wet": "web_archive",
    ".warc.gz": "web_archive",
    ".wet.gz": "web_archive",
}
"""The module in `readers` for each suffix. It has `blocks(data, limits)`, and is imported when the first such file
comes: the parsers are large."""
LIGHT = ("markdown", "plain_text")
"""Readers of our own that need nothing but memory and time in proportion to the file."""
FORMAT = 2
"""Raised when a reader, or how passages are cut, comes to something else for the same file; all are then read again."""

_BETTER_AS = {
    ".doc": "DOCX", ".odt": "DOCX", ".rtf": "DOCX", ".pages": "DOCX", ".docm": "DOCX",
    ".xls": "CSV", ".xlsx": "CSV", ".ods": "CSV", ".numbers": "CSV",
    ".ppt": "PDF", ".pptx": "PDF", ".odp": "PDF", ".key": "PDF", ".ps": "PDF", ".djvu": "PDF",
    ".mobi": "EPUB", ".azw3": "EPUB", ".mhtml": "HTML", ".webarchive": "HTML",
}  # fmt: skip
_PIECE_BYTES = 1 << 20
_BLOCK_COST = 40
"""Characters that a block counts as besides its own: many small ones cost more than one large one."""


@dataclass(frozen=True)
class Source:
    """A file to ingest: where it is, and the name a citation gives it."""

    path: Path
    name: str


@dataclass(frozen=True)
class Document:
    """A file's contents, cut into blocks. `digest` is the SHA-256 of its bytes."""

    name: str
    digest: str
    blocks: tuple[Block, ...]


def suffix(path: str | Path) -> str:
    """The suffix that chooses the reader, lower-case, with its dot: of "a.warc.gz" ".warc.gz", of "a.MD" ".md"."""
    stem, last = os.path.splitext(os.path.basename(path).lower())
    double = os.path.splitext(stem)[1] + last
    return double if double in READERS else last


def is_light(source: Source) -> bool:
    """Whether the file is of a kind that may be read in the service's own process when it is small."""
    return READERS.get(suffix(source.path)) in LIGHT


def not_read(paths: Iterable[str | Path]) -> list[str]:
    """One line for each kind of file that has no reader: "12 .png files are not read"."""
    kinds = Counter(suffix(path) for path in paths)
    lines = []
    for kind, count in sorted(kinds.items()):
        files = f"{kind} file{'s' * (count > 1)}" if kind else f"file{'s' * (count > 1)} without a suffix"
        hint = f"; save {'it' if count == 1 else 'them'} as {_BETTER_AS[kind]}" if kind in _BETTER_AS else ""
        lines.append(f"{count} {files} {'is' if count == 1 else 'are'} not read{hint}")
    return lines


def digest(source: Source, most_bytes: int) -> str:
    """SHA-256 of the file. Raises Unreadable when it is missing, unreadable, empty, no regular file, or larger than
    `most_bytes`."""
    whole = hashlib.sha256()
    for piece in _pieces(source, most_bytes):
        whole.update(piece)
    return whole.hexdigest()


def read(source: Source, limits: Limits, expected: str | None = None) -> Document:
    """Reads and cuts a file in this process. expected: the digest that it had when it was found.

    Raises Unreadable as `digest` does, for a file that has changed, and for one that its reader cannot take.
    """
    data = b"".join(_pieces(source, limits.file_bytes))
    found = hashlib.sha256(data).hexdigest()
    if expected is not None and found != expected:
        raise Unreadable("it changed while it was being read; it is read again when it has come to rest")
    kind = READERS.get(suffix(source.path))
    if kind is None:
        raise Unreadable(f"{suffix(source.path) or 'this kind of'} file is not read")
    signatures.check(data, kind)
    try:
        blocks = tuple(
            _within(importlib.import_module(f"services.rag_llm.readers.{kind}").blocks(data, limits), limits)
        )
    except (Unreadable, MemoryError):
        raise
    except RecursionError as error:
        raise Unreadable(
            "it is nested too deeply; open it in the program it was made with and save it again"
        ) from error
    except Exception as error:
        # Parsers raise whatever a damaged file makes them stumble over; it must cost that file alone.
        raise Unreadable(
            f"it is damaged, or has something its reader does not know ({type(error).__name__}); {SAVE_AGAIN}"
        ) from error
    if not any(block.sentences for block in blocks):
        raise Unreadable("it holds no sentences")
    return Document(source.name, found, blocks)


def _within(blocks: Iterable[Block], limits: Limits) -> Iterator[Block]:
    count = 0
    for block in blocks:
        count += len(block.text) + sum(map(len, block.headings)) + _BLOCK_COST
        limits.check_text(count)
        yield block


def _pieces(source: Source, most_bytes: int) -> Iterator[bytes]:
    """The bytes of a regular file, piece by piece. Raises Unreadable."""
    try:
        _check(os.stat(source.path), most_bytes)
        with _opened(source.path) as file:
            _check(os.fstat(file.fileno()), most_bytes)
            left = most_bytes
            while piece := file.read(_PIECE_BYTES):
                left -= len(piece)
                if left < 0:
                    raise Unreadable("it grows while it is being read; it is read again when it has come to rest")
                yield piece
    except FileNotFoundError as error:
        raise Unreadable("it is gone, or a link that leads nowhere") from error
    except PermissionError as error:
        raise Unreadable("the service may not read it; change its permissions") from error
    except OSError as error:
        raise Unreadable((error.strerror or "it cannot be opened").lower()) from error


def _opened(path: Path) -> IO[bytes]:
    """A file opened without waiting: should a pipe have taken its place since it was looked at, that would hang."""
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY), "rb", buffering=0)


def _check(found: os.stat_result, most_bytes: int) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise Unreadable("it is no regular file but a folder, pipe, socket or device")
    if found.st_size == 0:
        raise Unreadable("the file is empty")
    if found.st_size > most_bytes:
        raise Unreadable(
            f"it is larger than {most_bytes // 1_000_000} MB; split it, or raise FLASHBACK_RAG_LLM_MAX_FILE_MB"
        )
