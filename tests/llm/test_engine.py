"""The `openai` engine against a real server that is not vLLM: no `[DONE]`, no list of models, errors of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import httpx
import pytest

from services.rag_llm.chat_server import ChatServer
from services.rag_llm.embedding import MiniLM
from services.rag_llm.endpoint import Fault
from services.rag_llm.engine import Answerer, Citation, Done, Part, Sentence, Turn
from services.rag_llm.engines.openai_chat import BROKE_OFF, INSTEAD, create
from services.rag_llm.library import Library
from services.rag_llm.settings import RagSettings
from tests.llm.conftest import SPOKEN
from tests.llm.transformers_server import TransformersServer

QUESTION = "What does a Fresnel lens do?"
LONG_ANSWER = 1500
PATIENT: dict[str, Any] = {"chat_first_token_s": 60.0, "chat_between_tokens_s": 30.0, "chat_turn_s": 120.0}
"""On a busy machine a token may take its time."""


def settings(server: TransformersServer, model: str, **more: Any) -> RagSettings:
    return RagSettings(chat_url=server.url, chat_model=server.model(model), **{**PATIENT, **more})


@asynccontextmanager
async def engine(encoder: MiniLM, chosen: RagSettings) -> AsyncIterator[Answerer]:
    answerer = create(encoder, chosen)
    yield answerer
    await answerer.close()


async def turn(library: Library, question: str = QUESTION) -> Turn:
    persona = await library.persona("lia")
    return Turn(question, persona, lambda: library.index(persona))


async def ask(answerer: Answerer, asked: Turn) -> list[Part]:
    return [part async for part in answerer.answer(asked)]


def spoken(parts: list[Part]) -> list[str]:
    return [part.text for part in parts if isinstance(part, Sentence)]


async def until(condition: Callable[[], bool], within_s: float = 60.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.02)


def test_this_server_lists_nothing_and_ends_its_streams_without_a_last_line(server: TransformersServer) -> None:
    assert httpx.get(f"{server.url}/models", timeout=30).json()["data"] == []
    message = {"role": "user", "content": "Hello"}
    body = {"model": server.model("recites"), "messages": [message], "stream": True}
    stream = httpx.post(f"{server.url}/chat/completions", json=body, timeout=60).text
    assert "data: {" in stream
    assert "[DONE]" not in stream


async def test_what_the_documents_support_is_spoken_and_cited(
    server: TransformersServer, library: Library, encoder: MiniLM
) -> None:
    async with engine(encoder, settings(server, "recites")) as answerer:
        parts = await ask(answerer, await turn(library))
    assert spoken(parts) == [SPOKEN]
    assert [part.document for part in parts if isinstance(part, Citation)] == ["lighthouses.md"]
    assert isinstance(parts[0], Citation)
    assert parts[-1] == Done(False)


async def test_nothing_of_what_a_random_model_babbles_is_spoken(
    server: TransformersServer, library: Library, encoder: MiniLM
) -> None:
    before = server.received
    async with engine(encoder, settings(server, "babbles")) as answerer:
        parts = await ask(answerer, await turn(library))
    assert server.received == before + 1
    assert parts[-1] == Done(True, "not_in_documents")
    assert not any(isinstance(part, Citation) for part in parts)


async def test_hanging_up_after_the_first_sentence_harms_nothing(
    server: TransformersServer, library: Library, encoder: MiniLM
) -> None:
    async with engine(encoder, settings(server, "goes-on", chat_max_tokens=LONG_ANSWER)) as answerer:
        for _ in range(2):
            async with aclosing(answerer.answer(await turn(library))) as parts:  # type: ignore[type-var]
                heard = [await anext(parts), await anext(parts)]
            assert isinstance(heard[0], Citation)
            assert spoken(heard) == [SPOKEN]
    async with engine(encoder, settings(server, "recites")) as answerer:
        assert spoken(await ask(answerer, await turn(library))) == [SPOKEN]


async def test_a_model_that_was_not_named_is_no_answer_and_the_documents_are_quoted(
    server: TransformersServer, library: Library, encoder: MiniLM
) -> None:
    async with engine(encoder, RagSettings(chat_url=server.url, **PATIENT)) as answerer:
        parts = await ask(answerer, await turn(library))
    quoted(parts)


@pytest.mark.parametrize("heard", [0, 3])
async def test_a_server_that_is_killed_is_a_typed_fault(mortal: TransformersServer, heard: int) -> None:
    server = ChatServer(settings(mortal, "never-ends-a-sentence", chat_max_tokens=LONG_ANSWER), time.monotonic)
    messages = [{"role": "user", "content": QUESTION}]
    pieces = 0
    with pytest.raises(Fault) as caught:
        async with aclosing(server.stream(messages, time.monotonic() + 120)) as deltas:
            if not heard:
                mortal.kill()
            async for _ in deltas:
                pieces += 1
                if pieces == heard:
                    mortal.kill()
    await server.close()
    assert caught.value.kind == ("died" if heard else "unreachable")
    assert pieces >= heard


async def test_killed_before_a_sentence_was_whole_it_is_quoted_instead_and_started_again_it_answers(
    mortal: TransformersServer, library: Library, encoder: MiniLM
) -> None:
    chosen = settings(mortal, "never-ends-a-sentence", chat_max_tokens=LONG_ANSWER)
    async with engine(encoder, chosen) as answerer:
        before = mortal.received
        answering = asyncio.create_task(ask(answerer, await turn(library)))
        await until(lambda: mortal.received > before)
        mortal.kill()
        quoted(await answering)
    async with engine(encoder, settings(mortal, "recites")) as answerer:
        quoted(await ask(answerer, await turn(library)))
        mortal.start()
        assert spoken(await ask(answerer, await turn(library))) == [SPOKEN]


async def test_killed_after_a_sentence_what_was_said_stays_said_and_is_not_all(
    mortal: TransformersServer, library: Library, encoder: MiniLM, caplog: pytest.LogCaptureFixture
) -> None:
    async with engine(encoder, settings(mortal, "goes-on", chat_max_tokens=LONG_ANSWER)) as answerer:
        parts: list[Part] = []
        async for part in answerer.answer(await turn(library)):
            parts.append(part)
            if isinstance(part, Sentence):
                mortal.kill()
    assert spoken(parts) == [SPOKEN, BROKE_OFF]
    assert parts[-1] == Done(False)
    # The sentence was spoken while the model still wrote: the connection broke in the middle.
    assert "died" in [getattr(record, "fault", "") for record in caplog.records]


def quoted(parts: list[Part]) -> None:
    """Asserts that the listener was told, and then heard the documents, with their source."""
    assert spoken(parts)[0].startswith(INSTEAD)
    assert "Fresnel lens" in " ".join(spoken(parts))
    assert any(isinstance(part, Citation) for part in parts)
    assert parts[-1] == Done(False)
