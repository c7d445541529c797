"""Is a generated sentence supported by a passage? Policy over facts, words and vectors; no model of its own.

A sentence is checked clause by clause. A clause is supported by one sentence of the passage (with the headings above
it and, for "It ...", the sentence before): its figures, names and denials must be there, and most of its content words,
the rare ones before all. The cosine of sentence and passage sentence stands for what words cannot show. The order of
the checks is from the certain to the uncertain, so that `why` names the plainest fault.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from services.rag_llm.facts import Facts, clauses, facts_of, items, opposed, prefixed
from services.rag_llm.selection import LEANING
from services.rag_llm.support import Wanted, WordSpace

Strictness = Literal["off", "lexical", "full"]
Why = Literal["", "nothing", "figure", "name", "denial", "opposite", "words", "meaning"]
_ORDER: tuple[Why, ...] = ("", "opposite", "denial", "name", "figure")
_LEAD = re.compile(
    r"^(?:(?:yes|no|indeed|well|also|however|so|and|but|then|in fact|in short|in addition|additionally|moreover|"
    r"furthermore|finally|therefore|thus),?\s+)+(?=\w)",
    re.IGNORECASE,
)
"""What joins a sentence to the question or to the one before, and states nothing of the documents."""
AROUND = 0.8
"""What a word counts that only the headings, or the sentence that is leaned on, support."""
ELSEWHERE = 0.5
"""What a word counts that only another sentence of the passage supports."""
RELATED = 0.5
"""How well a sentence must support a word for it to be another word for what is there, and no name."""
SLACK = 0.08
"""How much less than the best sentence another may support and still speak for a clause."""

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Limits:
    """How much is enough. `share`: of the content words, weighted by rarity, 0..1; `clause`: of those of each clause.
    `cosine`: of the sentence and the closest one of the passage (or two neighbours), -1..1, looked at when `full`."""

    strictness: Strictness = "full"
    share: float = 0.55
    clause: float = 0.3
    cosine: float = 0.5


@dataclass(frozen=True)
class Premise:
    """A passage to check against: what stands above it, its sentences as they are spoken, and their unit vectors
    (len(sentences), width). `names`: stems that it and its neighbours write like names within a sentence."""

    context: str
    sentences: tuple[str, ...]
    vectors: Array
    names: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Verdict:
    """`share` is that of the worst clause, `cosine` that of the closest sentence; `why` is "" for what is supported."""

    why: Why
    share: float
    cosine: float

    @property
    def supported(self) -> bool:
        return self.why == ""


def judge(
    claim: str, vector: Array, premise: Premise, space: WordSpace, rarity: Callable[[str], float], limits: Limits
) -> Verdict:
    """Whether the premise supports the claim (one sentence as it would be spoken, and its unit vector).

    rarity: of a stem in the documents, 0 or more; a stem that no document has is the rarest.
    """
    cosine = closeness(vector, premise.vectors)
    if limits.strictness == "off":
        return Verdict("", 1.0, cosine)
    if not premise.sentences:
        return Verdict("nothing", 0.0, cosine)
    parts = [facts_of(clause) for clause in clauses(_LEAD.sub("", claim))]
    wanted = [_wanted(part, rarity) for part in parts]
    found = [
        _clause(part, words, place == 0, premise, space)
        for place, (part, words) in enumerate(zip(parts, wanted, strict=True))
    ]
    weights = np.asarray([sum(w.weight for w in words) for words in wanted], np.float32)
    shares = np.asarray([share for _, share in found], np.float32)
    share = float(shares @ weights / weights.sum()) if weights.any() else 1.0
    why: Why = max((objection for objection, _ in found), key=_ORDER.index)
    if not why and not any(part.content or part.figures for part in parts):
        why = "nothing"
    elif not why and (share < limits.share or shares.min() < limits.clause):
        why = "words"
    elif not why and limits.strictness == "full" and cosine < limits.cosine:
        why = "meaning"
    return Verdict(why, share, cosine)


def closeness(vector: Array, rows: Array) -> float:
    """Cosine of a unit vector and the nearest of some unit vectors, or of two neighbours taken together."""
    if not len(rows):
        return 0.0
    sums = rows[:-1] + rows[1:]
    pairs = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-6)
    return float(np.max(np.concatenate([rows, pairs]) @ vector))


def _wanted(part: Facts, rarity: Callable[[str], float]) -> list[Wanted]:
    return [Wanted(word, root, max(rarity(root), 1e-3)) for word, root in dict.fromkeys(part.content)]


def _clause(
    claim: Facts,
    wanted: Sequence[Wanted],
    first: bool,
    premise: Premise,
    space: WordSpace,
) -> tuple[Why, float]:
    """The objection of the sentence that supports most of a clause's words, or of one nearly as good that has none;
    and the share of its words."""
    shares, own = _shares(wanted, premise, space)
    order = [int(number) for number in np.argsort(-shares, kind="stable")]
    near = [number for number in order if shares[number] >= shares[order[0]] - SLACK]
    begins = claim.content[0][1] == claim.initial if first and claim.content else False
    objections = [
        _objection(claim, _initial_name(claim, premise, number, own[number, 0]) if begins else set(), premise, number)
        for number in near
    ]
    chosen = objections.index("") if "" in objections else 0
    return objections[chosen], float(shares[near[chosen]])


def _shares(wanted: Sequence[Wanted], premise: Premise, space: WordSpace) -> tuple[Array, Array]:
    """Weighted share of the wanted words that each sentence of the premise supports, (len(sentences),), and how well it
    supports each of them by itself, (len(sentences), len(wanted)); all 0..1."""
    if not wanted:
        return np.ones(len(premise.sentences), np.float32), np.zeros((len(premise.sentences), 0), np.float32)
    leaned = [_before(premise, number) for number in range(len(premise.sentences))]
    own = space.supports(wanted, premise.sentences)
    around = space.supports(wanted, [f"{premise.context}. {before}" for before in leaned])
    supports = np.maximum(np.maximum(own, AROUND * around), ELSEWHERE * own.max(axis=0)[None, :])
    weights = np.asarray([w.weight for w in wanted], np.float32)
    return np.asarray(supports @ weights / weights.sum(), np.float32), own


def _before(premise: Premise, number: int) -> str:
    return premise.sentences[number - 1] if number and LEANING.match(premise.sentences[number]) else ""


def _objection(claim: Facts, initial: set[str], premise: Premise, number: int) -> Why:
    """What speaks against a clause in one sentence of the premise, its words aside. initial: its first word, if that is
    taken for a name."""
    sentence = premise.sentences[number]
    whole = facts_of(sentence)
    above = facts_of(f"{premise.context}. {_before(premise, number)}")
    part = _closest(claim, items(sentence))
    if any(not figure.within(whole.figures) for figure in claim.figures) or _moved(claim, sentence):
        return "figure"
    names = claim.names | initial
    missing = names - whole.stems
    if missing - above.stems or (missing and whole.names - claim.stems - above.stems):
        return "name"
    if names & (whole.stems - part.stems) and _borrowed(claim, names - part.stems, part, sentence):
        return "name"
    clause = _closest(claim, clauses(sentence))
    if opposed(claim, clause) or _crossed(claim, sentence):
        return "opposite"
    return "denial" if _denies(claim, clause, whole, [facts_of(c) for c in clauses(sentence)]) else ""


def _initial_name(claim: Facts, premise: Premise, number: int, support: float) -> set[str]:
    """A sentence's first word, whose capital says nothing, is taken for a name when the documents write it like one, or
    when nothing in the sentence of the premise supports it."""
    if claim.content[0][0].endswith(("ly", "ing")):
        return set()
    named = claim.initial in premise.names | facts_of(premise.sentences[number]).names
    return {claim.initial} if named or support < RELATED else set()


def _borrowed(claim: Facts, names: Set[str], part: Facts, sentence: str) -> bool:
    """Whether names come from parts of the sentence that say more than the claim, while the part that says what the
    claim does has names of its own."""
    said = {root for _, root in claim.content}
    others = [facts_of(item) for item in items(sentence)]
    more = any(names & other.stems and {root for _, root in other.content} - said for other in others)
    return more and bool((part.names | {part.initial}) - claim.stems - {""})


def _moved(claim: Facts, sentence: str) -> bool:
    """Whether a figure of the claim belongs to another item of the sentence than the words it stands with."""
    parts = [facts_of(part) for part in items(sentence)]
    said = {root for _, root in claim.content}
    for figure in claim.figures:
        for own in (part for part in parts if figure.within(part.figures)):
            words = {root for _, root in own.content}
            sides = (own.before, words - own.before)
            foreign = [p for p in parts if any(not other.within(claim.figures) for other in p.figures)]
            apart = {root for part in foreign for _, root in part.content} - words
            if any(side and not side & said for side in sides) and apart & said:
                return True
    return False


def _crossed(claim: Facts, sentence: str) -> bool:
    """Whether the claim says of one half of a comparison what the sentence says of the other ("A is red, and B is
    blue": "B is red")."""
    said = {root for _, root in claim.content}
    halves = [{root for _, root in facts_of(clause).content} for clause in clauses(sentence)]
    for number, half in enumerate(halves):
        for other in halves[number + 1 :]:
            one, two = half - other, other - half
            if half & other and one & said and two & said and one - said and two - said:
                return True
    return False


def _closest(claim: Facts, parts: Sequence[str]) -> Facts:
    """The part that shares most words with the claim, names and figures aside."""
    plain = {root for _, root in claim.content} - claim.names
    return max((facts_of(part) for part in parts), key=lambda part: len(plain & part.stems))


def _denies(claim: Facts, clause: Facts, whole: Facts, parts: Sequence[Facts]) -> bool:
    """Whether one of claim and sentence denies what the other states."""
    turned = prefixed(claim, clause) or prefixed(clause, claim)
    said = {root for _, root in claim.content}
    shared = said & whole.stems
    if claim.denials and clause.denials > claim.denials and said <= clause.stems:
        return (clause.denials - claim.denials) % 2 == 1
    if claim.denials:
        alike = 2 * len(claim.denied & whole.denied) >= len(claim.denied) > 0
        return not (turned or alike or 2 * len(shared & whole.denied) >= max(len(shared), 1))
    stated = frozenset[str]().union(*(part.stems - part.denied for part in parts))
    return turned or bool((whole.denied & claim.stems) - stated)
