"""What is kept of every document, so that nothing is read, cut or encoded twice: its passages, and its sentences'
vectors. An index is only assembled from it.

Two files a document, `<key>.json` and `<texts>-<encoder>.vec`. A key names the bytes of the file and how they were read
and cut, `texts` what the encoder is given of it; neither names the file itself: a renamed file keeps what it has, and
two equal files share it.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Protocol

from services.rag_llm import chunks, documents, vector_file
from services.rag_llm.chunks import Passage
from services.rag_llm.replacing import PART, replace_text
from services.rag_llm.vector_file import ROWS, Array, VectorWriter

FIELDS = [field.name for field in fields(Passage) if field.name != "document"]
DEAD_AFTER_S = 24 * 3600.0
"""An unfinished file of a shared store may be somebody's who is at work; after this time it is not."""


@dataclass(frozen=True)
class Kept:
    """What reading a document came to: passages, or why it cannot be read."""

    passages: tuple[Passage, ...]
    refusal: str = ""


class Named(Protocol):
    """Something that says which model it is; an endpoint may have to be asked for it."""

    @property
    def name(self) -> str: ...


def key_of(digest: str, path: str | Path) -> str:
    """The key of a file whose bytes have this SHA-256; `path` chooses its reader."""
    how = f"{documents.FORMAT} {chunks.WORDS} {documents.READERS.get(documents.suffix(path))}"
    return f"{digest}-{hashlib.sha256(how.encode()).hexdigest()[:8]}"


def texts_of(passages: Iterable[Passage]) -> tuple[list[str], str]:
    """What the encoder is given of a document, a text for each sentence in order, and the name of all that together."""
    texts = [text for passage in passages for text in passage.titled]
    return texts, hashlib.sha256("\0".join(texts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


class DocumentStore:
    """One folder. Safe for one writer at a time; where it is shared by personas, for several."""

    def __init__(self, folder: Path, encoder: Named, shared: bool = False, limits: str = "") -> None:
        """encoder: whose vectors are meant. shared: other personas' documents are here too, so nothing is pruned.
        limits: what reading a file may cost; a refusal counts only under the limits it was made under."""
        self._folder = folder
        self.limits = limits
        self._encoder = encoder
        self._model: str | None = None
        self._shared = shared

    def has(self, key: str, texts: str) -> bool:
        """Whether passages and vectors are there; that they are whole is seen when they are used."""
        return os.path.exists(self._passages(key)) and os.path.exists(self._vectors(texts))

    def kept(self, key: str, name: str) -> Kept | None:
        """The passages, as those of the document `name`; None when there are none, or they are damaged."""
        try:
            with open(self._passages(key), "rb") as stream:
                stored = json.loads(stream.read())
            if stored["refusal"] and stored["limits"] != self.limits:
                return None
            return Kept(tuple(_passage(name, table) for table in stored["passages"]), str(stored["refusal"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, key: str, kept: Kept) -> None:
        """Stores what reading came to. Raises OSError."""
        tables = [{name: getattr(passage, name) for name in FIELDS} for passage in kept.passages]
        table = {"refusal": kept.refusal, "limits": self.limits, "passages": tables}
        replace_text(Path(self._passages(key)), json.dumps(table))

    def vectors(self, texts: str, rows: int) -> Array | None:
        """The sentences' vectors (rows, width); None when there are none, or not as many."""
        return vector_file.read(self._vectors(texts), rows)

    def writer(self, texts: str, rows: int) -> VectorWriter:
        """Takes the vectors of `rows` sentences, at least 1. Raises OSError."""
        return VectorWriter(self._vectors(texts), rows, alone=not self._shared)

    def prune(self, keys: Collection[str], texts: Collection[str]) -> None:
        """Removes what belongs to none of these, and vectors of other encoders; a shared store is left alone."""
        if self._shared or not self._folder.is_dir():
            return
        files = [*map(self._passages, keys), *map(self._vectors, texts)]
        wanted = {os.path.basename(file) for file in files}
        for name in os.listdir(self._folder):
            if name not in wanted:
                (self._folder / name).unlink(missing_ok=True)

    def open(self) -> None:
        """Makes the folder, and removes what dead runs left behind and nobody takes up again. Raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        dead = time.time() - (DEAD_AFTER_S if self._shared else 0)
        suffixes = (PART, ROWS) if self._shared else (PART,)
        for name in os.listdir(self._folder):
            with suppress(FileNotFoundError):
                if name.endswith(suffixes) and (self._folder / name).stat().st_mtime <= dead:
                    (self._folder / name).unlink()

    def _passages(self, key: str) -> str:
        return f"{self._folder}/{key}.json"

    def _vectors(self, texts: str) -> str:
        if self._model is None:
            self._model = hashlib.sha256(self._encoder.name.encode()).hexdigest()[:8]
        return f"{self._folder}/{texts}-{self._model}.vec"


def _passage(name: str, table: dict[str, Any]) -> Passage:
    return Passage(
        document=name, **{**table, "headings": tuple(table["headings"]), "sentences": tuple(table["sentences"])}
    )
