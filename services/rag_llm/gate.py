"""Do the documents hold the answer? A logistic model over four signs, fitted on our own development questions."""

from __future__ import annotations

import math
from dataclasses import dataclass

from services.rag_llm.index import PassageIndex
from services.rag_llm.query import Query
from services.rag_llm.selection import Candidate, coverage


@dataclass(frozen=True, slots=True)
class Signs:
    """`cosine`: of the question and the closest sentence. `coverage`: rarity-weighted share of the question's known terms
    that stand in the passage of the best sentence, 0..1. `unknown`: share of the question's weight in terms that no document
    has, 0..1. `fit`: the question-type cue of the best sentence."""

    cosine: float
    coverage: float
    unknown: float
    fit: float


BIAS = -5.6
WEIGHTS = Signs(cosine=11.0, coverage=2.6, unknown=-3.0, fit=0.6)


def signs(index: PassageIndex, query: Query, ranked: list[Candidate]) -> Signs:
    """What speaks for and against an answer. `ranked` is best first and may be empty."""
    if not ranked:
        return Signs(0.0, 0.0, 1.0, 0.0)
    best = ranked[0]
    passage = index.passages[best.passage]
    known = sum(index.lexicon.rarity(t) for t in query.terms)
    strange = sum(index.lexicon.rarity(t) for t in query.unknown)
    return Signs(
        cosine=max(c.cosine for c in ranked),
        coverage=coverage(index, query.terms, f"{passage.context} {passage.text}"),
        unknown=strange / (known + strange) if known + strange else 0.0,
        fit=best.cue,
    )


def probability(found: Signs) -> float:
    """Probability that the question can be answered, 0..1."""
    x = (
        BIAS
        + WEIGHTS.cosine * found.cosine
        + WEIGHTS.coverage * found.coverage
        + WEIGHTS.unknown * found.unknown
        + WEIGHTS.fit * found.fit
    )
    return 1 / (1 + math.exp(-x))
