"""Documents -> index, as one job in a worker thread. Pure of any event loop; progress goes to a callback.

A document's vectors are kept under the digest of its bytes, so a second ingest encodes only what changed, and one
that was broken off goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.rag_llm import chunks, documents, index
from services.rag_llm.chunks import Passage
from services.rag_llm.documents import Document, Source, Unreadable

Array = NDArray[np.float32]
SOURCES = "sources.json"
VECTORS = "vectors"


class Encoder(Protocol):
    """What ingest needs of an encoder."""

    @property
    def name(self) -> str: ...

    def encode(self, texts: Sequence[str]) -> Array: ...


class Stopped(Exception):
    """The service is closing; nothing was changed."""


@dataclass(frozen=True)
class Progress:
    """How far an ingest is. `skipped` holds "name: why" of what could not be read."""

    documents: int = 0
    documents_total: int = 0
    chunks: int = 0
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class Survey:
    """The documents a persona has now. `version` names exactly this set and how it is indexed."""

    version: str
    sources: tuple[tuple[Source, str], ...]
    skipped: tuple[str, ...]


@dataclass(frozen=True)
class Draft:
    """Documents read and cut, not yet encoded: enough to build a vocabulary from."""

    version: str
    documents: tuple[str, ...]
    passages: tuple[Passage, ...]


def extra_paths(folder: Path) -> list[Path]:
    """Paths ingested besides the persona's own corpus, from the manifest in the index folder."""
    try:
        return [Path(p) for p in json.loads((folder / SOURCES).read_text(encoding="utf-8"))["paths"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def remember_paths(folder: Path, paths: Sequence[Path]) -> None:
    """Adds paths to the manifest, replaced in one step."""
    known = dict.fromkeys([*map(str, extra_paths(folder)), *map(str, paths)])
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f"{SOURCES}.{uuid.uuid4().hex[:8]}"
    beside.write_text(json.dumps({"paths": list(known)}), encoding="utf-8")
    os.replace(beside, folder / SOURCES)


def survey(paths: Sequence[Path], encoder: str, most_bytes: int) -> Survey:
    """Finds the files under `paths` and names the set by a hash over their contents."""
    found, skipped = documents.find_sources(paths)
    whole = hashlib.sha256(f"{index.FORMAT} {encoder} {chunks.WORDS}".encode())
    sources: list[tuple[Source, str]] = []
    for source in found:
        try:
            digest = documents.digest(source, most_bytes)
        except Unreadable as error:
            skipped.append(f"{source.name}: {error}")
            continue
        sources.append((source, digest))
        whole.update(f"\n{source.name} {digest}".encode())
    return Survey(whole.hexdigest()[:16], tuple(sources), tuple(skipped))


def read_all(found: Survey, most_bytes: int) -> tuple[list[Document], Draft, list[str]]:
    """Reads and cuts every document; returns also "name: why" for those that turned out broken."""
    read: list[Document] = []
    skipped = list(found.skipped)
    for source, _ in found.sources:
        try:
            read.append(documents.read(source, most_bytes))
        except Unreadable as error:
            skipped.append(f"{source.name}: {error}")
    passages = [p for document in read for p in chunks.passages(document.name, document.blocks)]
    return read, Draft(found.version, tuple(d.name for d in read), tuple(passages)), skipped


class VectorStore:
    """Sentence vectors of documents, one file a document, named by encoder, cut and digest."""

    def __init__(self, folder: Path, encoder: Encoder, shared: bool) -> None:
        self._folder = folder
        self._encoder = encoder
        self._shared = shared
        self._used: set[str] = set()

    def of(self, document: Document, sentences: Sequence[str]) -> Array:
        """Vectors of the document's sentences (len(sentences), 384)."""
        name = f"{self._encoder.name}-{index.FORMAT}-{document.digest}.npy"
        self._used.add(name)
        file = self._folder / name
        try:
            stored: Array = np.load(file)
            if stored.shape[0] == len(sentences) and stored.dtype == np.float32:
                return stored
        except (OSError, ValueError, EOFError):
            pass
        vectors = self._encoder.encode(sentences)
        self._folder.mkdir(parents=True, exist_ok=True)
        beside = self._folder / f"{uuid.uuid4().hex}.part"
        with beside.open("wb") as stream:
            np.save(stream, vectors)
        os.replace(beside, file)
        return vectors

    def prune(self) -> None:
        """Removes what the finished ingest did not use; a shared folder is left alone."""
        if self._shared or not self._folder.is_dir():
            return
        for file in self._folder.iterdir():
            if file.name not in self._used:
                file.unlink(missing_ok=True)


def build(
    read: Sequence[Document],
    draft: Draft,
    store: VectorStore,
    stop: threading.Event,
    report: Callable[[int, int], None],
) -> index.PassageIndex | None:
    """Encodes and indexes a draft; None when it holds no passage. Raises Stopped. `report` gets documents and chunks
    done.

    A passage's vector is the normalised sum of its sentences' vectors: as good for finding it as a vector of its own,
    at half the price.
    """
    if not draft.passages:
        return None
    done = 0
    of_sentences: list[Array] = []
    for number, document in enumerate(read, start=1):
        if stop.is_set():
            raise Stopped
        own = [passage for passage in draft.passages if passage.document == document.name]
        of_sentences.append(store.of(document, [sentence for passage in own for sentence in passage.sentences]))
        done += len(own)
        report(number, done)
    sentences = np.vstack(of_sentences)
    counts = [len(passage.sentences) for passage in draft.passages]
    sums = np.add.reduceat(sentences, np.concatenate([[0], np.cumsum(counts)[:-1]]), axis=0)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    of_passages = np.asarray(sums / np.maximum(lengths, 1e-12), np.float32)
    return index.PassageIndex.build(draft.version, draft.documents, draft.passages, of_passages, sentences)
