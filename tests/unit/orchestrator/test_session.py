from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from flashback import personas
from flashback.errors import InvalidInput
from flashback.v1 import ears_pb2, gateway_pb2, media_pb2
from services.orchestrator.answering import APOLOGY
from services.orchestrator.services import Services
from services.orchestrator.session import Session
from services.orchestrator.settings import OrchestratorSettings
from tests.unit.orchestrator.fakes import WORD, Neighbours

OFFER = "v=0\r\nm=audio"


@pytest.fixture
async def neighbours(tmp_path: Path) -> AsyncIterator[Neighbours]:
    found = Neighbours(tmp_path)
    await found.start()
    yield found
    await found.stop()


@pytest.fixture
async def session(neighbours: Neighbours) -> AsyncIterator[Session]:
    services = Services(neighbours.addresses)
    made = Session("s1", personas.load("iris"), services, OrchestratorSettings(answer_timeout_s=0.5))
    assert await made.open(OFFER) == "v=0 answer"
    neighbours.gateway.tell(channel=gateway_pb2.ChannelOpened(label="oai-events"))
    await neighbours.gateway.until("session.created")
    yield made
    await made.close()
    await services.close()


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


def states(neighbours: Neighbours) -> list[str]:
    return [m["state"] for m in neighbours.gateway.messages("flashback.state")]


def start_playing(neighbours: Neighbours, turn_id: str) -> None:
    neighbours.gateway.tell(started=gateway_pb2.PlaybackStarted(turn_id=turn_id, at_sample=1000))


async def ask(neighbours: Neighbours, question: str, count: int = 1) -> str:
    """Asks and returns the turn's id once its answer has begun."""
    neighbours.gateway.ask(question)
    created = await neighbours.gateway.until("response.created", count)
    return str(created["response"]["metadata"]["turn_id"])


async def test_a_question_is_answered_cited_spoken_and_captioned(neighbours: Neighbours, session: Session) -> None:
    gateway = neighbours.gateway
    turn = await ask(neighbours, "What do lips do?")
    start_playing(neighbours, turn)
    await gateway.until("output_audio_buffer.started")
    captions = [await gateway.until("flashback.caption", n) for n in (1, 2)]
    assert captions[0]["words"][0] == {"text": "Lips", "start_ms": 42, "end_ms": 142}
    citation = await gateway.until("flashback.citation")
    assert (citation["turn_id"], citation["document"], citation["index"]) == (turn, "lips.md", 1)
    gateway.tell(stopped=gateway_pb2.PlaybackStopped(turn_id=turn, at_sample=50_000))
    done = (await gateway.until("response.done"))["response"]
    assert done["status"] == "completed"
    assert done["flashback"]["heard"] == "Lips close on p. They round on o."
    await eventually(lambda: states(neighbours)[-3:] == ["thinking", "speaking", "idle"])
    await eventually(lambda: neighbours.renderer.parts[-1].last_of_turn)
    assert {p.sentence for p in neighbours.renderer.parts} == {0, 1}
    await ask(neighbours, "And then?", 2)
    await gateway.until("flashback.citation", 3)
    history = neighbours.rag_llm.requests[1].history
    assert [(h.question, h.answer) for h in history] == [("What do lips do?", "Lips close on p. They round on o.")]


async def test_words_synthesised_while_their_sentence_plays_are_captioned_at_once(
    neighbours: Neighbours, session: Session
) -> None:
    neighbours.rag_llm.sentences = ["Lips close."]
    neighbours.tts.go_on.clear()
    await ask(neighbours, "What do lips do?")
    first = await neighbours.gateway.until("flashback.caption", 1)
    assert [w["text"] for w in first["words"]] == ["Lips"]
    neighbours.tts.go_on.set()
    second = await neighbours.gateway.until("flashback.caption", 2)
    assert [w["text"] for w in second["words"]] == ["close."]


async def test_a_voice_cuts_the_answer_and_history_keeps_what_was_heard(
    neighbours: Neighbours, session: Session
) -> None:
    gateway, ears = neighbours.gateway, neighbours.ears
    turn = await ask(neighbours, "What do lips do?")
    start_playing(neighbours, turn)
    await gateway.until("flashback.caption", 1)
    ears.tell(onset=ears_pb2.SpeechOnset(at_sample=16_000))
    assert await gateway.until_cut() == 1
    assert (await gateway.until("input_audio_buffer.speech_started"))["audio_start_ms"] == 1000
    gateway.tell(cut=gateway_pb2.PlaybackCut(generation=1, at_sample=1000 + WORD + 1))
    done = (await gateway.until("response.done"))["response"]
    assert done["status"] == "cancelled"
    assert done["status_details"]["reason"] == "turn_detected"
    assert done["flashback"]["heard"] == "Lips close"
    await gateway.until("output_audio_buffer.cleared")
    assert (await gateway.until("conversation.item.truncated"))["audio_end_ms"] == 100
    ears.tell(end=ears_pb2.SpeechEnd(speech_end_sample=32_000, at_sample=40_000))
    ears.tell(
        transcript=ears_pb2.Transcript(text="why is that", final=True, confidence=0.5, alternatives=["why this", "why"])
    )
    heard = await gateway.until("flashback.heard")
    assert (heard["transcript"], heard["recogniser"]) == ("why is that", "fake")
    await gateway.until("response.created", 2)
    await gateway.until("response.output_audio_transcript.delta", 3)
    assert neighbours.renderer.cancelled == [1]
    await eventually(lambda: neighbours.renderer.parts[-1].generation == 1)
    asked = neighbours.rag_llm.requests
    assert [(r.spoken, list(r.alternatives)) for r in asked] == [(False, []), (True, ["why this", "why"])]
    assert [(h.question, h.answer) for h in asked[1].history] == [("What do lips do?", "Lips close")]


