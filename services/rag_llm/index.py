"""A persona's index: passages, their vectors and their words. Immutable; on disk one folder a version.

`CURRENT` in the index folder names the folder that serves. A new index is written beside the old one (builder.py) and
CURRENT is replaced in one step, so a crash at any moment leaves the old index serving.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.rag_llm.chunks import Passage
from services.rag_llm.lexical import Lexicon
from services.rag_llm.passage_file import PassageFile
from services.rag_llm.vectors import Vectors

FORMAT = 2
"""Raised when the files or what they mean change; an index of another format is built again."""
CURRENT = "CURRENT"
META = "meta.json"
BM25 = "bm25"
OF_PASSAGES = "passages.faiss"
OF_SENTENCES = "sentences.faiss"
FIRST_SENTENCE = "first_sentence.npy"
OWNER = "owner.npy"


class Unusable(Exception):
    """There is an index, but it has to be built again; the message says why, in a few words for the log."""


class OtherFormat(Unusable):
    """It was written by another version of this program."""


class Damaged(Unusable):
    """Files of it are missing, cut short, or not of one index."""


@dataclass(frozen=True)
class PassageIndex:
    """Everything needed to answer; what is large is mapped from disk and stays readable when its folder is removed.

    Sentence `i` is row `i` of `sentence_vectors` and belongs to passage `owner[i]`; `first_sentence[p]` is the first
    of passage p.
    """

    version: str
    documents: tuple[str, ...]
    passages: Sequence[Passage]
    passage_vectors: Vectors
    sentence_vectors: Vectors
    owner: NDArray[np.int32]
    first_sentence: NDArray[np.int64]
    lexicon: Lexicon


def lexical_text(passage: Passage) -> str:
    """What BM25 reads of a passage: its text, and its headings, the last one twice."""
    return " . ".join([*passage.headings, *passage.headings[-1:], passage.text])


def load(folder: Path) -> PassageIndex | None:
    """The current index below `folder`; None when there is none. Raises OtherFormat or Damaged."""
    name = _current(folder)
    while name is not None:
        try:
            return _open(folder / name)
        except Unusable:
            # Another process may have put a new index in its place, and removed this one, in the meantime.
            before, name = name, _current(folder)
            if name == before:
                raise
    return None


def _current(folder: Path) -> str | None:
    try:
        return (folder / CURRENT).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise Damaged(f"{CURRENT} cannot be read ({error})") from error


def _open(folder: Path) -> PassageIndex:
    try:
        meta: dict[str, Any] = json.loads((folder / META).read_text(encoding="utf-8"))
        if meta["format"] != FORMAT:
            raise OtherFormat(f"the index is of format {meta['format']}, and this version reads {FORMAT}")
        passages = PassageFile(folder)
        index = PassageIndex(
            version=str(meta["version"]),
            documents=tuple(meta["documents"]),
            passages=passages,
            passage_vectors=Vectors.load(folder / OF_PASSAGES),
            sentence_vectors=Vectors.load(folder / OF_SENTENCES),
            owner=np.load(folder / OWNER, mmap_mode="r"),
            first_sentence=np.load(folder / FIRST_SENTENCE, mmap_mode="r"),
            lexicon=Lexicon.load(folder / BM25, len(passages)),
        )
    except (OSError, ValueError, KeyError, TypeError, EOFError, RuntimeError) as error:
        raise Damaged(f"the index is damaged ({type(error).__name__}: {error})") from error
    if len(index.passage_vectors) != len(passages) or len(index.first_sentence) != len(passages):
        raise Damaged("the index is damaged: passages and their vectors differ in number")
    if len(index.sentence_vectors) != len(index.owner):
        raise Damaged("the index is damaged: sentences and their vectors differ in number")
    return index
