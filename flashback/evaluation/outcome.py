"""What became of one question, judged by its own words and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from flashback.evaluation.questions import Question
from flashback.evaluation.support import Finding, Passage, finding
from flashback.evaluation.wording import holds

SMALL_TALK = "small_talk"


@dataclass(frozen=True)
class Said:
    """One sentence as it was spoken, and the passages it cites."""

    text: str
    cited: tuple[Passage, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """An answered question. `retrieved`: passages, best first. Times are milliseconds from the question.

    `probability`: the gate's, 0..1; None where the gate was not asked (small talk, instructions, no documents).
    """

    question: Question
    said: tuple[Said, ...]
    refused: bool
    reason: str
    retrieved: tuple[Passage, ...]
    probability: float | None
    first_ms: float
    whole_ms: float

    @property
    def answerable(self) -> bool:
        return self.question.gold is not None

    @property
    def answer(self) -> str:
        return " ".join(sentence.text for sentence in self.said)

    @property
    def from_documents(self) -> bool:
        """True for an answer that has to be cited: neither a refusal nor small talk."""
        return not self.refused and self.reason != SMALL_TALK

    @cached_property
    def rank(self) -> int | None:
        """Place, from 1, of the first retrieved passage that holds a gold text; None where none does."""
        for place, passage in enumerate(self.retrieved, start=1):
            if any(passage.holds(gold) for gold in self.question.gold or ()):
                return place
        return None

    @cached_property
    def hit(self) -> bool:
        """True when the question was answered and a gold text is in the spoken answer."""
        return not self.refused and any(holds(self.answer, gold) for gold in self.question.gold or ())

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """For each sentence, how the passages it cites bear it out; empty where nothing has to be cited."""
        return tuple(finding(s.text, s.cited) for s in self.said) if self.from_documents else ()

    @property
    def borne_out(self) -> bool:
        """True when every sentence is contained in a passage it cites."""
        return bool(self.findings) and "unsupported" not in self.findings

    @property
    def source_cited(self) -> bool:
        """True when the document that holds the answer is cited."""
        return any(p.document == self.question.source for s in self.said for p in s.cited)


def misses(outcome: Outcome, depth: int) -> list[str]:
    """What went wrong with a question, in a few words each; empty when nothing did.

    depth: how far down the ranking a gold passage counts as found.
    """
    found = []
    if outcome.answerable:
        if outcome.rank is None or outcome.rank > depth:
            found.append(f"no gold passage among the first {depth}")
        if outcome.refused:
            found.append("wrongly refused")
        elif not outcome.hit:
            found.append("gold text not in the answer")
    elif not outcome.refused:
        found.append("wrongly answered")
    return found + [
        f"not in its cited passage: {said.text}"
        for said, verdict in zip(outcome.said, outcome.findings, strict=False)
        if verdict == "unsupported"
    ]


def halves(outcomes: Sequence[Outcome]) -> tuple[list[Outcome], list[Outcome]]:
    """The second, fourth, ... outcome, and the first, third, ..."""
    return list(outcomes[1::2]), list(outcomes[0::2])