async def test_a_cut_before_any_sound_is_not_an_answer_heard(neighbours: Neighbours, session: Session) -> None:
    neighbours.rag_llm.hold.clear()
    await ask(neighbours, "What do lips do?")
    neighbours.gateway.type_text({"type": "response.cancel"})
    await neighbours.gateway.until_cut()
    neighbours.gateway.tell(cut=gateway_pb2.PlaybackCut(generation=1, at_sample=9000))
    done = (await neighbours.gateway.until("response.done"))["response"]
    assert done["status_details"]["reason"] == "client_cancelled"
    assert done["flashback"]["heard"] == ""
    assert neighbours.gateway.messages("output_audio_buffer.cleared") == []
    assert neighbours.renderer.parts == []


async def test_documents_out_of_reach_are_said_so(neighbours: Neighbours, session: Session) -> None:
    neighbours.rag_llm.broken = True
    await ask(neighbours, "What do lips do?")
    delta = await neighbours.gateway.until("response.output_audio_transcript.delta")
    assert delta["delta"].strip() == APOLOGY


async def test_what_the_documents_service_says_of_itself_is_spoken(neighbours: Neighbours, session: Session) -> None:
    neighbours.rag_llm.reading = True
    await ask(neighbours, "What do lips do?")
    delta = await neighbours.gateway.until("response.output_audio_transcript.delta")
    assert delta["delta"].strip() == "I am still reading."


async def test_an_answer_that_never_comes_ends_in_the_same_apology(neighbours: Neighbours, session: Session) -> None:
    neighbours.rag_llm.hold.clear()
    await ask(neighbours, "What do lips do?")
    delta = await neighbours.gateway.until("response.output_audio_transcript.delta")
    assert delta["delta"].strip() == APOLOGY


async def test_a_lost_voice_fails_the_turn_and_keeps_the_session(neighbours: Neighbours, session: Session) -> None:
    neighbours.tts.broken = True
    await ask(neighbours, "What do lips do?")
    done = (await neighbours.gateway.until("response.done"))["response"]
    assert done["status"] == "failed"
    neighbours.tts.broken = False
    await ask(neighbours, "What do lips do?", 2)
    await neighbours.gateway.until("flashback.caption")


async def test_the_session_survives_a_renderer_that_restarts(neighbours: Neighbours, session: Session) -> None:
    neighbours.renderer.break_now.set()
    await neighbours.gateway.until("flashback.notice", 2)
    codes = [m["code"] for m in neighbours.gateway.messages("flashback.notice")]
    assert codes == ["face_restarting", "face_restored"]
    assert neighbours.renderer.opened == ["s1", "s1"]
    await ask(neighbours, "What do lips do?")
    await neighbours.gateway.until("flashback.caption")
    await eventually(lambda: neighbours.renderer.states[-1] == media_pb2.TURN_STATE_THINKING)


async def test_a_question_asked_while_the_renderer_restarts_is_spoken_when_it_is_back(
    neighbours: Neighbours, session: Session
) -> None:
    neighbours.renderer.refuse = True
    neighbours.renderer.break_now.set()
    await neighbours.gateway.until("flashback.notice")
    await ask(neighbours, "What do lips do?")
    await neighbours.gateway.until("response.output_audio_transcript.delta")
    neighbours.renderer.refuse = False
    await neighbours.gateway.until("flashback.caption")


async def test_a_voice_without_words_says_so(neighbours: Neighbours, session: Session) -> None:
    neighbours.ears.tell(onset=ears_pb2.SpeechOnset(at_sample=1))
    neighbours.ears.tell(end=ears_pb2.SpeechEnd(speech_end_sample=2, at_sample=3))
    neighbours.ears.tell(transcript=ears_pb2.Transcript(text=" ", final=True))
    assert (await neighbours.gateway.until("flashback.notice"))["code"] == "not_understood"
    await eventually(lambda: states(neighbours)[-1] == "idle")


async def test_bad_events_answer_with_an_error_and_disturb_nothing(neighbours: Neighbours, session: Session) -> None:
    neighbours.gateway.tell(text=gateway_pb2.TextReceived(text="not json"))
    assert (await neighbours.gateway.until("error"))["error"]["code"] == "invalid_input"
    await ask(neighbours, "What do lips do?")
    await neighbours.gateway.until("flashback.caption")


@pytest.mark.parametrize("state", ["closed", "failed"])
async def test_a_browser_that_goes_ends_the_session(neighbours: Neighbours, session: Session, state: str) -> None:
    neighbours.gateway.tell(state=gateway_pb2.PeerStateChanged(state=state))
    async with asyncio.timeout(5):
        await session.wait_ended()
        await session.close()
        await neighbours.renderer.closed.wait()
        await neighbours.gateway.hung_up.wait()


async def test_an_sdp_that_is_none_leaves_no_stage_behind(neighbours: Neighbours) -> None:
    services = Services(neighbours.addresses)
    made = Session("s2", personas.load("iris"), services, OrchestratorSettings())
    with pytest.raises(InvalidInput):
        await made.open("v=0 but nothing else")
    async with asyncio.timeout(5):
        await neighbours.renderer.closed.wait()
    await services.close()
