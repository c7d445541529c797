"""The fake chat server's scripts, faults and memory."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import numpy as np
import pytest

from tests.fakes.openai_replies import (
    Dropped,
    HangUp,
    Hold,
    InStreamError,
    Pause,
    Raw,
    Reset,
    Stall,
    rambles,
    refuses,
    says,
    words,
)
from tests.fakes.openai_server import EMBEDDINGS, Asked, FakeOpenAI
from tests.fakes.openai_wire import embedding
from tests.unit.fakes.recordings import events

ANSWER = "Bees dance [1]."


def question(text: str = "Why do bees dance?") -> dict[str, object]:
    return {"model": "tiny", "stream": True, "messages": [{"role": "user", "content": text}]}


def ask(server: FakeOpenAI, text: str = "Why do bees dance?") -> httpx.Response:
    return httpx.post(f"{server.url}/chat/completions", json=question(text))


@contextmanager
def stream(server: FakeOpenAI) -> Iterator[Iterator[str]]:
    """The data of the events as they come."""
    with httpx.stream("POST", f"{server.url}/chat/completions", json=question()) as response:
        yield (line.removeprefix("data: ") for line in response.iter_lines() if line)


def said(data: list[str]) -> str:
    """The text of an answer's chunks."""
    choices = [choice for each in data if each != "[DONE]" for choice in json.loads(each).get("choices", [])]
    return "".join(choice["delta"].get("content", "") for choice in choices)


def test_answers_come_in_the_order_they_were_told_and_then_the_usual_one(openai_server: FakeOpenAI) -> None:
    openai_server.answer(says("First."), says("Second."))
    openai_server.otherwise = says("Third.")
    assert [said(events(ask(openai_server).text)) for _ in range(3)] == ["First.", "Second.", "Third."]


def test_an_answer_may_depend_on_the_request(openai_server: FakeOpenAI) -> None:
    def echo(asked: Asked) -> object:
        return says(asked.prompt)

    openai_server.otherwise = echo  # type: ignore[assignment]
    assert said(events(ask(openai_server, "Who are you?").text)) == "Who are you?"


def test_requests_are_remembered(openai_server: FakeOpenAI) -> None:
    httpx.get(f"{openai_server.url}/models")
    ask(openai_server, "Who wound the clock?")
    assert [asked.path for asked in openai_server.asked] == ["/v1/models", "/v1/chat/completions"]
    (asked,) = openai_server.chats
    assert (asked.prompt, asked.body["stream"]) == ("Who wound the clock?", True)
    assert asked.ended.wait(5)
    assert not asked.left.is_set()


def test_pieces_are_sent_as_they_were_cut(openai_server: FakeOpenAI) -> None:
    openai_server.answer(says(ANSWER, pieces=["Bees da", "nce [", "1", "]", "."]))
    chunks = [json.loads(data) for data in events(ask(openai_server).text)[1:-2]]
    assert [chunk["choices"][0]["delta"]["content"] for chunk in chunks] == ["Bees da", "nce [", "1", "]", "."]


@pytest.mark.parametrize("text", [ANSWER, " led  by\ta blank", "trailing \n", "", "naïve – café…"])
def test_words_make_up_the_text(text: str) -> None:
    assert "".join(words(text)) == text


def test_pieces_that_are_another_text_are_refused() -> None:
    with pytest.raises(ValueError, match="pieces"):
        says(ANSWER, pieces=["Bees"])


@pytest.mark.parametrize("channel", ["reasoning", "reasoning_content"])
def test_reasoning_comes_beside_the_text(openai_server: FakeOpenAI, channel: str) -> None:
    openai_server.answer(says(ANSWER, reasoning="Let me think.", reasoning_channel=channel))
    data = events(ask(openai_server).text)
    thought = [json.loads(each)["choices"][0]["delta"].get(channel, "") for each in data[:-1]]
    assert ("".join(thought), said(data)) == ("Let me think.", ANSWER)


def test_an_empty_answer_is_a_role_and_an_end(openai_server: FakeOpenAI) -> None:
    openai_server.answer(says(""))
    data = events(ask(openai_server).text)
    assert [json.loads(each)["choices"][0]["finish_reason"] for each in data[:-1]] == [None, "stop"]


def test_the_last_line_may_be_missing(openai_server: FakeOpenAI) -> None:
    openai_server.answer(says(ANSWER, done=False))
    assert events(ask(openai_server).text)[-1] != "[DONE]"


def test_an_error_may_come_with_http_200(openai_server: FakeOpenAI) -> None:
    openai_server.answer(says(ANSWER).cut(2, InStreamError()))
    response = ask(openai_server)
    data = events(response.text)
    assert (response.status_code, data[-1]) == (200, "[DONE]")
    assert json.loads(data[-2])["error"]["code"] == 500


