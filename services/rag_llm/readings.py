"""Several readings of one spoken question, taken together: none of them need be right, but most hold right words."""

from __future__ import annotations

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
MISHEARD = 0.2
"""Log odds given back to a spoken question, which loses some evidence with each word that was misheard. Set on recorded
tuning questions."""


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


def probability(index: PassageIndex, readings: Sequence[Query], ranked: Sequence[Candidate], space: WordSpace) -> float:
    """Probability that the documents answer what was said, 0..1: that of the reading they answer best.

    So a word that is in no document counts against the reading that has it only, and a name that is in none not at all:
    it may be a misheard word. `ranked` are the candidates of the merged query, best first.
    """
    signs = [gate.signs(index, reading, ranked, space) for reading in readings]
    return max(gate.probability(replace(found, stranger=0.0), MISHEARD) for found in signs)
