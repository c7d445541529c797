"""How well a text supports each word of a question: by the same stem, or by a word of near meaning.

Near meaning is the cosine of the words' static vectors (the encoder's input embeddings): 0.1 for unrelated words, 0.3
to 0.7 for related ones. No layer of the encoder runs, so that hundreds of words cost less than a millisecond.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.rag_llm.lexical import STOP_WORDS, raw_words, stem, terms

Array = NDArray[np.float32]
FLOOR = 0.24
SPAN = 0.42
NEAR = 0.85
"""A cosine of FLOOR counts as no support, FLOOR + SPAN as NEAR; only the word itself counts as 1."""
REMEMBERED = 100_000


class WordEncoder(Protocol):
    """Static unit vectors of single words, (len(words), width)."""

    def word_vectors(self, words: Sequence[str]) -> Array: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """A content word of a question: as written, its stem, its weight (rarity), and whether it is written like a
    name."""

    word: str
    stem: str
    weight: float
    name: bool = False


@lru_cache(maxsize=8192)
def anatomy(text: str) -> tuple[frozenset[str], tuple[str, ...]]:
    """Stems and content words of a text; pure, so that the cache may be shared."""
    words = dict.fromkeys(w.lower() for w in raw_words(text))
    return frozenset(terms(text)), tuple(w for w in words if w not in STOP_WORDS and w.isalpha())


class WordSpace:
    """Remembers the vectors of words it has seen."""

    def __init__(self, encoder: WordEncoder) -> None:
        self._encoder = encoder
        self._known: dict[str, Array] = {}

    def vectors(self, words: Sequence[str]) -> Array:
        """Unit vectors of the words, (len(words), width)."""
        known = self._known
        missing = list(dict.fromkeys(word for word in words if word not in known))
        if missing:
            if len(known) > REMEMBERED:
                known = self._known = {}
                missing = list(dict.fromkeys(words))
            known.update(zip(missing, self._encoder.word_vectors(missing), strict=True))
        return np.stack([known[word] for word in words])

    def near(self, word: str, others: Sequence[str]) -> list[float]:
        """How near one lower-case word is to each of others, 0..1; 1 for another form of it."""
        if not others:
            return []
        cosines = self.vectors(others) @ self.vectors([word])[0]
        near = NEAR * np.clip((cosines - FLOOR) / SPAN, 0, 1)
        return [
            1.0 if stem(word) == stem(other) else float(value) if word.isalpha() and other.isalpha() else 0.0
            for other, value in zip(others, near, strict=True)
        ]

    def supports(self, wanted: Sequence[Wanted], texts: Sequence[str]) -> Array:
        """Support of each wanted word by each text, (len(texts), len(wanted)), 0..1."""
        result = np.zeros((len(texts), len(wanted)), np.float32)
        if not wanted or not texts:
            return result
        parts = [anatomy(text) for text in texts]
        everything = list(dict.fromkeys(word for _, words in parts for word in words))
        if everything:
            near = self.vectors(everything) @ self.vectors([w.word for w in wanted]).T
            near[:, [not w.word.isalpha() for w in wanted]] = 0
            near = NEAR * np.clip((near - FLOOR) / SPAN, 0, 1)
            row = {word: number for number, word in enumerate(everything)}
            for text, (_, words) in enumerate(parts):
                if words:
                    result[text] = near[[row[word] for word in words]].max(axis=0)
        for text, (stems, _) in enumerate(parts):
            for column, w in enumerate(wanted):
                if w.stem in stems:
                    result[text, column] = 1.0
        return result

    def titled(self, wanted: Sequence[Wanted], titles: Sequence[str]) -> Array:
        """How far each title says the same as the question, (len(titles),), 0..1.

        1 when neither has a word that the other lacks; 0 when more than two fifths of either are not in the other.
        """
        weights = np.asarray([w.weight for w in wanted], np.float32)
        if not len(weights) or not titles:
            return np.zeros(len(titles), np.float32)
        asked = self.supports(wanted, titles) @ weights / max(float(weights.sum()), 1e-6)
        stems = {w.stem for w in wanted}
        said = [anatomy(title)[0] for title in titles]
        back = np.asarray([len(own & stems) / len(own) if own else 0.0 for own in said], np.float32)
        return np.asarray(np.clip(2.5 * np.minimum(asked, back) - 1.5, 0, 1), np.float32)
