"""Names the set of a persona's documents by their contents, hashing only files that may have changed."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from services.rag_llm import documents
from services.rag_llm.documents import Source, Unreadable
from services.rag_llm.listing import below
from services.rag_llm.replacing import replace_text
from services.rag_llm.store import key_of
from services.rag_llm.walk import File, Found, Stat, Stopped

FILES = "files.json"
YOUNG_NS = 2_000_000_000
"""A file changed this shortly before it was hashed may change again without its time stamps showing it (clocks of file
systems tick as slowly as every two seconds), so its digest is not trusted a second time."""


@dataclass(frozen=True)
class Surveyed:
    """A file and the key of its contents in the store."""

    source: Source
    stat: Stat
    key: str

    @property
    def digest(self) -> str:
        """SHA-256 of the file."""
        return self.key.partition("-")[0]


@dataclass(frozen=True)
class Survey:
    """The documents a persona has now. `name` stands for exactly this set, and for how it is read and encoded.

    `skipped`, `not_read` and `missing` are as in walk.Found, with the files that cannot be hashed. `settled` is False
    when a file is so new that the next survey has to hash it again.
    """

    name: str
    documents: tuple[Surveyed, ...]
    skipped: tuple[str, ...]
    not_read: tuple[str, ...]
    missing: tuple[Path, ...]
    settled: bool


class Digests:
    """Digests of files by path, good for as long as the file's `stat` is what it was; `files.json` in the index
    folder."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Stat, str]] = {}
        self._young: set[str] = set()
        self._changed = False

    @classmethod
    def load(cls, folder: Path) -> Digests:
        """What the last survey knew; nothing when the file is missing or damaged."""
        digests = cls()
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            for path, (size, mtime, inode, ctime, digest) in json.loads((folder / FILES).read_bytes()).items():
                digests._known[path] = ((size, mtime, inode, ctime), str(digest))
        return digests

    def save(self, folder: Path) -> None:
        """Writes what is known, less what is too young, if it has changed. Raises OSError."""
        if self._changed:
            lasting = {path: [*stat, digest] for path, (stat, digest) in self._known.items() if path not in self._young}
            replace_text(folder / FILES, json.dumps(lasting))
            self._changed = False

    def of(self, file: File, most_bytes: int) -> str:
        """SHA-256 of the file. Raises Unreadable as documents.digest does."""
        path = str(file.source.path)
        known = self._known.get(path)
        if known is None or known[0] != file.stat or path in self._young:
            now = time.time_ns()
            digest = documents.digest(file.source, most_bytes)
            self._young.discard(path)
            if now - max(file.stat[1], file.stat[3]) < YOUNG_NS:
                self._young.add(path)
            known = self._known[path] = (file.stat, digest)
            self._changed = True
        return known[1]

    def keep(self, wanted: Callable[[str], bool]) -> None:
        """Forgets every path that is not wanted."""
        for path in [path for path in self._known if not wanted(path)]:
            del self._known[path]
            self._young.discard(path)
            self._changed = True

    def __len__(self) -> int:
        return len(self._known)

    @property
    def settled(self) -> bool:
        return not self._young


def survey(
    found: Found,
    digests: Digests,
    how: str,
    most_bytes: int,
    stop: threading.Event,
    report: Callable[[int], None] = lambda done: None,
) -> Survey:
    """Looks into what `walk.find` found. how: anything besides the files that decides what comes of them. report gets
    how many files are done.

    Raises Stopped.
    """
    skipped = [*found.skipped]
    surveyed: list[Surveyed] = []
    whole = hashlib.sha256(how.encode())
    for number, file in enumerate(found.files, start=1):
        if stop.is_set():
            raise Stopped
        try:
            key = key_of(digests.of(file, most_bytes), file.source.path)
        except Unreadable as error:
            skipped.append(f"{file.source.name}: {error}")
            continue
        surveyed.append(Surveyed(file.source, file.stat, key))
        whole.update(f"\n{file.source.name} {key}".encode())
        report(number)
    here = {str(document.source.path) for document in surveyed}
    digests.keep(lambda path: path in here or any(below(path, str(gone)) for gone in found.missing))
    return Survey(
        name=whole.hexdigest()[:16],
        documents=tuple(surveyed),
        skipped=tuple(skipped),
        not_read=found.not_read,
        missing=found.missing,
        settled=digests.settled,
    )
