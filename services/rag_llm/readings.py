"""Several readings of one spoken question, taken together: none of them need be right, but most hold right words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from services.rag_llm import gate, retrieval
from services.rag_llm.embedding import normalised
from services.rag_llm.index import PassageIndex
from services.rag_llm.query import Query
from services.rag_llm.selection import Candidate
from services.rag_llm.support import Wanted, WordSpace

FIRST = 2
"""How many alternatives the first reading counts for."""
LISTS = {**retrieval.WEIGHTS, "words": 2.0}
"""Weights of the retrieved lists: wrong words bend a sentence's vector, and take nothing from the words beside them."""
BIAS = -1.1
TYPED = 0.58
WORDS = 3.2
"""Of the gate, fitted on recorded tuning questions: log odds that a typed question like the best reading has an
answer, and the best passage's BM25."""


def merged(readings: Sequence[Query]) -> Query:
    """One query out of at least one reading, best first: the mean of their vectors, every reading's terms, and each
    content word with the weight of the readings that have it."""
    counts = [FIRST, *[1] * (len(readings) - 1)]
    vector = np.average([reading.vector for reading in readings], axis=0, weights=counts)
    wanted: dict[str, Wanted] = {}
    for reading, count in zip(readings, counts, strict=True):
        for word in reading.wanted:
            before = wanted[word.stem].weight if word.stem in wanted else 0.0
            wanted[word.stem] = replace(word, weight=before + word.weight * count / sum(counts))
    terms = [term for reading, count in zip(readings, counts, strict=True) for term in reading.terms * count]
    return replace(
        readings[0],
        vector=normalised(vector.astype(np.float32)[None])[0],
        terms=tuple(terms),
        wanted=tuple(wanted.values()),
        readings=tuple(dict.fromkeys(reading.question for reading in readings)),
    )


def probability(
    index: PassageIndex, query: Query, readings: Sequence[Query], ranked: Sequence[Candidate], space: WordSpace
) -> float:
    """Probability that the documents answer what was said, 0..1.

    A word in no document counts against the reading that has it only, and is made up for by words that meet in one
    passage. `query` is the merged one, and `ranked` are its candidates, best first.
    """
    most = max(gate.probability(gate.signs(index, reading, ranked, space)) for reading in readings)
    _, scores = index.lexicon.best(query.terms, 1)
    words = float(scores.max(initial=0.0)) / (len(readings) - 1 + FIRST) / index.lexicon.rarity("")
    x = BIAS + TYPED * math.log(max(most, 1e-9) / max(1 - most, 1e-9)) + WORDS * words
    return 1 / (1 + math.exp(-x))
