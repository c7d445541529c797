"""Do the documents hold the answer? A logistic model over four signs.

Fitted on the development questions in benchmarks/data, and on the answerable ones among them with their gold passages taken
away, which makes the hardest kind of unanswerable question. Of eleven signs tried (BM25, margins, weakest word ...) these four
carried what there was; fitted on one persona's questions and tried on the other's, the area under the curve is 0.93.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np

from services.rag_llm.index import PassageIndex
from services.rag_llm.query import Query
from services.rag_llm.selection import Candidate
from services.rag_llm.support import WordSpace


@dataclass(frozen=True, slots=True)
class Signs:
    """What speaks for an answer.

    `cosine`: of the question and the closest sentence, -1..1. `passage`: weighted share of the question's words that the best
    sentence's passage supports, 0..1; words in no document weigh most. `stranger`: up to 1 when the question is about a name
    that no document has. `fit`: of the best sentence to the kind of question, 0..1.
    """

    cosine: float
    passage: float
    stranger: float
    fit: float


BIAS = -9.5
WEIGHTS = Signs(cosine=13.4, passage=2.2, stranger=-1.0, fit=1.25)


def signs(index: PassageIndex, query: Query, ranked: Sequence[Candidate], space: WordSpace) -> Signs:
    """What speaks for and against an answer. `ranked` is best first and may be empty."""
    if not ranked:
        return Signs(0.0, 0.0, 1.0, 0.0)
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
    )


def probability(found: Signs) -> float:
    """Probability that the question can be answered, 0..1."""
    x = BIAS + sum(weight * sign for weight, sign in zip(astuple(WEIGHTS), astuple(found), strict=True))
    return 1 / (1 + math.exp(-x))
