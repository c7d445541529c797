"""Do the documents hold the answer? A logistic model over a few signs.

Fitted on the questions of benchmarks/corpora and half of the blind and all of the development questions of
benchmarks/data, and on the answerable ones with their gold passages taken away, which makes the hardest kind of
unanswerable question. The weight of `defined` was set by hand: too few of the questions ask for a definition.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from services.rag_llm import question_kind
from services.rag_llm.index import PassageIndex
from services.rag_llm.query import Query, addresses
from services.rag_llm.selection import Candidate, speaks_of_itself, title_of
from services.rag_llm.support import WordSpace


@dataclass(frozen=True, slots=True)
class Signs:
    """What speaks for an answer.

    `cosine`: of the question and the closest sentence, -1..1. `asked`: how far the best sentence has the kind of thing
    asked for, 0..1. `evidence`: square root of how many of the question's words a sentence supports which has that
    kind of thing, a common word counting less than a rare one: two words found in one place say more than the one word
    of a short question. `stranger`: up to 1 when the question is about a name that no document has. `personal`: 1 when
    the persona is asked about itself and the best sentence says "I" or "my". `titled`: how far a heading above the
    best sentences says the same as the question, 0..1. `defined`: 1 when the best sentence is the definition asked for.
    """

    cosine: float
    asked: float
    evidence: float
    stranger: float
    personal: float
    titled: float
    defined: float


BIAS = -7.7
WEIGHTS = Signs(cosine=7.0, asked=1.55, evidence=2.9, stranger=-1.2, personal=2.4, titled=2.1, defined=2.0)
BEST = 4
"""How many sentences' headings are looked at."""


def signs(index: PassageIndex, query: Query, ranked: Sequence[Candidate], space: WordSpace) -> Signs:
    """What speaks for and against an answer. `ranked` is best first and may be empty."""
    if not ranked:
        return Signs(0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0)
    best = ranked[0]
    passage = index.passages[best.passage]
    whole = space.supports(query.wanted, [f"{passage.context} {passage.text}"])[0]
    missing = [1 - float(s) for w, s in zip(query.wanted, whole, strict=True) if w.name and w.stem not in index.lexicon]
    words = sum(word.weight for word in query.wanted) / index.lexicon.rarity("")
    return Signs(
        cosine=max(c.cosine for c in ranked),
        asked=best.asked,
        evidence=math.sqrt(words * max(c.asked * c.support for c in ranked)),
        stranger=max(missing, default=0.0),
        personal=float(addresses(query.question) and speaks_of_itself(best.text)),
        titled=float(space.titled(query.wanted, [title_of(index.passages[c.passage]) for c in ranked[:BEST]]).max()),
        defined=float(any(question_kind.defines(asked, best.text) for asked in query.readings or (query.question,))),
    )


def probability(found: Signs, more: float = 0.0) -> float:
    """Probability that the question can be answered, 0..1. more: log odds that are added to those of the signs."""
    x = BIAS + more + sum(weight * sign for weight, sign in zip(astuple(WEIGHTS), astuple(found), strict=True))
    return 1 / (1 + math.exp(-x))
