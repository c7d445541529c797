"""Vectors over HTTP: their order, their width, and what happens when they do not come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
from pydantic import SecretStr

from flashback.errors import Broken, MissingEngine, Unavailable
from flashback.settings import HouseSettings
from services.rag_llm.embedding import MiniLM
from services.rag_llm.embedding_server import EmbeddingServer
from services.rag_llm.engine import Turn
from services.rag_llm.grounding import Evidence, Grounding
from services.rag_llm.library import Library
from services.rag_llm.settings import RagSettings
from tests.fakes.openai_replies import Dropped, context_too_long, refuses
from tests.fakes.openai_server import EMBEDDINGS, FakeOpenAI
from tests.fakes.openai_wire import embedding

Making = Callable[..., EmbeddingServer]


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def making(openai_server: FakeOpenAI, encoder: MiniLM, slept: list[float]) -> Iterator[Making]:
    made: list[EmbeddingServer] = []

    def make(**changed: Any) -> EmbeddingServer:
        given = {"embeddings_url": openai_server.url, **changed}
        made.append(EmbeddingServer(RagSettings(**given), encoder, slept.append))
        return made[-1]

    openai_server.width = 48
    yield make
    for server in made:
        server.close()


def test_vectors_come_in_the_order_of_the_texts(openai_server: FakeOpenAI, making: Making) -> None:
    texts = [f"text {n}" for n in range(20)]
    vectors = making(embeddings_batch=8).encode(texts)
    np.testing.assert_allclose(vectors, [embedding(text, 48) for text in texts], atol=1e-6)
    assert vectors.dtype == np.float32
    assert [len(a.body["input"]) for a in openai_server.asked if a.path == EMBEDDINGS] == [8, 8, 4]


def test_no_texts_have_the_width_too(making: Making) -> None:
    assert making().encode([]).shape == (0, 48)


def test_words_keep_their_static_vectors(making: Making, encoder: MiniLM) -> None:
    np.testing.assert_array_equal(making().word_vectors(["bee"]), encoder.word_vectors(["bee"]))


def test_the_name_is_the_model(making: Making) -> None:
    assert making().name == "tiny"
    assert making(embeddings_model="BAAI/bge small:v1").name == "BAAI-bge-small-v1"


def test_the_key_is_sent(openai_server: FakeOpenAI, making: Making) -> None:
    openai_server.key = "sesame"
    assert making(embeddings_api_key=SecretStr("sesame")).encode(["a"]).shape == (1, 48)
    with pytest.raises(Unavailable, match="EMBEDDINGS_API_KEY"):
        making(embeddings_model="tiny").encode(["a"])


@pytest.mark.parametrize("fault", [refuses(503), refuses(429, retry_after=2), refuses(500), Dropped()])
def test_a_passing_fault_is_tried_again(
    openai_server: FakeOpenAI, making: Making, slept: list[float], fault: Any
) -> None:
    openai_server.answer(fault, path=EMBEDDINGS)
    assert making().encode(["a"]).shape == (1, 48)
    assert slept == [2.0 if "retry-after" in str(fault) else 0.2]


def test_a_question_is_not_kept_waiting_as_long_as_an_ingest(
    openai_server: FakeOpenAI, making: Making, slept: list[float]
) -> None:
    server = making()
    openai_server.answer(*[refuses(500)] * 6, path=EMBEDDINGS)
    with pytest.raises(Unavailable):
        server.encode(["a"])
    assert len(slept) == 1
    with pytest.raises(Unavailable):
        server.encode(["a"] * 20)
    assert len(slept) == 4


def test_a_text_that_is_too_long_is_cut(openai_server: FakeOpenAI, making: Making) -> None:
    openai_server.answer(context_too_long(512, 900), path=EMBEDDINGS)
    making().encode(["word " * 5000])
    sent = [len(a.body["input"][0]) for a in openai_server.asked if a.path == EMBEDDINGS]
    assert sent == [25000, 4000]


def test_an_empty_text_has_a_vector(making: Making) -> None:
    assert making().encode([""]).shape == (1, 48)


def test_another_width_is_damage(openai_server: FakeOpenAI, making: Making) -> None:
    server = making()
    server.encode(["a"])
    openai_server.width = 32
    with pytest.raises(Broken, match="48"):
        server.encode(["a"])


def test_what_are_no_vectors_is_damage(openai_server: FakeOpenAI, making: Making) -> None:
    server = making()
    openai_server.answer(lambda asked: refuses(200, "no vectors"), path=EMBEDDINGS)
    with pytest.raises(Broken, match="no vectors"):
        server.encode(["a"])


def test_without_a_server_the_model_must_be_named(openai_server: FakeOpenAI, making: Making) -> None:
    openai_server.stop()
    with pytest.raises(MissingEngine, match="EMBEDDINGS_MODEL"):
        making()
    with pytest.raises(Unavailable, match="not answering"):
        making(embeddings_model="tiny").encode(["a"])


async def test_documents_are_indexed_and_found_by_the_server_and_under_its_name(
    making: Making, house: HouseSettings, settings: RagSettings, encoder: MiniLM
) -> None:
    versions = set()
    for chosen in (making(), encoder):
        library = Library(house, settings, chosen)
        persona = await library.persona("bea")
        index = await library.index(persona)
        assert index is not None
        versions.add(index.version)
        grounding = Grounding(chosen, RagSettings(gate_threshold=0.0))
        found = grounding.find(Turn("Who decoded the waggle dance?", persona, partial(library.index, persona)), index)
        assert isinstance(found, Evidence)
        assert "Karl von Frisch" in index.passages[found.passages[0]].text
        grounding.close()
        await library.close()
    assert len(versions) == 2
