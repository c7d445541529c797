"""Outcomes to count over."""

from __future__ import annotations

from collections.abc import Sequence

from flashback.evaluation.outcome import Outcome, Said
from flashback.evaluation.questions import Question
from flashback.evaluation.support import Passage

PASSAGES = tuple(Passage("a.md", f"line {n}", text) for n, text in enumerate(("one", "two", "three"), start=1))


def outcome(
    gold: str | None,
    answer: str | None,
    cited: Sequence[int] = (),
    reason: str = "",
    probability: float | None = 0.5,
    source: str | None = None,
    ms: float = 1.0,
) -> Outcome:
    """`answer` None: refused. `cited` are places in PASSAGES, cited by the only sentence."""
    said = Said("I am sorry." if answer is None else answer, tuple(PASSAGES[n] for n in cited))
    question = Question(1, "Q?", gold=None if gold is None else (gold,), source=source)
    return Outcome(question, (said,), answer is None, reason, PASSAGES, probability, ms, 2 * ms)
