"""Builds a persona's index document by document, beside the one that serves, and swaps it in when it is whole.

What is added goes to disk at once; in memory stay four bytes a word and what the search structures need while they
are made. One builder at a time may work in a folder (folder_lock.py).
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from services.rag_llm import index as indexes
from services.rag_llm import vectors
from services.rag_llm.chunks import Passage
from services.rag_llm.index import PassageIndex, lexical_text
from services.rag_llm.lexical import LexiconBuilder
from services.rag_llm.passage_file import PassageWriter
from services.rag_llm.replacing import flush, replace_text

Array = NDArray[np.float32]

SUFFIX = ".index"
"""Of the folders that builders make, whole ones and those that dead builders left behind."""
SPILLED = ".rows"


class IndexBuilder:
    """One index in the making. Used by one thread; ended by `finish` or `abort`, once."""

    def __init__(self, folder: Path, version: str, flat_rows: int = vectors.FLAT_ROWS) -> None:
        """folder: the persona's index folder, made when missing. version: names the set of documents and how they are
        indexed. flat_rows: see `vectors.write`. Raises OSError."""
        self._folder = folder
        self._version = version
        self._flat_rows = flat_rows
        self._documents: list[str] = []
        self._counts: list[int] = []
        self._lexicon = LexiconBuilder()
        self._width = 0
        self._ended = False
        folder.mkdir(parents=True, exist_ok=True)
        self._beside = folder / f"{version}-{uuid.uuid4().hex[:8]}{SUFFIX}"
        self._beside.mkdir()
        self._passages = PassageWriter(self._beside)
        self._of_passages: IO[bytes] = self._spill(indexes.OF_PASSAGES).open("wb")
        self._of_sentences: IO[bytes] = self._spill(indexes.OF_SENTENCES).open("wb")

    def add(self, document_name: str, passages: Sequence[Passage], sentence_vectors: Array) -> None:
        """Adds a document; documents may come in any order, each once.

        sentence_vectors: unit vectors (sentences of all its passages in order, width), float32; the width is that of
        the first document. A passage has at least one sentence; its own vector is the normalised sum of theirs: as
        good for finding it as a vector of its own, at half the price. Raises ValueError when vectors and sentences do
        not fit, and the document is left out; OSError when the disk is full, and the builder is aborted.
        """
        self._check(document_name, passages, sentence_vectors)
        try:
            self._documents.append(document_name)
            if passages:
                self._write(passages, sentence_vectors)
        except BaseException:
            self.abort()
            raise

    def finish(self) -> PassageIndex | None:
        """Writes the index, makes it the current one, removes older ones, and returns it as read back from disk.

        Processes that still serve from an older one keep it in their maps. None when no passage was added: nothing is
        changed then. Raises OSError or RuntimeError when it cannot be written; the current index stays.
        """
        if self._ended:
            raise ValueError("This builder has ended.")
        if not self._counts:
            self.abort()
            return None
        try:
            self._complete()
            replace_text(self._folder / indexes.CURRENT, self._beside.name, lasting=True)
        except BaseException:
            self.abort()
            raise
        self._ended = True
        self._sweep()
        return indexes.load(self._folder)

    def abort(self) -> None:
        """Removes what was written; the current index is left as it is. Without effect after `finish`."""
        if not self._ended:
            self._ended = True
            self._close()
            shutil.rmtree(self._beside, ignore_errors=True)

    def _check(self, document_name: str, passages: Sequence[Passage], sentence_vectors: Array) -> None:
        if self._ended:
            raise ValueError("This builder has ended.")
        sentences = sum(len(passage.sentences) for passage in passages)
        if not all(passage.sentences for passage in passages):
            raise ValueError(f"{document_name} has a passage without a sentence.")
        if sentence_vectors.ndim != 2 or len(sentence_vectors) != sentences:
            raise ValueError(f"{document_name} has {sentences} sentences, and vectors {sentence_vectors.shape}.")
        if sentences and self._width not in (0, sentence_vectors.shape[1]):
            raise ValueError(f"{document_name} has vectors {sentence_vectors.shape[1]} wide, not {self._width}.")

    def _write(self, passages: Sequence[Passage], sentence_vectors: Array) -> None:
        rows = np.ascontiguousarray(sentence_vectors, np.float32)
        self._width = rows.shape[1]
        counts = [len(passage.sentences) for passage in passages]
        sums = np.add.reduceat(rows, np.concatenate([[0], np.cumsum(counts)[:-1]]), axis=0)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        self._of_passages.write(np.asarray(sums / np.maximum(lengths, 1e-12), np.float32).tobytes())
        self._of_sentences.write(rows.tobytes())
        for passage in passages:
            self._passages.add(passage)
            self._lexicon.add(lexical_text(passage))
        self._counts += counts

    def _complete(self) -> None:
        self._passages.finish()
        self._close()
        for name in (indexes.OF_PASSAGES, indexes.OF_SENTENCES):
            spilled = self._spill(name)
            rows: Array = np.memmap(spilled, np.float32, "r").reshape(-1, self._width)
            vectors.write(rows, self._beside / name, self._flat_rows)
            spilled.unlink()
        counts = np.asarray(self._counts)
        np.save(self._beside / indexes.OWNER, np.repeat(np.arange(len(counts), dtype=np.int32), counts))
        np.save(self._beside / indexes.FIRST_SENTENCE, np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64))
        self._lexicon.build().save(self._beside / indexes.BM25)
        meta = {"format": indexes.FORMAT, "version": self._version, "documents": self._documents}
        (self._beside / indexes.META).write_text(json.dumps(meta, ensure_ascii=False), encoding="utf-8")
        for path in [*self._beside.rglob("*"), self._beside]:
            flush(path)

    def _sweep(self) -> None:
        """Removes every folder of an index, whole or not, but the new one."""
        for other in self._folder.iterdir():
            made_here = other.suffix == SUFFIX or (other / indexes.META).is_file()
            if made_here and other != self._beside:
                shutil.rmtree(other, ignore_errors=True)

    def _spill(self, name: str) -> Path:
        return self._beside / f"{name}{SPILLED}"

    def _close(self) -> None:
        for stream in (self._passages, self._of_passages, self._of_sentences):
            stream.close()
