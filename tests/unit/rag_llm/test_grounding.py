"""What a turn is grounded on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from flashback import personas
from flashback.errors import Unavailable
from flashback.settings import HouseSettings
from services.rag_llm.embedding import MiniLM
from services.rag_llm.engine import Turn
from services.rag_llm.grounding import Evidence, Grounding, Grounds, Refusal, SmallTalk
from services.rag_llm.index import PassageIndex
from services.rag_llm.settings import RagSettings
from tests.fakes.openai_replies import refuses
from tests.fakes.openai_server import RERANK, FakeOpenAI

QUESTION = "Who decoded the waggle dance?"


@pytest.fixture
def turn(house: HouseSettings, index: PassageIndex) -> Callable[[str], Turn]:
    async def documents() -> PassageIndex | None:
        return index

    return lambda question: Turn(question, personas.load("bea", house), documents)


async def grounds(encoder: MiniLM, asked: Turn, settings: RagSettings | None = None) -> Grounds:
    grounding = Grounding(encoder, settings or RagSettings())
    try:
        return await grounding.of(asked)
    finally:
        grounding.close()


async def test_a_question_in_the_documents_has_evidence(encoder: MiniLM, turn: Callable[[str], Turn]) -> None:
    found = await grounds(encoder, turn(QUESTION))
    assert isinstance(found, Evidence)
    assert found.ranked[0].text.startswith("Karl von Frisch")
    assert found.passages[0] == found.ranked[0].passage


async def test_topics_do_without_documents_that_cannot_be_had(encoder: MiniLM, turn: Callable[[str], Turn]) -> None:
    async def busy() -> PassageIndex | None:
        raise Unavailable("I am still reading my documents.")

    asked = turn("What can you tell me about?")
    told = await grounds(encoder, asked)
    alone = await grounds(encoder, replace(asked, index=busy))
    assert isinstance(told, SmallTalk)
    assert isinstance(alone, SmallTalk)
    assert "Honey" in " ".join(told.sentences)
    assert "Honey" not in " ".join(alone.sentences)
    assert "bees and honey" in alone.sentences[0]


async def test_a_refusal_names_the_documents_when_the_persona_says_nothing_of_itself(
    encoder: MiniLM, turn: Callable[[str], Turn]
) -> None:
    asked = turn("Who won the football world cup?")
    found = await grounds(encoder, replace(asked, persona=replace(asked.persona, about="")))
    assert isinstance(found, Refusal)
    assert found.reason == "not_in_documents"
    assert "Honey" in found.sentences[-1]


async def test_a_reranker_is_asked_and_may_be_away(
    encoder: MiniLM, turn: Callable[[str], Turn], openai_server: FakeOpenAI
) -> None:
    settings = RagSettings(rerank_url=f"{openai_server.url}/rerank", rerank_deadline_s=5.0)
    openai_server.answer(refuses(500), path=RERANK)
    for _ in range(2):
        assert isinstance(await grounds(encoder, turn(QUESTION), settings), Evidence)
    asked = [a.body for a in openai_server.asked if a.path == RERANK]
    assert [body["query"] for body in asked] == [QUESTION, QUESTION]
    assert any("Karl von Frisch" in passage for passage in asked[0]["documents"])