@pytest.mark.parametrize("raw", [b"data: {not json\n\n", b"nonsense\n\n", b": keep-alive\n\n"])
def test_lines_may_be_malformed(openai_server: FakeOpenAI, raw: bytes) -> None:
    openai_server.answer(says(ANSWER).insert(2, Raw(raw)))
    assert raw.decode() in ask(openai_server).text


def test_refusals_carry_status_message_and_delay(openai_server: FakeOpenAI) -> None:
    openai_server.answer(refuses(429, "too busy", retry_after=7))
    response = ask(openai_server)
    assert (response.status_code, response.headers["retry-after"]) == (429, "7")
    assert response.json()["error"]["message"] == "too busy"


@pytest.mark.parametrize(("fault", "error"), [(Reset(), httpx.ReadError), (HangUp(), httpx.RemoteProtocolError)])
def test_the_connection_dies_in_the_middle(
    openai_server: FakeOpenAI, fault: Reset | HangUp, error: type[Exception]
) -> None:
    gate = threading.Event()
    openai_server.answer(says(ANSWER).cut(2, Hold(gate), fault))
    heard: list[str] = []
    with pytest.raises(error), stream(openai_server) as data:
        for each in data:
            heard.append(each)
            gate.set()
    assert said(heard) == "Bees"
    (asked,) = openai_server.chats
    assert asked.broken
    assert not asked.left.is_set()
    assert not asked.ended.is_set()


def test_a_connection_may_be_dropped_without_an_answer(openai_server: FakeOpenAI) -> None:
    openai_server.answer(Dropped())
    with pytest.raises(httpx.ReadError):
        ask(openai_server)


def test_nothing_comes_before_the_gate_opens(openai_server: FakeOpenAI) -> None:
    hold = Hold()
    openai_server.answer(says(ANSWER).insert(1, Pause(0.01), hold))
    with stream(openai_server) as data:
        assert json.loads(next(data))["choices"][0]["delta"]["role"] == "assistant"
        assert not openai_server.chats[0].ended.is_set()
        hold.gate.set()
        assert said(list(data)) == ANSWER
    assert openai_server.chats[0].ended.wait(5)


@pytest.mark.parametrize("answer", [says(ANSWER).cut(2, Stall()), rambles("on and on ")])
def test_a_client_that_hangs_up_is_noticed(openai_server: FakeOpenAI, answer: object) -> None:
    openai_server.answer(answer)  # type: ignore[arg-type]
    with stream(openai_server) as data:
        next(data)
        assert json.loads(next(data))["choices"][0]["delta"]["content"] in ("Bees", "on and on ")
    (asked,) = openai_server.chats
    assert asked.left.wait(10)
    assert not asked.ended.is_set()


def test_a_stopped_server_refuses_and_comes_back_on_the_same_port(openai_server: FakeOpenAI) -> None:
    openai_server.answer(says(ANSWER).cut(2, Stall()))
    with pytest.raises(httpx.ReadError), stream(openai_server) as data:
        next(data)
        next(data)
        openai_server.stop()
        list(data)
    with pytest.raises(httpx.ConnectError):
        ask(openai_server)
    openai_server.start()
    assert ask(openai_server).status_code == 200


def test_vectors_hang_on_the_words_alone() -> None:
    one, same, near, far = (
        embedding(t, 256) for t in ("The bee dances.", "dances the BEE", "a bee dances", "cold iron")
    )
    np.testing.assert_allclose(one, same, atol=1e-6)
    assert one @ near > 0.5 > one @ far
    assert np.isclose(np.linalg.norm(embedding("...", 256)), 1)


def test_vectors_have_the_width_asked_for_and_faults_can_be_told_for_them(openai_server: FakeOpenAI) -> None:
    openai_server.answer(refuses(503), says("as usual"), path=EMBEDDINGS)
    url, body = f"{openai_server.url}/embeddings", {"model": "tiny", "input": "a bee", "dimensions": 12}
    assert httpx.post(url, json=body).status_code == 503
    assert len(httpx.post(url, json=body).json()["data"][0]["embedding"]) == 12
    assert len(httpx.post(url, json={**body, "dimensions": None}).json()["data"][0]["embedding"]) == 384


def test_reranking_puts_the_best_first(openai_server: FakeOpenAI) -> None:
    body = {"model": "tiny", "query": "where does the bee live", "documents": ["iron", "the bee"], "top_n": 1}
    results = httpx.post(f"{openai_server.url}/rerank", json=body).json()["results"]
    assert [(each["index"], each["document"]["text"]) for each in results] == [(1, "the bee")]
