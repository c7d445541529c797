"""Brings documents into the store: one thread reads and cuts ahead, another encodes what has been read.

Sentences of several documents share a batch, so that an encoder is never asked for two at a time by a folder of small
files; a document larger than a batch is written as it is encoded.
"""

from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.rag_llm import chunks
from services.rag_llm.chunks import Passage
from services.rag_llm.documents import Document, Source, Unreadable
from services.rag_llm.listing import Entry
from services.rag_llm.progress import Stage, Tally
from services.rag_llm.store import DocumentStore, Kept, texts_of
from services.rag_llm.survey import Surveyed
from services.rag_llm.vector_file import VectorWriter
from services.rag_llm.walk import Stopped, unchanged

log = logging.getLogger(__name__)

Array = NDArray[np.float32]
BATCH = 128
"""Sentences that are encoded together: many passes of the encoder, and about a second of one core."""

FEW_PASSAGES = 50
MOST_WAITING = 500
"""Documents that are handed on from thread to thread in memory; larger and further ones only through the store."""

WhenRead = Callable[[Sequence[Entry], Sequence[str]], None]


class Encoder(Protocol):
    """What ingest needs of an encoder."""

    @property
    def name(self) -> str: ...

    def encode(self, texts: Sequence[str]) -> Array: ...


class Reader(Protocol):
    """What ingest needs of a reader; `read` raises Unreadable, at once after `close`."""

    def read(self, source: Source, digest: str) -> Document: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class _Read:
    """A document that has been read. `ready`: its vectors are there as well; `passages`: handed on if they are few."""

    entry: Entry
    refusal: str = ""
    ready: bool = False
    passages: Sequence[Passage] = ()


@dataclass
class _Pending:
    """A document whose sentences are on their way through the encoder. `told`: chunks reported as done."""

    entry: Entry
    writer: VectorWriter
    rows: int
    told: int = 0


