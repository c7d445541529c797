"""Choosing the sentences that answer a question, out of the retrieved passages. Pure arithmetic on what the index
holds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.rag_llm import question_kind
from services.rag_llm.chunks import Passage
from services.rag_llm.index import PassageIndex
from services.rag_llm.lexical import terms
from services.rag_llm.query import Query, addresses
from services.rag_llm.retrieval import Hit
from services.rag_llm.support import WordSpace

SUPPORT = 0.35
AROUND = 0.65
WHOLE = 0.50
PASSAGE = 0.60
FIT = 0.35
FUSED = 0.08
CONTRASTED = 0.40
TITLED = 0.20
REPEATED = 0.20
PERSONAL = 0.12
"""Weights beside the cosine of question and sentence: share of the question's words that the sentence supports (what
only its headings or the sentence before it support counts AROUND), share that the whole passage supports, cosine of
the passage, fit to the kind of question, rank of the passage; for a question about a difference also the share that
the heading supports; how far the heading says the same as the question; less REPEATED for what a follow-up's listener
has heard already; a sentence in the first person when the persona is asked about itself."""
SLACK = 0.40
"""How much worse than the best sentence another may be."""
_FIRST_PERSON = re.compile(r"\b(?:I|my|me)\b")

Array = NDArray[np.float32]

LEANING = re.compile(
    r"^(?:it|its|he|she|his|her|they|their|this|that|these|those|such|both|the (?:same|other|latter|former)|"
    r"another|one of)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A sentence of a retrieved passage. `position` counts within the passage; `score` is its fitness as an answer.

    `support` is the weighted share of the question's words that it supports, 0..1; `asked` how far it has the kind of
    thing asked for, 0..1.
    """

    passage: int
    position: int
    text: str
    cosine: float
    support: float
    asked: float
    score: float


def candidates(index: PassageIndex, query: Query, hits: Sequence[Hit], space: WordSpace) -> list[Candidate]:
    """Every sentence of the hits with its score, best first."""
    texts: list[str] = []
    contexts: list[str] = []
    places: list[tuple[int, int]] = []
    for rank, hit in enumerate(hits):
        passage = index.passages[hit.passage]
        for position, sentence in enumerate(passage.sentences):
            before = passage.sentences[position - 1] if position and LEANING.match(sentence) else ""
            texts.append(sentence)
            contexts.append(f"{passage.context} {before}")
            places.append((rank, position))
    if not texts:
        return []
    numbers = [int(index.first_sentence[hits[rank].passage]) + position for rank, position in places]
    cosines = index.sentence_vectors.rows(numbers) @ query.vector
    supports = np.maximum(space.supports(query.wanted, texts), AROUND * space.supports(query.wanted, contexts))
    shares = _shares(query, supports)
    of_passages = _passage_scores(index, query, hits, space)
    personal = addresses(query.question)
    questions = query.readings or (query.question,)
    found = []
    for row, (rank, position) in enumerate(places):
        judgements = [question_kind.judged(question, texts[row], space.near) for question in questions]
        asked, fit = max(asked for asked, _ in judgements), max(fit for _, fit in judgements)
        score = float(cosines[row] + SUPPORT * shares[row] + of_passages[rank]) + FIT * fit
        score += PERSONAL * (personal and speaks_of_itself(texts[row]))
        score -= REPEATED * (texts[row] in query.heard)
        found.append(
            Candidate(hits[rank].passage, position, texts[row], float(cosines[row]), float(shares[row]), asked, score)
        )
    return sorted(found, key=lambda c: -c.score)


def _passage_scores(index: PassageIndex, query: Query, hits: Sequence[Hit], space: WordSpace) -> Array:
    passages = [index.passages[hit.passage] for hit in hits]
    whole = space.supports(query.wanted, [f"{p.context} {p.text}" for p in passages])
    scores = WHOLE * _shares(query, whole)
    scores += PASSAGE * (index.passage_vectors.rows([hit.passage for hit in hits]) @ query.vector)
    scores += FUSED * (1 - np.arange(len(hits), dtype=np.float32) / len(hits))
    scores += TITLED * space.titled(query.wanted, [title_of(p) for p in passages])
    if question_kind.asks_for_difference(query.question):
        scores += CONTRASTED * _shares(query, space.supports(query.wanted, [p.context for p in passages]))
    return scores


def speaks_of_itself(sentence: str) -> bool:
    """True for a sentence in the first person."""
    return bool(_FIRST_PERSON.search(sentence))


def title_of(passage: Passage) -> str:
    """The heading nearest above the passage, or nothing."""
    return passage.headings[-1] if passage.headings else ""


def _shares(query: Query, supports: Array) -> Array:
    weights = np.asarray([w.weight for w in query.wanted], np.float32)
    return np.asarray(supports @ weights / max(float(weights.sum()), 1e-6), np.float32)


def chosen(ranked: Sequence[Candidate], most: int, words: int) -> list[Candidate]:
    """The sentences to say, in the order to say them: at most `most`, and none that would exceed `words` words in all.

    The best one always; a sentence it leans on ("It ...") before it; then others nearly as good. Sentences of one
    passage keep the document's order, and the best sentence's passage comes first.
    """
    if not ranked:
        return []
    best = ranked[0]
    picked = [best]
    by_place = {(c.passage, c.position): c for c in ranked}
    if LEANING.match(best.text) and (earlier := by_place.get((best.passage, best.position - 1))):
        picked.append(earlier)
    said = sum(len(c.text.split()) for c in picked)
    for other in ranked[1:]:
        if len(picked) >= most:
            break
        size = len(other.text.split())
        if other in picked or other.score < best.score - SLACK or said + size > words:
            continue
        if any(_alike(other.text, c.text) for c in picked):
            continue
        if LEANING.match(other.text) and by_place.get((other.passage, other.position - 1)) not in picked:
            continue
        picked.append(other)
        said += size
    order = list(dict.fromkeys(c.passage for c in picked))
    return sorted(picked, key=lambda c: (order.index(c.passage), c.position))


def _alike(one: str, other: str) -> bool:
    a, b = set(terms(one)), set(terms(other))
    return len(a & b) >= 0.8 * max(1, min(len(a), len(b)))
