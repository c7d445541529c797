"""English-like passages in any number, made from a few real ones, with vectors to match: for measuring size, not
quality. Seeded.

A passage takes the sentences of a real one and turns them to the subject of another: of its content words 40 % stay,
35 % come from the other passage and 25 % are invented, with Zipf's law over them, so that the vocabulary grows with the
text and lists of passages are as long for common words, and as short for rare ones, as in a real collection. A
sentence's vector is that of the real sentence, moved towards the other passage's and then at random, along differences
of real vectors; encoding a million sentences would take a day.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from services.rag_llm.chunks import Passage

Array = NDArray[np.float32]

KEPT = 0.40
BORROWED = 0.35
TURNED = (0.2, 0.9)
"""How far a sentence's vector moves towards the other passage's, which has length 1."""
STRAYED = 0.5
"""How far it strays, in differences of two real vectors."""
VOCABULARY = 2_000_000
PER_DOCUMENT = 50
_ONSETS = ("b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "br", "st", "tr")
_SYLLABLES = [onset + vowel for onset in _ONSETS for vowel in "aeiou"]


@dataclass(frozen=True)
class Template:
    """A sentence in pieces; `content` are the places of its content words."""

    pieces: list[str]
    content: list[int]


class Filler:
    """Made from real passages, at least two, and the unit vectors of all their sentences (sentences, width)."""

    def __init__(self, passages: Sequence[Passage], vectors: Array, seed: int = 0) -> None:
        from services.rag_llm.lexical import STOP_WORDS

        self._passages = passages
        self._vectors = vectors
        self._random = random.Random(seed)
        self._normal = np.random.default_rng(seed)
        self._templates = [[_template(s, STOP_WORDS) for s in p.sentences] for p in passages]
        self._words = [[t.pieces[c] for t in own for c in t.content] or ["thing"] for own in self._templates]
        counts = [len(p.sentences) for p in passages]
        self._first = np.concatenate([[0], np.cumsum(counts)[:-1]])
        sums = np.add.reduceat(vectors, self._first, axis=0)
        self._centres = sums / np.linalg.norm(sums, axis=1, keepdims=True)

    def documents(self, count: int) -> Iterator[tuple[str, list[Passage], Array]]:
        """Documents' names, passages and sentence vectors, `count` passages in all."""
        for start in range(0, count, PER_DOCUMENT):
            name = f"filler-{start // PER_DOCUMENT:06}.md"
            passages: list[Passage] = []
            rows: list[int] = []
            others: list[int] = []
            turns: list[float] = []
            for number in range(min(PER_DOCUMENT, count - start)):
                one, other = self._random.sample(range(len(self._passages)), 2)
                passages.append(self._passage(name, number, one, other))
                sentences = len(passages[-1].sentences)
                rows += range(int(self._first[one]), int(self._first[one]) + sentences)
                others += [other] * sentences
                turns += [self._random.uniform(*TURNED)] * sentences
            yield name, passages, self._moved(rows, others, turns)

    def _passage(self, document: str, number: int, one: int, other: int) -> Passage:
        from services.rag_llm.chunks import Passage

        sentences = tuple(self._sentence(template, self._words[other]) for template in self._templates[one])
        title = f"{self._random.choice(self._words[other])} {self._word()}".capitalize()
        headings = (*self._passages[one].headings[:1], title)
        return Passage(document, headings, "line", number + 1, number + 1, " ".join(sentences), sentences)

    def _sentence(self, template: Template, others: Sequence[str]) -> str:
        pieces = template.pieces.copy()
        for place in template.content:
            luck = self._random.random()
            if luck > KEPT:
                pieces[place] = self._random.choice(others) if luck < KEPT + BORROWED else self._word()
        return "".join(pieces)

    def _word(self) -> str:
        """An invented word; the n-th most common is as common as 1/n."""
        rank = int(VOCABULARY ** self._random.random())
        word = ""
        while rank or len(word) < 4:
            rank, syllable = divmod(rank, len(_SYLLABLES))
            word += _SYLLABLES[syllable]
        return word

    def _moved(self, rows: Sequence[int], others: Sequence[int], turns: Sequence[float]) -> Array:
        one, other = self._normal.integers(len(self._vectors), size=(2, len(rows)))
        moved = self._vectors[rows] + np.asarray(turns, np.float32)[:, None] * self._centres[others]
        moved += STRAYED * (self._vectors[one] - self._vectors[other])
        return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), np.float32)


def _template(sentence: str, stop_words: frozenset[str]) -> Template:
    pieces = re.split(r"([^\W\d_]{3,})", sentence)
    return Template(pieces, [place for place in range(1, len(pieces), 2) if pieces[place].lower() not in stop_words])
