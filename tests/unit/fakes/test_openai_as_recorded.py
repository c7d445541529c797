"""The fake chat server sends what a real vLLM was seen to send: field by field, in the same order."""

from __future__ import annotations

import base64
import json

import httpx
import numpy as np
import pytest

from tests.fakes.openai_replies import Delta, Event, Finish, InStreamError, Refused, Reply, Role, context_too_long, says
from tests.fakes.openai_server import FakeOpenAI
from tests.unit.fakes.recordings import Recording, events, load, shape

LIMIT = 2048


def replay(recording: Recording) -> Reply:
    """What a test would tell the fake to answer, so that it says what was recorded."""
    script: list[Event] = []
    for data in recording.events:
        choices = [] if data == "[DONE]" else json.loads(data)["choices"]
        for choice in choices:
            if "role" in choice["delta"]:
                script.append(Role())
            elif choice["finish_reason"]:
                script.append(Finish(choice["finish_reason"], choice["delta"]["content"]))
            else:
                script.append(Delta(choice["delta"]["content"]))
    return Reply(tuple(script))


def ask(server: FakeOpenAI, recording: Recording, key: str = "any") -> httpx.Response:
    """The fake's response to the recorded request."""
    url = server.url.removesuffix("/v1") + recording.path
    if recording.request is None:
        return httpx.get(url, headers={"authorization": f"Bearer {key}"})
    return httpx.post(url, json=recording.request, headers={"authorization": f"Bearer {key}"})


@pytest.mark.parametrize("case", ["chat", "chat_usage", "chat_length"])
def test_a_stream_is_the_recorded_one(openai_server: FakeOpenAI, case: str) -> None:
    recording = load(case)
    openai_server.answer(replay(recording))
    response = ask(openai_server, recording)
    assert (response.status_code, response.headers["content-type"]) == (recording.status, recording.kind)
    ours, theirs = events(response.text), recording.events
    assert [data == "[DONE]" for data in ours] == [data == "[DONE]" for data in theirs]
    assert [shape(json.loads(data)) for data in ours[:-1]] == [shape(json.loads(data)) for data in theirs[:-1]]


def test_what_says_makes_of_a_text_is_the_recorded_stream() -> None:
    recorded = replay(load("chat"))
    assert says(recorded.text, pieces=[e.text for e in recorded.events if isinstance(e, Delta)]) == recorded
    limited = replay(load("chat_length"))
    last = limited.events[-1]
    assert isinstance(last, Finish)
    pieces = [*(e.text for e in limited.events if isinstance(e, Delta)), last.text]
    assert says(limited.text, pieces=pieces, finish="length") == limited


def test_an_answer_without_a_stream_is_the_recorded_one(openai_server: FakeOpenAI) -> None:
    recording = load("chat_whole")
    openai_server.answer(says(json.loads(recording.body)["choices"][0]["message"]["content"]))
    response = ask(openai_server, recording)
    assert shape(response.json()) == shape(json.loads(recording.body))


@pytest.mark.parametrize("case", ["models", "unknown_model"])
def test_other_answers_are_the_recorded_ones(openai_server: FakeOpenAI, case: str) -> None:
    recording = load(case)
    response = ask(openai_server, recording)
    assert (response.status_code, response.headers["content-type"]) == (recording.status, recording.kind)
    assert shape(response.json()) == shape(json.loads(recording.body))


def test_health_is_an_empty_answer(openai_server: FakeOpenAI) -> None:
    response = ask(openai_server, load("health"))
    assert (response.status_code, response.text) == (load("health").status, load("health").body)


def test_a_wrong_key_is_answered_as_recorded() -> None:
    recording = load("unauthorised")
    with FakeOpenAI(key="right") as server:
        response = ask(server, recording, "wrong")
        assert (response.status_code, response.json()) == (recording.status, json.loads(recording.body))
        assert ask(server, load("models"), "right").status_code == 200


def test_a_prompt_that_is_too_long_is_refused_in_the_recorded_words() -> None:
    recording = load("prompt_too_long")
    assert context_too_long(LIMIT, LIMIT + 1) == Refused(recording.status, json.loads(recording.body))
    with FakeOpenAI(context=3) as server:
        message = {"role": "user", "content": "one two three four"}
        response = httpx.post(f"{server.url}/chat/completions", json={"model": "tiny", "messages": [message]})
        assert response.json() == context_too_long(3, 4).body


def test_embeddings_come_as_recorded(openai_server: FakeOpenAI) -> None:
    lists, coded = load("embeddings"), load("embeddings_base64")
    assert shape(ask(openai_server, lists).json()) == shape(json.loads(lists.body))
    assert shape(ask(openai_server, coded).json()) == shape(json.loads(coded.body))
    vector = ask(openai_server, lists).json()["data"][0]["embedding"]
    again = base64.b64decode(ask(openai_server, coded).json()["data"][0]["embedding"])
    np.testing.assert_array_equal(np.frombuffer(again, "<f4"), np.array(vector, "<f4"))


def test_recorded_base64_is_little_endian_float32_too() -> None:
    vector = json.loads(load("embeddings").body)["data"][0]["embedding"]
    coded = base64.b64decode(json.loads(load("embeddings_base64").body)["data"][0]["embedding"])
    np.testing.assert_allclose(np.frombuffer(coded, "<f4"), vector, atol=1e-6)


def test_reranking_comes_as_recorded(openai_server: FakeOpenAI) -> None:
    recording = load("rerank")
    ours, theirs = ask(openai_server, recording).json(), json.loads(recording.body)
    for answer in (ours, theirs):
        scores = [result["relevance_score"] for result in answer["results"]]
        assert scores == sorted(scores, reverse=True)
        answer["results"].sort(key=lambda result: result["index"])
    assert shape(ours) == shape(theirs)


def test_an_engine_that_dies_is_an_error_within_the_stream(openai_server: FakeOpenAI) -> None:
    recording = load("chat_broken_engine")
    openai_server.answer(Reply((InStreamError(),)))
    response = ask(openai_server, recording)
    assert (response.status_code, response.headers["content-type"]) == (recording.status, recording.kind)
    assert response.text == recording.body


def test_the_recorded_server_stopped_when_the_client_hung_up() -> None:
    recording = load("chat_disconnect")
    assert recording.request is not None
    assert 0 < recording.made < recording.request["max_tokens"]
