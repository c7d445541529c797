"""Reranking over HTTP: both dialects, and an order that stands when there is no answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flashback.errors import Unavailable
from services.rag_llm.rerank_server import RerankServer
from services.rag_llm.reranking import order
from services.rag_llm.settings import RagSettings
from tests.fakes.openai_replies import Dropped, Refused, refuses
from tests.fakes.openai_server import RERANK, Asked, FakeOpenAI

PASSAGES = ["bridges cross rivers", "bees dance", "how many bees live in a hive"]
QUESTION = "how many bees"
Making = Callable[..., RerankServer]


@pytest.fixture
def making(openai_server: FakeOpenAI) -> Iterator[Making]:
    made: list[RerankServer] = []

    def make(**changed: Any) -> RerankServer:
        given = {"rerank_url": f"{openai_server.url}/rerank", "rerank_deadline_s": 5.0, **changed}
        made.append(RerankServer(RagSettings(**given)))
        return made[-1]

    yield make
    for server in made:
        server.close()


def test_scores_are_in_the_order_of_the_passages(making: Making) -> None:
    assert making().scores(QUESTION, PASSAGES) == pytest.approx([0, 1 / 3, 1])
    assert order(making(), QUESTION, PASSAGES) == [2, 1, 0]


def test_the_model_is_named_when_it_is_set(openai_server: FakeOpenAI, making: Making) -> None:
    making().scores(QUESTION, PASSAGES)
    making(rerank_model="tiny").scores(QUESTION, PASSAGES)
    assert ["model" in a.body for a in openai_server.asked] == [False, True]


def test_the_other_dialect_is_found_out_and_kept(openai_server: FakeOpenAI, making: Making) -> None:
    def tei(asked: Asked) -> Refused:
        if "texts" not in asked.body:
            return refuses(422, "missing field `texts`")
        return Refused(200, '[{"index": 1, "score": 0.9}, {"index": 0, "score": 0.1}, {"index": 2, "score": 0.5}]')

    openai_server.answer(tei, tei, tei, path=RERANK)
    server = making()
    assert server.scores(QUESTION, PASSAGES) == [0.1, 0.9, 0.5]
    assert server.scores(QUESTION, PASSAGES) == [0.1, 0.9, 0.5]
    assert len(openai_server.asked) == 3


@pytest.mark.parametrize(
    "fault",
    [
        Dropped(),
        refuses(500),
        refuses(401),
        Refused(200, "not json"),
        Refused(200, '{"results": [{"index": 0, "relevance_score": 1}]}'),
        Refused(200, '{"results": [{"index": 0}, {"index": 1}, {"index": 2}]}'),
    ],
)
def test_without_an_answer_the_order_stands(openai_server: FakeOpenAI, making: Making, fault: Any) -> None:
    openai_server.answer(fault, fault, path=RERANK)
    server = making()
    with pytest.raises(Unavailable):
        server.scores(QUESTION, PASSAGES)
    assert order(server, QUESTION, PASSAGES) == [0, 1, 2]


def test_the_deadline_holds(openai_server: FakeOpenAI, making: Making) -> None:
    now = iter(range(1000))
    server = RerankServer(
        RagSettings(rerank_url=f"{openai_server.url}/rerank", rerank_deadline_s=1.5), lambda: next(now)
    )
    with pytest.raises(Unavailable, match="in time"):
        server.scores(QUESTION, PASSAGES)
    server.close()


def test_a_server_that_failed_twice_is_not_asked_for_a_while(openai_server: FakeOpenAI, making: Making) -> None:
    openai_server.answer(*[refuses(500)] * 9, path=RERANK)
    server = making()
    for _ in range(5):
        assert order(server, QUESTION, PASSAGES) == [0, 1, 2]
    assert len(openai_server.asked) == 2
