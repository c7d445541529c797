from __future__ import annotations

from collections.abc import Sequence

import pytest

from flashback.errors import Unavailable
from services.rag_llm import reranking

TEXTS = ["short", "the longest of them", "longer one", "same size."]


class ByLength:
    """The longer the better; remembers what it was asked."""

    name = "by length"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def scores(self, question: str, passages: Sequence[str]) -> Sequence[float]:
        self.asked.append(question)
        return [float(len(passage)) for passage in passages]


class Down(ByLength):
    def scores(self, question: str, passages: Sequence[str]) -> Sequence[float]:
        raise Unavailable("The reranker does not answer.")


class Short(ByLength):
    def scores(self, question: str, passages: Sequence[str]) -> Sequence[float]:
        return [1.0]


def test_the_best_come_first_and_equals_as_they_came() -> None:
    reranker = ByLength()
    assert reranking.order(reranker, "which?", TEXTS) == [1, 2, 3, 0]
    assert reranker.asked == ["which?"]


@pytest.mark.parametrize("reranker", [Down(), Short()])
def test_without_scores_the_order_stays(reranker: ByLength, caplog: pytest.LogCaptureFixture) -> None:
    assert reranking.order(reranker, "which?", TEXTS) == [0, 1, 2, 3]
    assert "not reranked" in caplog.text
    assert "which?" not in caplog.text
