from __future__ import annotations

import pytest

from flashback.evaluation.threshold import Judged, at, chosen, curve, judged
from tests.unit.flashback.evaluation.outcomes import outcome


def gate(answerable: list[float], unanswerable: list[float]) -> list[Judged]:
    return [Judged(True, p, False) for p in answerable] + [Judged(False, p, False) for p in unanswerable]


def test_a_point_of_the_curve() -> None:
    point = at(gate([0.9, 0.6, 0.3, 0.2], [0.1, 0.5]), 0.4)
    assert (point.wrongly_refused, point.rightly_refused, point.right) == (0.5, 0.5, 3)


def test_a_threshold_itself_lets_through() -> None:
    assert at(gate([0.4], []), 0.4).wrongly_refused == 0


def test_refusals_never_grow_fewer_along_the_curve() -> None:
    points = curve(gate([0.9, 0.6, 0.3], [0.1, 0.5, 0.95]))
    assert (points[0].threshold, points[-1].threshold) == (0.0, 1.0)
    for earlier, later in zip(points, points[1:], strict=False):
        assert (earlier.wrongly_refused or 0) <= (later.wrongly_refused or 0)
        assert (earlier.rightly_refused or 0) <= (later.rightly_refused or 0)


@pytest.mark.parametrize(
    ("answerable", "unanswerable", "expected"),
    [
        ([0.8, 0.9], [0.1, 0.2], 0.51),
        ([0.8] * 9 + [0.3], [0.1, 0.4, 0.5, 0.6], 0.71),
        ([0.8] * 8 + [0.3, 0.3], [0.1, 0.4, 0.5, 0.6], 0.21),
    ],
)
def test_the_threshold_that_is_right_most_often_within_the_bound(
    answerable: list[float], unanswerable: list[float], expected: float
) -> None:
    point = chosen(gate(answerable, unanswerable))
    assert point is not None
    assert point.threshold == pytest.approx(expected, abs=0.011)


def test_the_bound_is_kept() -> None:
    questions = gate([0.8] * 8 + [0.3, 0.3], [0.1, 0.4, 0.5, 0.6])
    loose = chosen(questions, most=0.2)
    assert loose is not None
    assert loose.threshold > 0.6
    assert loose.wrongly_refused == 0.2


@pytest.mark.parametrize("questions", [[], gate([0.5], []), gate([], [0.5])])
def test_nothing_to_choose_by(questions: list[Judged]) -> None:
    assert chosen(questions) is None


def test_a_bound_that_nothing_keeps() -> None:
    assert chosen([Judged(True, None, True), Judged(False, 0.2, False)]) is None


@pytest.mark.parametrize(
    ("probability", "refused", "elsewhere"),
    [
        (0.2, True, False),
        (0.8, True, True),
        (0.8, False, False),
        (None, True, True),
        (None, False, False),
    ],
)
def test_what_the_gate_had_no_part_in_stays(probability: float | None, refused: bool, elsewhere: bool) -> None:
    found = judged(outcome("one", None if refused else "one", [0], probability=probability), 0.4)
    assert found == Judged(True, probability, elsewhere)
    assert found.refused_at(0.4) == refused
    assert found.refused_at(0.0) == elsewhere
