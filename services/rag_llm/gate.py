"""Do the documents hold the answer? A logistic model over a few signs.

Fitted on the development questions in benchmarks/data, and on the answerable ones among them with their gold passages
taken away, which makes the hardest kind of unanswerable question. Of fourteen signs tried (BM25, margins, the weakest
word ...) these carried what there was; fitted on one persona's questions and tried on the other's, the area under the
curve is 0.93.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np

from services.rag_llm import question_kind
from services.rag_llm.index import PassageIndex
from services.rag_llm.query import Query, addresses
from services.rag_llm.selection import Candidate, speaks_of_itself, title_of
from services.rag_llm.support import WordSpace


@dataclass(frozen=True, slots=True)
class Signs:
    """What speaks for an answer.

    `cosine`: of the question and the closest sentence, -1..1. `passage`: weighted share of the question's words that
    the best sentence's passage supports, 0..1; words in no document weigh most. `stranger`: up to 1 when the question
    is about a name that no document has. `fit`: of the best sentence to the kind of question, 0..1.
    `lacking`: 1 when a measure is asked for (a price, an age ...) that none of the best sentences has.
    `personal`: 1 when the persona is asked about itself and the best sentence says "I" or "my".
    `titled`: how far the heading above it says the same as the question, 0..1.
    """

    cosine: float
    passage: float
    stranger: float
    fit: float
    lacking: float
    personal: float
    titled: float


BIAS = -7.7
WEIGHTS = Signs(cosine=11.5, passage=2.3, stranger=-1.0, fit=0.6, lacking=-2.9, personal=1.5, titled=1.9)
BEST = 3


def signs(index: PassageIndex, query: Query, ranked: Sequence[Candidate], space: WordSpace) -> Signs:
    """What speaks for and against an answer. `ranked` is best first and may be empty."""
    if not ranked:
        return Signs(0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0)
    best = ranked[0]
    passage = index.passages[best.passage]
    whole = space.supports(query.wanted, [f"{passage.context} {passage.text}"])[0]
    weights = np.asarray([w.weight for w in query.wanted], np.float32)
    missing = [1 - float(s) for w, s in zip(query.wanted, whole, strict=True) if w.name and w.stem not in index.lexicon]
    return Signs(
        cosine=max(c.cosine for c in ranked),
        passage=float(whole @ weights) / max(float(weights.sum()), 1e-6),
        stranger=max(missing, default=0.0),
        fit=best.fit,
        lacking=float(question_kind.lacks(query.question, [c.text for c in ranked[:BEST]])),
        personal=float(addresses(query.question) and speaks_of_itself(best.text)),
        titled=float(space.titled(query.wanted, [title_of(passage)])[0]),
    )


def probability(found: Signs) -> float:
    """Probability that the question can be answered, 0..1."""
    x = BIAS + sum(weight * sign for weight, sign in zip(astuple(WEIGHTS), astuple(found), strict=True))
    return 1 / (1 + math.exp(-x))
