"""A persona's index: passages, their vectors and their words. Immutable once built; on disk one folder a version.

`index/CURRENT` names the folder that serves. A new index is written beside the old one and CURRENT is replaced in one
step, so a crash at any moment leaves the old index serving.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from services.rag_llm.chunks import Passage
from services.rag_llm.lexical import Lexicon

FORMAT = 1
"""Raised when the files or what they mean change; an index of another format is built again."""
CURRENT = "CURRENT"

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Vectors:
    """Unit vectors, searched by inner product (cosine)."""

    flat: Any

    @classmethod
    def build(cls, rows: Array) -> Vectors:
        flat = faiss.IndexFlatIP(rows.shape[1])
        flat.add(np.ascontiguousarray(rows))
        return cls(flat)

    def nearest(self, vector: Array, count: int) -> tuple[Array, NDArray[np.int64]]:
        """Cosines and row numbers of the `count` nearest rows, best first."""
        scores, rows = self.flat.search(vector[None, :], min(count, self.flat.ntotal))
        return scores[0], rows[0]

    def rows(self, numbers: Sequence[int]) -> Array:
        """The vectors of some rows, (len(numbers), width)."""
        return np.asarray(self.flat.reconstruct_batch(np.asarray(numbers, np.int64)), np.float32)


@dataclass(frozen=True)
class PassageIndex:
    """Everything needed to answer. Sentence `i` is row `i` of `sentence_vectors`; `first_sentence[p]` is the first of
    passage p."""

    version: str
    documents: tuple[str, ...]
    passages: tuple[Passage, ...]
    passage_vectors: Vectors
    sentence_vectors: Vectors
    owner: NDArray[np.int64]
    first_sentence: NDArray[np.int64]
    lexicon: Lexicon

    @classmethod
    def build(
        cls,
        version: str,
        documents: Sequence[str],
        passages: Sequence[Passage],
        of_passages: Array,
        of_sentences: Array,
    ) -> PassageIndex:
        """From at least one passage. `of_passages` is (passages, 384), `of_sentences` (all sentences in order, 384)."""
        lexicon = Lexicon.build([lexical_text(passage) for passage in passages])
        return cls._assemble(
            version, documents, passages, Vectors.build(of_passages), Vectors.build(of_sentences), lexicon
        )

    @classmethod
    def _assemble(
        cls,
        version: str,
        documents: Sequence[str],
        passages: Sequence[Passage],
        of_passages: Vectors,
        of_sentences: Vectors,
        lexicon: Lexicon,
    ) -> PassageIndex:
        counts = [len(passage.sentences) for passage in passages]
        return cls(
            version=version,
            documents=tuple(documents),
            passages=tuple(passages),
            passage_vectors=of_passages,
            sentence_vectors=of_sentences,
            owner=np.repeat(np.arange(len(passages)), counts),
            first_sentence=np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64),
            lexicon=lexicon,
        )


def lexical_text(passage: Passage) -> str:
    """What BM25 reads of a passage: its text, and its headings, the last one twice."""
    return " . ".join([*passage.headings, *passage.headings[-1:], passage.text])


def save(index: PassageIndex, folder: Path) -> None:
    """Writes the index below `folder` and makes it the current one; older versions are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f"{index.version}-{uuid.uuid4().hex[:8]}"
    beside.mkdir()
    try:
        index.lexicon.save(beside / "bm25")
        faiss.write_index(index.passage_vectors.flat, str(beside / "passages.faiss"))
        faiss.write_index(index.sentence_vectors.flat, str(beside / "sentences.faiss"))
        with (beside / "passages.jsonl").open("w", encoding="utf-8") as lines:
            for passage in index.passages:
                lines.write(json.dumps(asdict(passage), ensure_ascii=False) + "\n")
        meta = {"format": FORMAT, "version": index.version, "documents": index.documents}
        (beside / "meta.json").write_text(json.dumps(meta, ensure_ascii=False), encoding="utf-8")
        pointer = folder / f"{CURRENT}.{beside.name}"
        pointer.write_text(beside.name, encoding="utf-8")
        os.replace(pointer, folder / CURRENT)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    for old in folder.iterdir():
        if (old / "meta.json").is_file() and old != beside:
            shutil.rmtree(old, ignore_errors=True)


def load(folder: Path) -> PassageIndex | None:
    """The current index, or None when there is none, or one that this version cannot read (it is then built again)."""
    try:
        current = folder / (folder / CURRENT).read_text(encoding="utf-8").strip()
        meta = json.loads((current / "meta.json").read_text(encoding="utf-8"))
        if meta["format"] != FORMAT:
            return None
        with (current / "passages.jsonl").open(encoding="utf-8") as lines:
            passages = [_passage(json.loads(line)) for line in lines]
        index = PassageIndex._assemble(
            str(meta["version"]),
            meta["documents"],
            passages,
            Vectors(faiss.read_index(str(current / "passages.faiss"))),
            Vectors(faiss.read_index(str(current / "sentences.faiss"))),
            Lexicon.load(current / "bm25", len(passages)),
        )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError):
        return None
    whole = index.passage_vectors.flat.ntotal == len(passages) and index.sentence_vectors.flat.ntotal == len(
        index.owner
    )
    return index if whole else None


def _passage(table: dict[str, Any]) -> Passage:
    return Passage(**{**table, "headings": tuple(table["headings"]), "sentences": tuple(table["sentences"])})
