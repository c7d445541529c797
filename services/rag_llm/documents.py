"""Finding and reading source files. One reader a file kind, chosen by suffix; a broken file is named, never fatal."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from services.rag_llm.chunks import Block, markdown_blocks, text_blocks

READERS = {".md": markdown_blocks, ".markdown": markdown_blocks, ".txt": text_blocks, ".text": text_blocks}


class Unreadable(Exception):
    """A file that cannot be ingested; the message says why in a few words."""


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


def find_sources(paths: Iterable[Path]) -> tuple[list[Source], list[str]]:
    """Files under `paths` (files or folders) in a stable order, and "name: why" for those that no reader takes.

    Hidden files and folders are passed over; links to folders are not followed, so a loop of links cannot trap the
    walk. A file named twice is taken once. Two files of one name are told apart by their folder.
    """
    files: dict[Path, None] = {}
    skipped: list[str] = []
    for path in paths:
        if not path.exists():
            skipped.append(f"{path.name}: there is no such file or folder")
            continue
        for file in _walk(path):
            if file.suffix.lower() in READERS:
                files[file.resolve()] = None
            else:
                skipped.append(f"{file.name}: {file.suffix or 'this kind of'} file is not read; Markdown and text are")
    names = [file.name for file in files]
    sources = [
        Source(file, file.name if names.count(file.name) == 1 else f"{file.parent.name}/{file.name}") for file in files
    ]
    return sorted(sources, key=lambda source: (source.name, str(source.path))), skipped


def _walk(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    for folder, subfolders, files in os.walk(path, followlinks=False):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith("."):
                yield Path(folder) / name


def digest(source: Source, most_bytes: int) -> str:
    """SHA-256 of the file. Raises Unreadable when it is missing, unreadable, empty, or larger than `most_bytes`."""
    try:
        size = source.path.stat().st_size
        if size == 0:
            raise Unreadable("the file is empty")
        if size > most_bytes:
            raise Unreadable(f"the file is larger than {most_bytes // 1_000_000} MB")
        return hashlib.sha256(source.path.read_bytes()).hexdigest()
    except OSError as error:
        raise Unreadable(error.strerror or "it cannot be opened") from error


def read(source: Source, most_bytes: int) -> Document:
    """Reads and cuts a file. Raises Unreadable as `digest` does, and for bytes that are not UTF-8 text."""
    name_of_bytes = digest(source, most_bytes)
    try:
        text = source.path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise Unreadable(error.strerror or "it cannot be opened") from error
    except UnicodeDecodeError as error:
        raise Unreadable(f"it is not UTF-8 text (byte {error.start})") from error
    if "\0" in text:
        raise Unreadable("it holds binary data")
    blocks = tuple(READERS[source.path.suffix.lower()](text))
    if not any(block.sentences for block in blocks):
        raise Unreadable("it holds no sentences")
    return Document(source.name, name_of_bytes, blocks)
