"""Words: what a text's terms are, how rare each is, and BM25 over passages."""

from __future__ import annotations

import importlib
import logging
import math
import re
import sys
from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import snowballstemmer
from numpy.typing import NDArray

_WORD = re.compile(r"[^\W_]+(?:[.,'’][^\W_]+)*")
_CAMEL = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")

_MIXED = re.compile(r"[a-z][A-Z]|[A-Z]{2}[a-z]")

STOP_WORDS = frozenset((Path(__file__).parent / "stop_words.txt").read_text(encoding="utf-8").split())
"""Words that say nothing about the subject of a question."""

_stemmer = snowballstemmer.stemmer("english")


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Snowball stem of a lower-case word."""
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
    found: list[str] = []
    for piece in re.split(r"[\s/]+", text):
        words = [w for w in raw_words(piece) if w]
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
    return found


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

    def __init__(self, model: Any, passages: int) -> None:
        self._model = model
        self.passages = passages
        self._frequency: NDArray[np.int64] = np.diff(np.asarray(model.scores["indptr"]))

    @classmethod
    def build(cls, texts: Sequence[str]) -> Lexicon:
        """From the passages' texts in order. There must be at least one term in all of them together."""
        model = bm25s.BM25(method="lucene", k1=1.2, b=0.6, backend="numpy")
        model.index([terms(text) or ["-"] for text in texts], show_progress=False)
        return cls(model, len(texts))

    @classmethod
    def load(cls, folder: Path, passages: int) -> Lexicon:
        return cls(bm25s.BM25.load(str(folder), mmap=True, show_progress=False), passages)

    def save(self, folder: Path) -> None:
        self._model.save(str(folder), show_progress=False)

    def __contains__(self, term: str) -> bool:
        return term in self._model.vocab_dict and term != ""

    @property
    def vocabulary(self) -> Iterable[str]:
        return (term for term in self._model.vocab_dict if term)

    def frequency(self, term: str) -> int:
        """In how many passages the term occurs."""
        return int(self._frequency[self._model.vocab_dict[term]]) if term in self else 0

    def rarity(self, term: str) -> float:
        """Inverse document frequency, as BM25 has it; largest for a term that occurs nowhere."""
        frequency = self.frequency(term)
        return math.log(1 + (self.passages - frequency + 0.5) / (frequency + 0.5))

    def scores(self, wanted: Sequence[str]) -> NDArray[np.float32]:
        """BM25 score of every passage (passages,), float32; zeros when no term is known."""
        known = [term for term in wanted if term in self]
        if not known:
            return np.zeros(self.passages, np.float32)
        return np.asarray(self._model.get_scores(known), np.float32)
