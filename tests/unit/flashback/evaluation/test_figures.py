from __future__ import annotations

import pytest

from flashback.evaluation.figures import figures, percentile, share
from flashback.evaluation.outcome import halves, misses
from tests.unit.flashback.evaluation.outcomes import outcome


@pytest.mark.parametrize(
    ("values", "part", "expected"),
    [([], 0.5, None), ([3.0], 0.95, 3.0), ([5.0, 1.0, 3.0], 0.5, 3.0), (list(range(101)), 0.95, 95)],
)
def test_percentiles(values: list[float], part: float, expected: float | None) -> None:
    assert percentile(values, part) == expected


def test_a_share_of_nothing_is_none() -> None:
    assert share([]) is None
    assert share([True, False, False]) == 0.3333


def test_every_figure_of_a_small_set() -> None:
    outcomes = [
        outcome("one", "one", [0], source="a.md", ms=10),
        outcome("two", "one", [0], source="b.md", ms=20),
        outcome("three", None, ms=30),
        outcome("four", "The three.", [0], ms=40),
        outcome(None, None, ms=50),
        outcome(None, "two", [1], ms=60),
        outcome(None, "Hello!", reason="small_talk", ms=70),
    ]
    assert figures(outcomes, [1, 3]) == {
        "questions": 7,
        "answerable": 4,
        "unanswerable": 3,
        "small_talk": 1,
        "recall_at_1": 0.25,
        "recall_at_3": 0.75,
        "answer_hit": 0.25,
        "citation_correct": 0.75,
        "sentences_supported": 0.75,
        "sentences_verbatim": 0.75,
        "source_cited": 0.5,
        "refusal_precision": 0.5,
        "refusal_recall": 0.3333,
        "wrongly_refused": 0.25,
        "first_sentence_ms_p50": 40,
        "first_sentence_ms_p95": 70,
        "answer_ms_p50": 80,
        "answer_ms_p95": 140,
    }


def test_figures_over_nothing_are_none() -> None:
    found = figures([], [1])
    assert found["questions"] == 0
    assert {found[k] for k in ("recall_at_1", "answer_hit", "citation_correct", "answer_ms_p95")} == {None}


def test_a_gold_text_in_a_refusal_is_no_answer() -> None:
    refused = outcome("sorry", None)
    assert not refused.hit
    assert figures([refused], [])["answer_hit"] == 0


@pytest.mark.parametrize(
    ("gold", "answer", "cited", "expected"),
    [
        ("one", "one", [0], []),
        ("three", "three", [2], ["no gold passage among the first 2"]),
        ("one", None, [], ["wrongly refused"]),
        ("one", "two", [1], ["gold text not in the answer"]),
        (None, None, [], []),
        (None, "two", [1], ["wrongly answered"]),
        ("one", "one", [1], ["not in its cited passage: one"]),
    ],
)
def test_misses_are_named(gold: str | None, answer: str | None, cited: list[int], expected: list[str]) -> None:
    assert misses(outcome(gold, answer, cited), 2) == expected


def test_small_talk_needs_no_citation() -> None:
    assert misses(outcome(None, "Hello!", reason="small_talk"), 3) == ["wrongly answered"]


def test_halves_are_told_by_position() -> None:
    outcomes = [outcome(None, None, ms=n) for n in range(1, 6)]
    even, odd = halves(outcomes)
    assert [o.first_ms for o in even] == [2, 4]
    assert [o.first_ms for o in odd] == [1, 3, 5]
