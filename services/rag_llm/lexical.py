"""Words: what a text's terms are, how rare each is, and BM25 over passages."""

from __future__ import annotations

import importlib
import json
import logging
import math
import re
import sys
from array import array
from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import snowballstemmer
from numpy.typing import NDArray

from services.rag_llm.postings import Postings

_WORD = re.compile(r"[^\W_]+(?:[.,'’][^\W_]+)*")
_CAMEL = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")

_BREAK = re.compile(r"[\s/]+")
_MIXED = re.compile(r"[a-z][A-Z]|[A-Z]{2}[a-z]")

STOP_WORDS = frozenset((Path(__file__).parent / "stop_words.txt").read_text(encoding="utf-8").split())
"""Words that say nothing about the subject of a question."""
VOCABULARY = "vocabulary.json"

_stemmer = snowballstemmer.stemmer("english")
_one_at_a_time = Lock()
"""The stemmer keeps the word it is at work on; an ingest and a question must not meet in it."""


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Snowball stem of a lower-case word."""
    with _one_at_a_time:
        return str(_stemmer.stemWord(word))


def raw_words(text: str) -> list[str]:
    """Words as written: letters and digits, with inner dots, commas and apostrophes."""
    return _WORD.findall(text)


def _lower(word: str) -> str:
    return word.lower().replace(",", "").replace("'", "").replace("’", "")


def _folded(word: str) -> str:
    lower = _lower(word)
    return lower if re.fullmatch(r"[\d.]+", lower) else lower.replace(".", "")


def terms(text: str) -> list[str]:
    """Stems of the content words, in order, with the parts of joined words beside them ("WebRTC": webrtc, web, rtc).

    Hyphenated words give their parts and, as one more term, the whole ("lip-sync": lip, sync, lipsync).
    """
    return [term for piece in _BREAK.split(text) for term in _terms_of(piece)]


@lru_cache(maxsize=65536)
def _terms_of(piece: str) -> tuple[str, ...]:
    """Terms of what stands between two spaces or slashes. Remembered, since a text repeats most of its words."""
    found: list[str] = []
    words = raw_words(piece)
    for word in words:
        folded = _folded(word)
        if folded in STOP_WORDS:
            continue
        found.append(stem(folded))
        parts = _CAMEL.findall(word)
        if len(parts) > 1 and _MIXED.search(word):
            found += [stem(part.lower()) for part in parts if len(part) > 1]
    if len(words) > 1 and "-" in piece:
        found.append(stem("".join(_folded(word) for word in words)))
    return tuple(found)


@contextmanager
def _without_numba() -> Any:
    """bm25s compiles its loops with numba where that is installed, at the price of a second of start and 80 MB.

    This service has no use for it (the scores are a few sparse additions), so bm25s is loaded as if numba were absent.
    """
    if "numba" in sys.modules:
        yield
        return
    sys.modules["numba"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["numba"]


with _without_numba():
    bm25s = importlib.import_module("bm25s")
logging.getLogger("bm25s").setLevel(logging.WARNING)


class Lexicon:
    """BM25 (Robertson et al. 1994; the variant of Lucene) over the passages, and how rare their terms are."""

    def __init__(self, columns: Mapping[str, int], postings: Postings, passages: int) -> None:
        """columns: of each term its list in `postings`. passages: how many there are."""
        self._columns = columns
        self._postings = postings
        self.passages = passages

    @classmethod
    def build(cls, texts: Iterable[str]) -> Lexicon:
        """From the passages' texts in order. There must be at least one."""
        builder = LexiconBuilder()
        for text in texts:
            builder.add(text)
        return builder.build()

    @classmethod
    def load(cls, folder: Path, passages: int) -> Lexicon:
        """What `save` wrote; the lists stay on disk, the terms do not. Raises OSError or ValueError."""
        found = json.loads((folder / VOCABULARY).read_text(encoding="utf-8"))
        postings = Postings.load(folder)
        if len(found) != len(postings):
            raise ValueError("terms and their lists differ in number")
        return cls({term: column for column, term in enumerate(found)}, postings, passages)

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / VOCABULARY).write_text(json.dumps(list(self._columns), ensure_ascii=False), encoding="utf-8")
        self._postings.save(folder)

    def __contains__(self, term: str) -> bool:
        return term in self._columns

    @property
    def vocabulary(self) -> Iterable[str]:
        return self._columns

    def frequency(self, term: str) -> int:
        """In how many passages the term occurs."""
        return self._postings.length(self._columns[term]) if term in self._columns else 0

    def rarity(self, term: str) -> float:
        """Inverse document frequency, as BM25 has it; largest for a term that occurs nowhere."""
        frequency = self.frequency(term)
        return math.log(1 + (self.passages - frequency + 0.5) / (frequency + 0.5))

    def best(self, wanted: Sequence[str], count: int) -> tuple[list[int], NDArray[np.float32]]:
        """The at most `count` passages with the highest BM25 scores and the scores, best first; none that scores 0.

        Exact while no wanted term occurs in more than `postings.CHAMPIONS` passages, and nearly so beyond.
        """
        return self._postings.best(self._known(wanted), count)

    def scores(self, wanted: Sequence[str], passages: Sequence[int]) -> NDArray[np.float32]:
        """BM25 scores of some passages (len(passages),), float32; 0 where no wanted term occurs."""
        numbers, places = np.unique(np.asarray(passages, np.int64), return_inverse=True)
        return self._postings.scores(self._known(wanted), numbers)[places]

    def _known(self, wanted: Sequence[str]) -> list[int]:
        return [self._columns[term] for term in wanted if term in self._columns]


class LexiconBuilder:
    """Takes passages' texts one by one; keeps four bytes a term of them."""

    def __init__(self) -> None:
        self._columns: dict[str, int] = {}
        self._terms = array("i")
        self._ends = [0]

    def add(self, text: str) -> None:
        """The next passage's text."""
        columns = self._columns
        self._terms.extend(columns.setdefault(term, len(columns)) for term in terms(text) or ["-"])
        self._ends.append(len(self._terms))

    def build(self) -> Lexicon:
        """The lexicon of at least one passage."""
        model = bm25s.BM25(method="lucene", k1=1.2, b=0.6, backend="numpy", csc_backend="numpy")
        rows = [self._terms[a:b] for a, b in pairwise(self._ends)]
        model.index((rows, self._columns), create_empty_token=False, show_progress=False)
        lists = model.scores
        postings = Postings.build(np.asarray(lists["indptr"], np.int64), lists["indices"], lists["data"])
        return Lexicon(self._columns, postings, len(rows))