class Preparation:
    """One run's reading and encoding. Used by one thread, and by the one it starts."""

    def __init__(
        self, store: DocumentStore, encoder: Encoder, reader: Reader, stop: threading.Event, tally: Tally
    ) -> None:
        self._store = store
        self._encoder = encoder
        self._reader = reader
        self._stop = stop
        self._failed = threading.Event()
        self.unsure = False
        """Whether some document has to be read again, although nothing about it need change until then."""
        self._tally = tally
        self._texts: list[str] = []
        self._parts: list[tuple[_Pending, int]] = []
        self._fresh: set[str] = set()

    def run(self, wanted: Sequence[Surveyed], known: Sequence[Entry], when_read: WhenRead) -> None:
        """Reads and encodes what is not in the store yet. Raises Stopped, OSError, and what the encoder raises.

        known: documents that need not be looked into again. when_read gets the documents, and
        "name: why" of those that cannot be read, from the reading thread, when there is nothing left to read.
        """
        found: SimpleQueue[_Read | BaseException | None] = SimpleQueue()
        reading = threading.Thread(target=self._read_ahead, args=(wanted, known, when_read, found), name="reading")
        reading.start()
        try:
            while (read := found.get()) is not None:
                if isinstance(read, BaseException):
                    raise read
                if self._halted:
                    raise Stopped
                self._take(read)
            self._flush()
        except BaseException:
            self._failed.set()
            self._reader.close()
            raise
        finally:
            reading.join()
            for pending, _ in self._parts:
                pending.writer.close()

    def result(self, document: Surveyed) -> tuple[Sequence[Passage], Array]:
        """A document's passages and its sentences' vectors. What is damaged in the store is made again.

        Raises OSError when even that cannot be read back.
        """
        for _ in range(2):
            kept = self._store.kept(document.key, document.source.name)
            texts, named = texts_of(kept.passages if kept else ())
            vectors = self._store.vectors(named, len(texts)) if texts else None
            if kept is not None and vectors is not None:
                return kept.passages, vectors
            log.warning("a stored document is damaged; reading it again", extra={"key": document.key[:8]})
            kept = kept or self._read(document)
            self._fresh.discard(named)
            self._encode(_entry(document, kept), kept.passages)
            self._flush()
        raise OSError(errno.EIO, "the stored documents cannot be read back")

    @property
    def _halted(self) -> bool:
        return self._stop.is_set() or self._failed.is_set()

    def _read_ahead(
        self,
        wanted: Sequence[Surveyed],
        known: Sequence[Entry],
        when_read: WhenRead,
        found: SimpleQueue[_Read | BaseException | None],
    ) -> None:
        entries: list[Entry] = []
        refused: list[str] = []
        former = {(entry.key, entry.name): entry for entry in known}
        try:
            for document in wanted:
                if self._halted:
                    raise Stopped
                read = self._settle(document, former, found.qsize())
                if read.refusal:
                    refused.append(f"{document.source.name}: {read.refusal}")
                else:
                    entries.append(read.entry)
                found.put(read)
            self._tally.set(stage=Stage.ENCODING, current="")
            when_read(entries, refused)
            found.put(None)
        except BaseException as error:
            found.put(error)

    def _settle(self, document: Surveyed, former: Mapping[tuple[str, str], Entry], waiting: int) -> _Read:
        entry = former.get((document.key, document.source.name))
        if entry is not None and self._store.has(entry.key, entry.texts):
            return _Read(replace(entry, path=str(document.source.path)), ready=True)
        self._tally.set(current=document.source.name)
        kept = self._store.kept(document.key, document.source.name) or self._read(document)
        few = len(kept.passages) <= FEW_PASSAGES and waiting < MOST_WAITING
        return _Read(_entry(document, kept), kept.refusal, passages=kept.passages if few else ())

    def _read(self, document: Surveyed) -> Kept:
        name = document.source.name
        try:
            read = self._reader.read(document.source, document.digest)
            cut = tuple(chunks.passages(name, read.blocks))
            kept = Kept(cut, "" if cut else "it holds no sentences")
        except Unreadable as error:
            kept = Kept((), str(error))
        except Exception as error:
            log.exception("a reader failed", extra={"suffix": document.source.path.suffix})
            kept = Kept((), f"its reader failed ({type(error).__name__})")
        if kept.refusal and self._halted:
            raise Stopped
        if not kept.refusal or unchanged(document.source, document.stat):
            self._store.keep(document.key, kept)
        else:
            # What a file that changes under the reader comes to says nothing about its contents.
            self.unsure = True
        return kept

    def _take(self, read: _Read) -> None:
        entry = read.entry
        if read.refusal:
            self._tally.count(skipped=1)
            return
        if read.ready:
            self._tally.count(documents=1, chunks=entry.chunks)
            return
        passages = read.passages
        if not passages and (kept := self._store.kept(entry.key, entry.name)) is not None:
            passages = kept.passages
        if passages:
            self._encode(entry, passages)

    def _encode(self, entry: Entry, passages: Sequence[Passage]) -> None:
        """Puts a document's sentences behind those that wait for the encoder."""
        texts, named = texts_of(passages)
        if named in self._fresh or self._store.vectors(named, len(texts)) is not None:
            self._tally.count(documents=1, chunks=entry.chunks, fresh=named in self._fresh)
            return
        self._fresh.add(named)
        pending = _Pending(entry, self._store.writer(named, len(texts)), len(texts))
        position = pending.writer.done
        while position < len(texts):
            piece = texts[position : position + BATCH - len(self._texts)]
            self._texts += piece
            self._parts.append((pending, len(piece)))
            position += len(piece)
            if len(self._texts) == BATCH:
                self._flush()

    def _flush(self) -> None:
        """Encodes what waits and hands each document its rows."""
        if not self._texts:
            return
        if self._halted:
            raise Stopped
        vectors = self._encoder.encode(self._texts)
        row = 0
        for pending, count in self._parts:
            pending.writer.append(vectors[row : row + count])
            row += count
            self._count(pending)
        self._texts, self._parts = [], []

    def _count(self, pending: _Pending) -> None:
        done, whole = pending.writer.done, pending.rows
        chunks_done = pending.entry.chunks * done // whole - pending.told
        pending.told += chunks_done
        self._tally.count(documents=int(done == whole), chunks=chunks_done, fresh=True)


def _entry(document: Surveyed, kept: Kept) -> Entry:
    _, named = texts_of(kept.passages)
    return Entry(document.source.name, str(document.source.path), document.key, named, len(kept.passages))
