"""Hybrid retrieval: passages by their vector, by their best sentence's vector and by BM25, fused by reciprocal rank.

Fusion after Cormack, Clarke and Buettcher (2009): a passage's score is the sum of weight / (K + rank) over the lists.
A reranker, where there is one, puts the first of the fused list in an order of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.rag_llm import reranking
from services.rag_llm.index import PassageIndex
from services.rag_llm.query import Query
from services.rag_llm.reranking import Reranker

K = 20
"""Smaller than the customary 60: the lists are short, and their first places are worth more."""
DEPTH = 40
"""How many of each list take part in the fusion."""
RERANKED = 20
"""How many of the fused list a reranker reads, at least."""
WEIGHTS = {"passage": 1.0, "sentence": 1.2, "words": 1.0}


@dataclass(frozen=True, slots=True)
class Hit:
    """One retrieved passage: its number in the index, fused score, and what the lists said of it."""

    passage: int
    score: float
    cosine: float
    best_sentence: float
    bm25: float


def search(
    index: PassageIndex,
    query: Query,
    count: int,
    weights: Mapping[str, float] = WEIGHTS,
    reranker: Reranker | None = None,
) -> list[Hit]:
    """The `count` best passages, best first. weights: of the lists "passage", "sentence" and "words"."""
    depth = min(DEPTH, len(index.passages))
    cosines, by_vector = index.passage_vectors.nearest(query.vector, depth)
    sentence_cosines, rows = index.sentence_vectors.nearest(query.vector, 3 * depth)
    best_sentence: dict[int, float] = {}
    for passage, cosine in zip(index.owner[rows].tolist(), sentence_cosines.tolist(), strict=True):
        best_sentence.setdefault(passage, cosine)
    by_words, _ = index.lexicon.best(query.terms, depth)
    fused: dict[int, float] = {}
    lists = {"passage": by_vector.tolist(), "sentence": list(best_sentence), "words": by_words}
    for name, ranked in lists.items():
        for rank, passage in enumerate(ranked):
            fused[passage] = fused.get(passage, 0.0) + weights[name] / (K + rank)
    best = sorted(fused, key=lambda passage: -fused[passage])
    if reranker is not None:
        best = _reranked(index, query, best[: max(RERANKED, count)], reranker)
    best = best[:count]
    cosine_of = dict(zip(by_vector.tolist(), cosines.tolist(), strict=True))
    words = index.lexicon.scores(query.terms, best).tolist()
    return [
        Hit(p, fused[p], cosine_of.get(p, 0.0), best_sentence.get(p, 0.0), w) for p, w in zip(best, words, strict=True)
    ]


def _reranked(index: PassageIndex, query: Query, best: list[int], reranker: Reranker) -> list[int]:
    passages = [index.passages[number] for number in best]
    order = reranking.order(reranker, query.text, [f"{p.context}\n{p.text}" for p in passages])
    return [best[place] for place in order]
