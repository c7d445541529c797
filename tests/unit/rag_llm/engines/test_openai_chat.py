"""The chat engine: what it asks, what it lets be spoken, and what it does when the server fails."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import SecretStr

from flashback.errors import MissingEngine
from flashback.rpc import ServiceServer, open_channel, wait_serving
from flashback.settings import HouseSettings
from flashback.v1 import rag_llm_pb2, rag_llm_pb2_grpc
from services.rag_llm.embedding import MiniLM
from services.rag_llm.engine import Citation, Done, Exchange, Part, Sentence, Turn
from services.rag_llm.engines import openai_chat
from services.rag_llm.engines.openai_chat import BROKE_OFF, INSTEAD, OpenAIChatAnswerer, create
from services.rag_llm.grounding import Grounding
from services.rag_llm.index import PassageIndex
from services.rag_llm.library import Library
from services.rag_llm.server import RagLlmServicer
from services.rag_llm.settings import RagSettings
from tests.fakes import openai_replies as replies
from tests.fakes.openai_replies import (
    Delta,
    Dropped,
    Finish,
    HangUp,
    InStreamError,
    Pause,
    Raw,
    Reset,
    Role,
    Stall,
    says,
)
from tests.fakes.openai_server import FakeOpenAI

RIGHT = "Karl von Frisch decoded the waggle dance in 1927 [1]."
SPOKEN = "Karl von Frisch decoded the waggle dance in 1927."
QUESTION = "Who decoded the waggle dance?"
QUOTED = [INSTEAD, SPOKEN]
Making = Callable[..., OpenAIChatAnswerer]


@pytest.fixture
async def making(openai_server: FakeOpenAI, encoder: MiniLM) -> AsyncIterator[Making]:
    """Makes engines with settings, and closes them."""
    made: list[OpenAIChatAnswerer] = []

    def make(**changed: Any) -> OpenAIChatAnswerer:
        given = {"chat_url": openai_server.url, "max_sentences": 1, "chat_first_token_s": 5.0, **changed}
        made.append(cast(OpenAIChatAnswerer, create(encoder, RagSettings(**given))))
        return made[-1]

    yield make
    for answerer in made:
        await answerer.close()


class Heard:
    """An answer taken apart."""

    def __init__(self, parts: list[Part]) -> None:
        self.parts = parts
        self.sentences = [p for p in parts if isinstance(p, Sentence)]
        self.texts = [s.text for s in self.sentences]
        self.citations = [p for p in parts if isinstance(p, Citation)]
        self.done = parts[-1]


@pytest.fixture
def ask(house: HouseSettings, index: PassageIndex) -> Callable[..., Any]:
    from flashback import personas

    bea = personas.load("bea", house)

    async def documents() -> PassageIndex:
        return index

    async def asked(answerer: OpenAIChatAnswerer, question: str = QUESTION, *history: Exchange) -> Heard:
        return Heard([part async for part in answerer.answer(Turn(question, bea, documents, history))])

    asked.turn = Turn(QUESTION, bea, documents)  # type: ignore[attr-defined]
    return asked


async def test_what_the_passages_support_is_spoken_with_its_citation(
    openai_server: FakeOpenAI, making: Making, ask: Any
) -> None:
    openai_server.answer(says(RIGHT))
    heard = await ask(making())
    assert heard.texts == [SPOKEN]
    assert heard.done == Done(False)
    assert isinstance(heard.parts[0], Citation)
    assert "waggle dance" in heard.citations[0].text


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Karl von Frisch decoded it in 1972 [1]. " + RIGHT, [SPOKEN]),
        ("Konrad Lorenz decoded the waggle dance in 1927 [1]. " + RIGHT, [SPOKEN]),
        (RIGHT + " It won him the Nobel prize in physiology [1].", [SPOKEN]),
        (RIGHT + " " + RIGHT, [SPOKEN]),
        ("<think>Let me see. Bees fly [1].</think>" + RIGHT, [SPOKEN]),
        (RIGHT + " NO_ANSWER", [SPOKEN]),
    ],
)
async def test_what_they_do_not_support_is_not(
    openai_server: FakeOpenAI, making: Making, ask: Any, written: str, spoken: list[str]
) -> None:
    openai_server.answer(says(written))
    assert (await ask(making())).texts == spoken


async def test_a_sentence_without_a_marker_or_with_a_wrong_one_gets_the_right_citation(
    openai_server: FakeOpenAI, making: Making, ask: Any
) -> None:
    for written in (SPOKEN, SPOKEN[:-1] + " [2].", SPOKEN[:-1] + " [77]."):
        openai_server.answer(says(written))
        heard = await ask(making())
        assert heard.texts == [SPOKEN]
        assert ["waggle dance" in c.text for c in heard.citations] == [True]


@pytest.mark.parametrize("written", ["NO_ANSWER", "**NO_ANSWER.**", "Bees invented the telephone in Paris [1]."])
async def test_nothing_supported_is_a_refusal(
    openai_server: FakeOpenAI, making: Making, ask: Any, written: str
) -> None:
    openai_server.answer(says(written))
    heard = await ask(making())
    assert heard.done == Done(True, "not_in_documents")
    assert heard.citations == []


async def test_without_the_guard_a_model_says_what_it_likes(
    openai_server: FakeOpenAI, making: Making, ask: Any
) -> None:
    openai_server.answer(says("Bees invented the telephone in Paris [1]."))
    assert (await ask(making(guard="off"))).texts == ["Bees invented the telephone in Paris."]


async def test_a_sentence_is_spoken_before_the_next_is_written(
    openai_server: FakeOpenAI, making: Making, ask: Any
) -> None:
    hold = replies.Hold()
    reply = says(RIGHT + " It is a dance.")
    openai_server.answer(reply.insert(len(reply.events) - 3, hold))
    async with aclosing(making().answer(ask.turn)) as parts:  # type: ignore[type-var]
        heard = [await anext(parts), await anext(parts)]
        assert [p.text for p in heard if isinstance(p, Sentence)] == [SPOKEN]
        hold.gate.set()


async def test_the_request_holds_rules_passages_history_and_question(
    openai_server: FakeOpenAI, making: Making, ask: Any
) -> None:
    openai_server.answer(says(RIGHT))
    before = Exchange("How many bees live in a hive?", "About 50,000.")
    await ask(making(chat_extra_body={"top_k": 5, "temperature": None}), "And who decoded their dance?", before)
    body = openai_server.chats[0].body
    assert body["model"] == openai_server.model
    assert body["stream"] is True
    assert body["top_k"] == 5
    assert "temperature" not in body
    roles = [(m["role"], m["content"]) for m in body["messages"]]
    assert [role for role, _ in roles] == ["system", "user", "assistant", "user"]
    assert "NO_ANSWER" in roles[0][1]
    assert roles[1:3] == [("user", before.question), ("assistant", before.answer)]
    assert '<passage number="1"' in roles[3][1]
    assert roles[3][1].endswith("Question: And who decoded their dance?")


async def test_the_key_is_sent_and_never_logged(
    openai_server: FakeOpenAI, making: Making, ask: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    openai_server.key = "sesame"
    openai_server.answer(says(RIGHT))
    assert (await ask(making(chat_api_key=SecretStr("sesame")))).texts == [SPOKEN]
    assert (await ask(making(chat_api_key=SecretStr("abracadabra")))).texts == QUOTED
    written = caplog.text + json.dumps([str(vars(record)) for record in caplog.records])
    assert "sesame" not in written
    assert "abracadabra" not in written
    assert "waggle" not in written


FAULTS = {
    "refused": Dropped(),
    "no key": replies.unauthorised(),
    "no model": replies.unknown_model("a", "b"),
    "full": replies.refuses(429, retry_after=30),
    "not ready": replies.refuses(503),
    "broken": replies.refuses(500),
    "rejected": replies.refuses(400, "unknown field"),
    "died before a word": says(RIGHT).cut(1, Reset()),
    "died within a sentence": says(RIGHT).cut(5, Reset()),
    "closed within a sentence": says(RIGHT).cut(5, HangUp()),
    "just ended": says(RIGHT, done=False).cut(5),
    "error in the stream": says(RIGHT).cut(5, InStreamError()),
    "no JSON": says(RIGHT).cut(3, Raw(b"data: {not json\n\n")),
    "no chunk": says(RIGHT).cut(3, Raw(b'data: ["a"]\n\n')),
    "no object": says(RIGHT).cut(3, Raw(b'data: {"object": "x"}\n\n')),
    "wrong types": says(RIGHT).cut(3, Raw(b'data: {"choices": [{"delta": {"content": 7}}]}\n\n')),
    "no stream": replies.Refused(200, "<html>Welcome</html>"),
    "an event without an end": says(RIGHT).cut(3, Raw(b"data: " + b"x" * 3_000_000)),
    "elsewhere": replies.Refused(307, "", (("location", "/v2"),)),
    "empty": says(""),
    "only reasoning": says("", reasoning="I think so.", finish="length"),
    "cut off": says(RIGHT[:30], finish="length"),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_before_a_sentence_is_told_and_the_documents_are_read(
    openai_server: FakeOpenAI, making: Making, ask: Any, name: str
) -> None:
    openai_server.otherwise = FAULTS[name]
    heard = await ask(making())
    assert heard.texts == QUOTED
    assert heard.done == Done(False)
    assert all(s.citations == (1,) for s in heard.sentences)


HALF = says(RIGHT + " Honey keeps for")
"""A whole sentence and the beginning of another."""


@pytest.mark.parametrize("end", [Reset(), HangUp(), InStreamError(), Raw(b"data: {\n\n"), Stall()])
async def test_what_was_spoken_stays_and_that_it_is_not_all_is_said(
    openai_server: FakeOpenAI, making: Making, ask: Any, end: replies.Event
) -> None:
    # A reset throws away what the client has not read yet, hence the pause.
    openai_server.answer(HALF.cut(len(HALF.events) - 1, Pause(0.2), end))
    heard = await ask(making(chat_between_tokens_s=1.0))
    assert heard.texts == [SPOKEN, BROKE_OFF]
    assert [sentence.number for sentence in heard.sentences] == [0, 1]
    assert heard.done == Done(False)


async def test_that_it_broke_off_cites_what_the_sentence_before_does(
    openai_server: FakeOpenAI, making: Making, ask: Any
) -> None:
    whole = says(RIGHT + " A healthy hive holds about 50,000 bees in summer [2]. Honey keeps for")
    openai_server.answer(whole.cut(len(whole.events) - 1, Pause(0.2), HangUp()))
    heard = await ask(making())
    assert heard.texts[-1] == BROKE_OFF
    assert [sentence.citations for sentence in heard.sentences] == [(1,), (2,), (2,)]
    assert len(heard.citations) == 2


async def test_an_answer_that_ends_at_a_limit_did_not_break_off(
    openai_server: FakeOpenAI, making: Making, ask: Any
) -> None:
    stalled = HALF.cut(len(HALF.events) - 1, Stall())
    for reply, limits in (
        (says(RIGHT + " Honey keeps for", finish="length"), {}),
        (stalled, {"chat_turn_s": 2.0, "chat_between_tokens_s": 60.0}),
        (stalled, {"chat_max_sentences": 1}),
    ):
        openai_server.answer(reply)
        heard = await ask(making(**limits))
        assert heard.texts == [SPOKEN]
        assert heard.done == Done(False)


@pytest.mark.parametrize(
    ("reply", "limits"),
    [
        (says(RIGHT).insert(1, Stall()), {"chat_first_token_s": 0.3}),
        (says(RIGHT).insert(1, Raw(b": ping\n\n"), Stall()), {"chat_first_token_s": 0.3}),
        (says(RIGHT).insert(4, Stall()), {"chat_between_tokens_s": 0.3}),
        (replies.rambles("<think>and so on "), {"chat_turn_s": 0.5}),
        (replies.rambles("x"), {"chat_turn_s": 0.5}),
    ],
)
async def test_a_slow_or_endless_answer_ends_in_time(
    openai_server: FakeOpenAI, making: Making, ask: Any, reply: replies.Reply, limits: dict[str, float]
) -> None:
    openai_server.answer(reply)
    heard = await ask(making(**limits))
    assert heard.texts == QUOTED
    assert await openai_server.chats[0].was_left()


async def test_invention_without_an_end_is_cut_short(openai_server: FakeOpenAI, making: Making, ask: Any) -> None:
    openai_server.answer(replies.rambles("Wasps drink coffee in Paris. "))
    assert (await ask(making(chat_turn_s=60.0))).done == Done(True, "not_in_documents")
    assert await openai_server.chats[0].was_left()


async def test_a_model_that_repeats_itself_is_cut_short(openai_server: FakeOpenAI, making: Making, ask: Any) -> None:
    openai_server.answer(replies.rambles(RIGHT + " "))
    assert (await ask(making(chat_turn_s=60.0))).texts == [SPOKEN]
    assert await openai_server.chats[0].was_left()


async def test_an_answer_ends_after_enough_sentences(openai_server: FakeOpenAI, making: Making, ask: Any) -> None:
    more = RIGHT + " A healthy hive holds about 50,000 bees in summer [2]. The queen lays eggs [2]. "
    openai_server.answer(says(more * 3))
    heard = await ask(making(chat_max_sentences=2))
    assert len(heard.texts) == 2


async def test_a_server_that_is_down_at_the_start_is_used_once_it_is_up(
    openai_server: FakeOpenAI, making: Making, ask: Any, caplog: pytest.LogCaptureFixture
) -> None:
    answerer = making()
    openai_server.stop()
    await answerer.prepare()
    assert "no language model yet" in caplog.text
    assert (await ask(answerer)).texts == QUOTED
    openai_server.start()
    openai_server.answer(says(RIGHT))
    assert (await ask(answerer)).texts == [SPOKEN]


async def test_a_server_that_asks_for_a_moment_gets_it(openai_server: FakeOpenAI, making: Making, ask: Any) -> None:
    openai_server.answer(replies.refuses(503, retry_after=0), says(RIGHT))
    assert (await ask(making())).texts == [SPOKEN]


async def test_after_two_failures_the_server_is_left_alone_for_a_while(
    openai_server: FakeOpenAI, making: Making, ask: Any
) -> None:
    openai_server.otherwise = replies.refuses(500)
    answerer = making()
    for _ in range(4):
        assert (await ask(answerer)).texts == QUOTED
    assert len(openai_server.chats) == 2


async def test_a_context_that_is_too_long_loses_history_and_passages(
    openai_server: FakeOpenAI, making: Making, ask: Any
) -> None:
    openai_server.answer(replies.context_too_long(200, 300), says(RIGHT))
    heard = await ask(making(), QUESTION, Exchange("What is honey?", "Honey keeps for years."))
    assert heard.texts == [SPOKEN]
    long, short = (asked.prompt for asked in openai_server.chats)
    assert short.count("<passage") < long.count("<passage")
    assert "What is honey?" in long
    assert "What is honey?" not in short


async def test_a_context_that_never_fits_is_a_fault(openai_server: FakeOpenAI, making: Making, ask: Any) -> None:
    openai_server.context = 20
    assert (await ask(making())).texts == QUOTED


async def test_the_passages_stay_within_their_budget(openai_server: FakeOpenAI, making: Making, ask: Any) -> None:
    openai_server.answer(says(RIGHT))
    await ask(making(chat_passage_tokens=50))
    assert openai_server.chats[0].prompt.count("<passage") == 1


@pytest.mark.parametrize(
    "written", [says(RIGHT, done=False), says(RIGHT).insert(2, Raw(b': ping\n\ndata: {"choices": []}\n\n'))]
)
async def test_streams_that_differ_from_the_usual_are_understood(
    openai_server: FakeOpenAI, making: Making, ask: Any, written: replies.Reply
) -> None:
    openai_server.answer(written)
    assert (await ask(making())).texts == [SPOKEN]


async def test_an_abandoned_turn_closes_the_stream_at_once(openai_server: FakeOpenAI, making: Making, ask: Any) -> None:
    openai_server.answer(says(RIGHT + " More").insert(12, Stall()))
    async with asyncio.timeout(10):
        parts = making().answer(ask.turn)
        waiting = asyncio.create_task(anext(aiter(parts)))  # type: ignore[arg-type]
        while not openai_server.chats:
            await asyncio.sleep(0.01)
        waiting.cancel()
        assert await openai_server.chats[0].was_left()


@pytest.mark.parametrize("heard_first", [False, True])
async def test_a_cancelled_call_closes_the_stream_at_once(
    openai_server: FakeOpenAI,
    making: Making,
    encoder: MiniLM,
    house: HouseSettings,
    settings: RagSettings,
    tmp_path: Path,
    heard_first: bool,
) -> None:
    openai_server.answer(says(RIGHT + " More").insert(20 if heard_first else 3, Stall()))
    service = ServiceServer(f"unix:{tmp_path}/rag.sock")
    servicer = RagLlmServicer(Library(house, settings, encoder), making(), Grounding(encoder, settings))
    rag_llm_pb2_grpc.add_RagLlmServicer_to_server(servicer, service.server)
    await service.start()
    channel = open_channel(service.address)
    await wait_serving(channel, "rag_llm", 10)
    call = rag_llm_pb2_grpc.RagLlmStub(channel).Answer(
        rag_llm_pb2.AnswerRequest(persona_id="bea", question=QUESTION), timeout=60
    )
    async with asyncio.timeout(30):
        if heard_first:
            assert (await call.read()).HasField("citation")
        while not openai_server.chats:
            await asyncio.sleep(0.01)
        call.cancel()
        assert await openai_server.chats[0].was_left()
    await channel.close(None)
    await service.stop(0)
    await servicer.close()


async def test_the_event_loop_neither_builds_the_guard_nor_words_a_refusal_or_a_quotation(
    openai_server: FakeOpenAI, making: Making, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: dict[str, threading.Thread] = {}

    def watched(name: str) -> None:
        work = getattr(openai_chat, name)

        def noted(*given: Any, **more: Any) -> Any:
            threads[name] = threading.current_thread()
            return work(*given, **more)

        monkeypatch.setattr(openai_chat, name, noted)

    for name in ("Guardrail", "refused", "quote"):
        watched(name)
    openai_server.answer(says("NO_ANSWER"), replies.refuses(500))
    answerer = making()
    assert (await ask(answerer)).done == Done(True, "not_in_documents")
    assert (await ask(answerer)).texts == QUOTED
    assert set(threads) == {"Guardrail", "refused", "quote"}
    assert threading.current_thread() not in threads.values()


async def test_a_small_pause_is_no_fault(openai_server: FakeOpenAI, making: Making, ask: Any) -> None:
    openai_server.answer(says(RIGHT).insert(4, Pause(0.2)))
    assert (await ask(making())).texts == [SPOKEN]


async def test_a_line_separator_inside_a_chunk_does_not_break_the_stream(
    openai_server: FakeOpenAI, making: Making, ask: Any
) -> None:
    openai_server.answer(replies.Reply((Role(), Delta(RIGHT[:20]), Delta("\u2028"), Delta(RIGHT[20:]), Finish())))
    assert len((await ask(making())).texts) == 1


async def test_no_address_is_said_so(encoder: MiniLM) -> None:
    with pytest.raises(MissingEngine, match="FLASHBACK_RAG_LLM_CHAT_URL"):
        create(encoder, RagSettings())
