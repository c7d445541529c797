"""Faces for what is said: to the browser that asked, to the renderer that is driven, and never in the way of speech."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from flashback import personas
from flashback.v1 import gateway_pb2
from services.orchestrator import face_link
from services.orchestrator.services import Services
from services.orchestrator.session import Session
from services.orchestrator.settings import OrchestratorSettings
from tests.unit.orchestrator.fakes import WORD, Neighbours

KIND = "flashback.blendshapes"


@pytest.fixture
async def neighbours(tmp_path: Path) -> AsyncIterator[Neighbours]:
    found = Neighbours(tmp_path)
    found.rag_llm.sentences = ["Lips close on the letter p."]
    await found.start()
    yield found
    found.emotalk.go_on.set()
    await found.stop()


@asynccontextmanager
async def session(neighbours: Neighbours, hold_ms: int = 2000, **wishes: bool) -> AsyncIterator[Session]:
    services = Services(neighbours.addresses)
    settings = OrchestratorSettings(face_hold_ms=hold_ms)
    made = Session("s1", personas.load("iris"), services, settings, **wishes)
    await made.open("v=0\r\nm=audio")
    neighbours.gateway.tell(channel=gateway_pb2.ChannelOpened(label="oai-events"))
    await neighbours.gateway.until("session.created")
    try:
        yield made
    finally:
        await made.close()
        await services.close()


async def eventually(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


async def connected(neighbours: Neighbours, made: Session, streams: int = 1) -> None:
    await eventually(lambda: neighbours.emotalk.streams >= streams and made._expressions._link.open)


async def ask(neighbours: Neighbours, count: int = 1) -> str:
    neighbours.gateway.ask("What do lips do?")
    created = await neighbours.gateway.until("response.created", count)
    return str(created["response"]["metadata"]["turn_id"])


def frames_told(neighbours: Neighbours) -> int:
    return sum(len(m["frames"]) for m in neighbours.gateway.messages(KIND))


async def test_a_browser_that_asks_is_told_the_face_of_all_that_is_said(neighbours: Neighbours) -> None:
    async with session(neighbours) as made:
        neighbours.gateway.type_text(
            {"type": "session.update", "session": {"type": "realtime", "flashback": {"blendshapes": True}}}
        )
        updated = await neighbours.gateway.until("session.updated")
        assert updated["session"]["flashback"] == {"blendshapes": True}
        await connected(neighbours, made)
        turn = await ask(neighbours)
        await eventually(lambda: frames_told(neighbours) == 6 * WORD // 800)
        told = neighbours.gateway.messages(KIND)
        assert {(m["turn_id"], m["generation"], m["fps"]) for m in told} == {(turn, 0, 30)}
        assert all(len(m["frames"]) <= 15 for m in told)
        at = 0
        for message in told:
            assert message["start_ms"] == round((1000 + at * 800) / 24)
            at += len(message["frames"])
        assert neighbours.renderer.faces == []
        spoken = neighbours.emotalk.spoken
        assert b"".join(p.audio for p in spoken) == bytes(2 * WORD * 6)
        assert [p.last for p in spoken] == [False] * 5 + [True]


async def test_the_wish_may_come_with_the_call(neighbours: Neighbours) -> None:
    async with session(neighbours, blendshapes=True) as made:
        assert neighbours.gateway.messages("session.created")[0]["session"]["flashback"] == {"blendshapes": True}
        await connected(neighbours, made)
        await ask(neighbours)
        await eventually(lambda: frames_told(neighbours) == 6 * WORD // 800)


async def test_nothing_is_told_before_the_sentence_plays(neighbours: Neighbours) -> None:
    neighbours.renderer.mute = True
    async with session(neighbours, blendshapes=True) as made:
        await connected(neighbours, made)
        turn = await ask(neighbours)
        await eventually(lambda: len(neighbours.emotalk.spoken) == 6)
        await eventually(lambda: neighbours.renderer.parts and neighbours.renderer.parts[-1].last_of_turn)
        assert neighbours.gateway.messages(KIND) == []
        made._expressions.sentence_started(turn, 0, 48_000)
        await eventually(lambda: frames_told(neighbours) == 6 * WORD // 800)
        assert neighbours.gateway.messages(KIND)[0]["start_ms"] == 2000


async def test_a_session_that_asks_for_nothing_does_not_trouble_emotalk(neighbours: Neighbours) -> None:
    async with session(neighbours):
        await ask(neighbours)
        await eventually(lambda: neighbours.renderer.parts and neighbours.renderer.parts[-1].last_of_turn)
        assert neighbours.emotalk.streams == 0
        assert neighbours.gateway.messages(KIND) == []


async def test_a_driven_face_comes_before_its_first_sound(neighbours: Neighbours) -> None:
    async with session(neighbours, driven=True) as made:
        await connected(neighbours, made)
        neighbours.emotalk.go_on.clear()
        turn = await ask(neighbours)
        await eventually(lambda: len(neighbours.emotalk.spoken) == 6)
        assert neighbours.renderer.order == []
        neighbours.emotalk.go_on.set()
        await eventually(lambda: neighbours.renderer.parts and neighbours.renderer.parts[-1].last_of_turn)
        assert neighbours.renderer.order[0] == "face"
        await eventually(lambda: sum(len(p.face.blendshapes) for p in neighbours.renderer.faces) == 18 * 52)
        first = neighbours.renderer.faces[0]
        assert (first.turn_id, first.sentence, first.face.fps, first.face.first_frame) == (turn, 0, 30, 0)
        assert first.face.blinks
        assert neighbours.emotalk.requests[0].start.post_processing
        assert neighbours.gateway.messages(KIND) == []


async def test_a_slow_emotalk_is_waited_for_once_and_no_longer_than_the_limit(neighbours: Neighbours) -> None:
    async with session(neighbours, driven=True, hold_ms=50) as made:
        await connected(neighbours, made)
        neighbours.emotalk.go_on.clear()
        turn = await ask(neighbours)
        await eventually(lambda: neighbours.renderer.parts and neighbours.renderer.parts[-1].last_of_turn)
        assert set(neighbours.renderer.order) == {"speech"}
        assert [p.audio for p in neighbours.renderer.parts[:-1]] == [bytes(2 * WORD)] * 6
        neighbours.emotalk.go_on.set()
        await eventually(lambda: len(neighbours.renderer.faces) == 6)
        neighbours.gateway.tell(stopped=gateway_pb2.PlaybackStopped(turn_id=turn, at_sample=50_000))
        await neighbours.gateway.until("response.done")
        neighbours.emotalk.go_on.clear()
        made._expressions._hold_s = 60.0
        await ask(neighbours, 2)
        await eventually(lambda: len(neighbours.renderer.parts) == 14)


async def test_a_cut_drops_held_speech_and_faces_of_the_old_generation(neighbours: Neighbours) -> None:
    async with session(neighbours, driven=True, blendshapes=True) as made:
        made._expressions._hold_s = 60.0
        await connected(neighbours, made)
        neighbours.emotalk.go_on.clear()
        await ask(neighbours)
        await eventually(lambda: len(neighbours.emotalk.spoken) == 6)
        neighbours.gateway.type_text({"type": "response.cancel"})
        assert await neighbours.gateway.until_cut() == 1
        await eventually(lambda: neighbours.emotalk.requests[-1].HasField("cancel"))
        assert neighbours.emotalk.requests[-1].cancel.generation == 1
        neighbours.emotalk.go_on.set()
        second = await ask(neighbours, 2)
        await eventually(lambda: neighbours.renderer.parts and neighbours.renderer.parts[-1].last_of_turn)
        await eventually(lambda: frames_told(neighbours) == 6 * WORD // 800)
        assert {p.turn_id for p in neighbours.renderer.parts + neighbours.renderer.faces} == {second}
        assert {(m["turn_id"], m["generation"]) for m in neighbours.gateway.messages(KIND)} == {(second, 1)}


async def test_speech_goes_on_when_emotalk_dies_and_faces_come_back_with_it(
    neighbours: Neighbours, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(face_link, "FIRST_RETRY_S", 0.05)
    async with session(neighbours, driven=True, blendshapes=True) as made:
        await connected(neighbours, made)
        neighbours.emotalk.refuse = True
        neighbours.emotalk.break_now.set()
        await neighbours.gateway.until("flashback.notice")
        turn = await ask(neighbours)
        await eventually(lambda: neighbours.renderer.parts and neighbours.renderer.parts[-1].last_of_turn)
        assert neighbours.renderer.faces == []
        neighbours.gateway.tell(stopped=gateway_pb2.PlaybackStopped(turn_id=turn, at_sample=50_000))
        await neighbours.gateway.until("response.done")
        await eventually(lambda: neighbours.emotalk.streams >= 2)
        neighbours.emotalk.refuse = False
        await connected(neighbours, made, 3)
        await ask(neighbours, 2)
        await eventually(lambda: frames_told(neighbours) == 6 * WORD // 800)
        assert [n["code"] for n in neighbours.gateway.messages("flashback.notice")] == ["faces_restarting"]


async def test_a_sentence_whose_beginning_emotalk_never_heard_stays_without_a_face(
    neighbours: Neighbours, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(face_link, "FIRST_RETRY_S", 0.05)
    neighbours.rag_llm.sentences = ["Lips close.", "They open."]
    neighbours.tts.go_on.clear()
    async with session(neighbours, blendshapes=True) as made:
        await connected(neighbours, made)
        await ask(neighbours)
        await eventually(lambda: len(neighbours.emotalk.spoken) == 1)
        neighbours.emotalk.break_now.set()
        await eventually(lambda: neighbours.emotalk.streams == 2 and made._expressions._link.open)
        neighbours.tts.go_on.set()
        await eventually(lambda: len(neighbours.emotalk.spoken) == 3)
        assert [p.sentence for p in neighbours.emotalk.spoken] == [0, 1, 1]


async def test_an_emotalk_that_falls_silent_is_given_up(
    neighbours: Neighbours, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(face_link, "FIRST_RETRY_S", 0.05)
    monkeypatch.setattr(face_link, "SILENT_S", 0.2)
    async with session(neighbours, blendshapes=True) as made:
        await connected(neighbours, made)
        await asyncio.sleep(0.3)
        assert neighbours.emotalk.streams == 1, "silence is no fault while nothing is said"
        neighbours.emotalk.go_on.clear()
        await ask(neighbours)
        await eventually(lambda: neighbours.emotalk.streams == 2)
