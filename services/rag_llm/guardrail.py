"""Which passages support a generated sentence: mechanism around the policy in entailment.py."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from services.rag_llm import entailment
from services.rag_llm.engine import Encoder
from services.rag_llm.entailment import Limits, Premise, Verdict
from services.rag_llm.facts import names_in
from services.rag_llm.index import PassageIndex
from services.rag_llm.settings import RagSettings
from services.rag_llm.support import WordSpace


class Guardrail:
    """One answer's check: against the passages that the model was shown, and nothing else.

    `objections` counts what was wrong with the sentences that are not spoken.
    """

    def __init__(
        self, index: PassageIndex, shown: Sequence[int], encoder: Encoder, space: WordSpace, settings: RagSettings
    ) -> None:
        names = names_in(sentence for number in shown for sentence in index.passages[number].sentences)
        self._premises = [_premise(index, number, names) for number in shown]
        self._rarity = index.lexicon.rarity
        self._encoder = encoder
        self._space = space
        self._limits = Limits(settings.guard, settings.guard_share, settings.guard_clause, settings.guard_cosine)
        self.objections: Counter[str] = Counter()

    def supporting(self, claim: str, cited: Sequence[int]) -> tuple[int, ...]:
        """Which of the shown passages, counted from 1, support the claim; none when it must not be spoken.

        The cited ones that do, else all cited ones when only together they do. Else, and when none is cited, the one
        other passage that supports it best: a wrong number is mended, a wrong sentence is not spoken.
        """
        vector = self._encoder.encode([claim])[0]
        verdicts = [
            entailment.judge(claim, vector, premise, self._space, self._rarity, self._limits)
            for premise in self._premises
        ]
        right = [number for number in cited if verdicts[number - 1].supported]
        if self._limits.strictness == "off" and cited:
            return tuple(cited)
        if right:
            return tuple(right)
        if len(cited) > 1:
            both = _joined([self._premises[number - 1] for number in cited])
            if entailment.judge(claim, vector, both, self._space, self._rarity, self._limits).supported:
                return tuple(cited)
        best = max(range(len(verdicts)), key=lambda place: _fitness(verdicts[place]))
        if verdicts[best].supported:
            return (best + 1,)
        self.objections[verdicts[best].why] += 1
        return ()


def _fitness(verdict: Verdict) -> tuple[bool, float]:
    return verdict.supported, verdict.share + verdict.cosine


def _premise(index: PassageIndex, number: int, names: frozenset[str]) -> Premise:
    passage = index.passages[number]
    first = int(index.first_sentence[number])
    rows = index.sentence_vectors.rows(range(first, first + len(passage.sentences)))
    return Premise(passage.context, passage.sentences, rows, names)


def _joined(premises: Sequence[Premise]) -> Premise:
    return Premise(
        context=". ".join(dict.fromkeys(premise.context for premise in premises)),
        sentences=tuple(sentence for premise in premises for sentence in premise.sentences),
        vectors=np.vstack([premise.vectors for premise in premises]),
        names=premises[0].names,
    )
