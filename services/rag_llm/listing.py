"""Which documents an index holds, kept beside it (`listing.json`), and how two such lists differ."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from services.rag_llm.replacing import replace_text

LISTING = "listing.json"


@dataclass(frozen=True, slots=True)
class Entry:
    """A document: the name citations give it, where it is, what it has in the store (store.py), and its passages."""

    name: str
    path: str
    key: str
    texts: str
    chunks: int


@dataclass(frozen=True)
class Listing:
    """Documents read and cut. `version`: of the index that holds them; `survey`: name of the survey they came from,
    empty when some of them have to be looked at again. `skipped`: "name: why"; `missing`: remembered paths that did not
    exist, `aside`: what was found there the last time."""

    version: str
    survey: str
    entries: tuple[Entry, ...]
    skipped: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    aside: tuple[Entry, ...] = ()

    @property
    def chunks(self) -> int:
        return sum(entry.chunks for entry in self.entries)

    def below(self, path: Path) -> int:
        """How many of the documents lie at or below a path."""
        return sum(below(entry.path, str(path)) for entry in self.entries)

    def save(self, folder: Path) -> None:
        """Raises OSError."""
        replace_text(folder / LISTING, json.dumps(asdict(self)))


def version_of(method: str, entries: Iterable[Entry]) -> str:
    """Names an index by how its vectors are made, then by what it holds."""
    whole = hashlib.sha256("\n".join(f"{entry.name} {entry.key} {entry.texts}" for entry in entries).encode())
    return f"{method}-{whole.hexdigest()[:16]}"


def below(path: str, folder: str) -> bool:
    """Whether a path is `folder` or lies in it."""
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


def load(folder: Path) -> Listing | None:
    """The listing of the last index built; None when there is none, or a damaged one."""
    try:
        table = json.loads((folder / LISTING).read_bytes())
        return Listing(
            version=str(table["version"]),
            survey=str(table["survey"]),
            entries=tuple(Entry(**entry) for entry in table["entries"]),
            skipped=tuple(table["skipped"]),
            missing=tuple(table["missing"]),
            aside=tuple(Entry(**entry) for entry in table["aside"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


@dataclass(frozen=True)
class Changes:
    """From one listing to another: names of documents, and how many are as they were."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: int


def changes(before: Listing | None, after: Listing, between: Iterable[Entry] = ()) -> Changes:
    """A document is known by its path: one that another name was given to is no new one. between: documents that came
    after the first listing; those that are gone again count as removed."""
    former = {entry.path: entry for entry in before.entries} if before else {}
    here = {entry.path for entry in after.entries}
    added = tuple(entry.name for entry in after.entries if entry.path not in former)
    changed = tuple(e.name for e in after.entries if e.path in former and former[e.path].key != e.key)
    gone = {entry.path: entry.name for entry in [*former.values(), *between] if entry.path not in here}
    return Changes(added, changed, tuple(gone.values()), len(after.entries) - len(added) - len(changed))
