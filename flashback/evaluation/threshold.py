"""What other thresholds of the gate would have refused, and which to take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flashback.evaluation.figures import share
from flashback.evaluation.outcome import Outcome

STEPS = 100
MOST_WRONGLY_REFUSED = 0.10


@dataclass(frozen=True)
class Judged:
    """A question as the gate saw it.

    `probability`: that it can be answered, None where the gate was not asked. `refused`: what was decided without the
    gate, or after it.
    """

    answerable: bool
    probability: float | None
    refused: bool

    def refused_at(self, threshold: float) -> bool:
        return self.refused or (self.probability is not None and self.probability < threshold)


@dataclass(frozen=True)
class Point:
    """A threshold and what it refuses. `right` counts answerable questions let through and others refused."""

    threshold: float
    wrongly_refused: float | None
    rightly_refused: float | None
    right: int


def judged(outcome: Outcome, threshold: float) -> Judged:
    """The outcome without the part that a gate with this threshold had in it."""
    stopped = outcome.probability is not None and outcome.probability < threshold
    return Judged(outcome.answerable, outcome.probability, outcome.refused and not stopped)


def at(questions: Sequence[Judged], threshold: float) -> Point:
    """What a gate with this threshold refuses."""
    refused = [(q.answerable, q.refused_at(threshold)) for q in questions]
    return Point(
        threshold,
        share(stopped for answerable, stopped in refused if answerable),
        share(stopped for answerable, stopped in refused if not answerable),
        sum(answerable != stopped for answerable, stopped in refused),
    )


def curve(questions: Sequence[Judged], steps: int = STEPS) -> list[Point]:
    """The points 0, 1/steps ... 1."""
    return [at(questions, step / steps) for step in range(steps + 1)]


def chosen(questions: Sequence[Judged], most: float = MOST_WRONGLY_REFUSED) -> Point | None:
    """The threshold that is right most often while it wrongly refuses at most a share `most` of the answerable.

    Of several as good, the middle one of the longest row. None where no threshold keeps within `most`, or where there
    is nothing to choose by: no answerable or no unanswerable question.
    """
    if len({q.answerable for q in questions}) < 2:
        return None
    points = [p for p in curve(questions) if p.wrongly_refused is not None and p.wrongly_refused <= most]
    if not points:
        return None
    best = max(p.right for p in points)
    rows: list[list[Point]] = [[]]
    for point in points:
        if point.right == best:
            rows[-1].append(point)
        elif rows[-1]:
            rows.append([])
    longest = max(rows, key=len)
    return longest[len(longest) // 2]
