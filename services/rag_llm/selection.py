"""Choosing the sentences that answer a question, out of the retrieved passages. Pure arithmetic on what the index holds."""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.rag_llm.index import PassageIndex
from services.rag_llm.lexical import terms
from services.rag_llm.query import Query
from services.rag_llm.retrieval import Hit

COVERAGE = 0.35
CUE = 0.10
RANK = 0.06
"""Weights beside the cosine of question and sentence: share of the question's terms, question type, rank of the passage."""
LEANING = re.compile(
    r"^(?:it|its|he|she|his|her|they|their|this|that|these|those|such|both|the (?:same|other|latter|former)|another|one of)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence of a retrieved passage. `position` counts within the passage; `score` is its fitness as an answer."""

    passage: int
    position: int
    text: str
    cosine: float
    coverage: float
    cue: float
    score: float


_NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|thirty|half|hundred|thousand|million|billion|percent)\b",
    re.IGNORECASE,
)
_YEAR = re.compile(
    r"\b(?:1\d{3}|20\d\d)s?\b|\b(?:january|february|march|april|june|july|august|september|october|november|december|century)\b",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"(?<=[a-z,] )[A-Z][\w’'-]*[a-z]\w*(?: [A-Z][\w’'-]+)+|\bby [A-Z]|(?:^|(?<=[a-z] ))[A-Z]\w+ [A-Z]\w+ (?:and|of|at|invented|made|described|built|wrote)"
)
_REASON = re.compile(
    r"\b(?:because|since|so that|therefore|due to|reason|as a result|in order|causes?|or else)\b", re.IGNORECASE
)
_CONTRAST = re.compile(r"\b(?:while|whereas|but|difference|differs?|unlike|than|only|both|neither)\b", re.IGNORECASE)
_DEFINITION = re.compile(r"^(?:[Aa]n? |[Tt]he )?[\w’'., -]{2,60}? (?:is|are|means|stands for|describes|refers to) ")
_CUES: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = (
    (
        re.compile(
            r"\bhow (?:many|much|long|fast|quick|quickly|often|large|big|far|high|old|tall|small|strong|heavy|wide|close|hot|cold|bright)\b",
            re.IGNORECASE,
        ),
        _NUMBER,
    ),
    (re.compile(r"\b(?:when|what year|which year|what date|from what day|since what)\b", re.IGNORECASE), _YEAR),
    (re.compile(r"\b(?:who|whose|whom)\b", re.IGNORECASE), _NAME),
    (re.compile(r"\bwhy\b|\bhow come\b|\bwhat (?:is|was) the reason\b", re.IGNORECASE), _REASON),
    (re.compile(r"\b(?:difference|differ|compare|compared|versus|vs|better)\b", re.IGNORECASE), _CONTRAST),
    (
        re.compile(r"^(?:what|who) (?:is|are|does \w+ mean|was|were)\b(?! the (?:size|number|name))", re.IGNORECASE),
        _DEFINITION,
    ),
)


def cue(question: str, sentence: str) -> float:
    """1 when the sentence has the kind of thing the question asks for, 0 when it lacks it, 0.5 when nothing is known."""
    asked = [kind for pattern, kind in _CUES if pattern.search(question)]
    if not asked:
        return 0.5
    return sum(1.0 for kind in asked if kind.search(sentence)) / len(asked)


def coverage(index: PassageIndex, wanted: tuple[str, ...], text: str, context: str = "") -> float:
    """Share of the wanted terms, weighted by rarity, that `text` has; a term that only `context` has counts half."""
    weights = {term: index.lexicon.rarity(term) for term in wanted}
    total = sum(weights.values())
    if not total:
        return 0.0
    here = set(terms(text))
    around = set(terms(context)) if context else set()
    return sum(w * (1.0 if t in here else 0.5 if t in around else 0.0) for t, w in weights.items()) / total


def candidates(index: PassageIndex, query: Query, hits: list[Hit]) -> list[Candidate]:
    """Every sentence of the hits with its score, best first."""
    found: list[Candidate] = []
    for rank, hit in enumerate(hits):
        passage = index.passages[hit.passage]
        first = int(index.first_sentence[hit.passage])
        cosines = index.sentence_vectors.rows(range(first, first + len(passage.sentences))) @ query.vector
        for position, (sentence, cosine) in enumerate(zip(passage.sentences, cosines.tolist(), strict=True)):
            before = passage.sentences[position - 1] if position and LEANING.match(sentence) else ""
            share = coverage(index, query.terms, sentence, f"{passage.context} {before}")
            fit = cue(query.question, sentence)
            score = cosine + COVERAGE * share + CUE * fit + RANK * (1 - rank / max(1, len(hits)))
            found.append(Candidate(hit.passage, position, sentence, cosine, share, fit, score))
    return sorted(found, key=lambda c: -c.score)


def chosen(index: PassageIndex, ranked: list[Candidate], most: int, words: int) -> list[Candidate]:
    """The sentences to say, in the order to say them.

    The best one always; a sentence it leans on ("It ...") before it; then others nearly as good, first of the same passage.
    Sentences of one passage keep the document's order, and the best sentence's passage comes first.
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
        slack = 0.16 if other.passage == best.passage else 0.10
        size = len(other.text.split())
        if other in picked or other.score < best.score - slack or said + size > words:
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
