"""Finding source files by directory entries and `stat` alone: 10,000 files take some tens of milliseconds."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from services.rag_llm import documents
from services.rag_llm.documents import Source

Stat = tuple[int, int, int, int]
"""Size, mtime_ns, inode and ctime_ns: where these are unchanged, a file's bytes are."""


class Stopped(Exception):
    """The service is closing, or an ingest on request takes the background's place; nothing was changed."""


@dataclass(frozen=True)
class File:
    """A file that a reader takes, as it is now."""

    source: Source
    stat: Stat


@dataclass(frozen=True)
class Found:
    """What lies below a persona's paths. `skipped` holds "name: why", `not_read` a line for each kind of file that no
    reader takes, `missing` the paths that do not exist now."""

    files: tuple[File, ...]
    skipped: tuple[str, ...]
    not_read: tuple[str, ...]
    missing: tuple[Path, ...]

    @cached_property
    def stamp(self) -> str:
        """Changes whenever a file comes, goes or may have changed."""
        files = [f"{file.source.path} {file.stat}" for file in self.files]
        whole = "\n".join([*files, *self.skipped, *self.not_read, *map(str, self.missing)])
        return hashlib.blake2b(whole.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def find(paths: Iterable[Path], stop: threading.Event | None = None) -> Found:
    """Files under `paths` (absolute; files or folders) that a reader takes, in the order of their names.

    Hidden files and folders are passed over. Links to files are followed, links to folders inside a folder are named
    and not followed, so that a loop of links cannot trap the walk. A file reached twice is taken once. Raises Stopped.
    """
    taken: dict[str, Stat] = {}
    skipped: list[str] = []
    unknown: list[str] = []
    missing: list[Path] = []
    for path in paths:
        try:
            root = os.path.realpath(path, strict=True)
        except OSError:
            missing.append(path)
            continue
        for entry, is_link in _entries(root, skipped, stop):
            if documents.suffix(entry) not in documents.READERS:
                unknown.append(entry)
                continue
            try:
                place = os.path.realpath(entry) if is_link else entry
                mode, now = _stat(place)
            except FileNotFoundError:
                skipped.append(f"{shown(entry)}: the link leads nowhere, or the file has just gone")
                continue
            except OSError as error:
                skipped.append(f"{shown(entry)}: {error.strerror or 'it cannot be opened'}")
                continue
            if stat.S_ISREG(mode):
                taken[place] = now
            else:
                skipped.append(f"{shown(entry)}: it is not a regular file")
    files = [File(Source(Path(path), name), taken[path]) for path, name in names(taken).items()]
    files.sort(key=lambda file: (file.source.name, str(file.source.path)))
    return Found(tuple(files), tuple(dict.fromkeys(skipped)), tuple(documents.not_read(unknown)), tuple(missing))


def _entries(root: str, skipped: list[str], stop: threading.Event | None) -> Iterator[tuple[str, bool]]:
    """Paths of what is no folder, at or below `root`, and whether each is a link."""
    if not os.path.isdir(root):
        yield root, False
        return
    folders = [root]
    while folders:
        if stop is not None and stop.is_set():
            raise Stopped
        folder = folders.pop()
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            skipped.append(f"{shown(folder)}: {error.strerror or 'the folder cannot be opened'}")
            continue
        below = []
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                below.append(entry.path)
            elif not entry.is_symlink():
                yield entry.path, False
            elif os.path.isdir(entry.path):
                skipped.append(f"{shown(entry.path)}: a link to a folder is not followed")
            else:
                yield entry.path, True
        folders += reversed(below)


def names(paths: Iterable[str]) -> dict[str, str]:
    """What citations call each file: its name, behind as many folders as tell it from files of the same name."""
    same: defaultdict[str, list[str]] = defaultdict(list)
    for path in paths:
        same[os.path.basename(path)].append(path)
    found: dict[str, str] = {}
    for group in same.values():
        parts = 1
        while len({_tail(path, parts) for path in group}) < len(group):
            parts += 1
        found |= {path: printable(_tail(path, parts)) for path in group}
    return found


def _tail(path: str, parts: int) -> str:
    return "/".join(path.rsplit("/", parts)[-parts:])


def shown(path: str) -> str:
    """A path's last part, fit to be printed."""
    return printable(os.path.basename(path) or path)


def printable(name: str) -> str:
    """A file name without what a terminal, or UTF-8, cannot show."""
    text = os.fsencode(name).decode("utf-8", "replace")
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def unchanged(source: Source, known: Stat) -> bool:
    """Whether the file is still as it was found."""
    try:
        return _stat(str(source.path))[1] == known
    except OSError:
        return False


def _stat(path: str) -> tuple[int, Stat]:
    """Mode, and what tells a change."""
    now = os.stat(path)
    return now.st_mode, (now.st_size, now.st_mtime_ns, now.st_ino, now.st_ctime_ns)
