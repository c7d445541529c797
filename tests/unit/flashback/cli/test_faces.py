"""Faces of a filmed text: every sentence's, in order, or an error that says why there are none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flashback.cli.faces import faces
from flashback.errors import Full, Unavailable
from flashback.rpc import ServiceServer, open_channel
from flashback.v1 import emotalk_pb2_grpc, renderer_pb2
from tests.unit.orchestrator.fakes import FakeEmoTalk


@pytest.fixture
async def emotalk(tmp_path: Path) -> AsyncIterator[tuple[FakeEmoTalk, emotalk_pb2_grpc.EmoTalkAsyncStub]]:
    fake, server = FakeEmoTalk(), ServiceServer(f"unix:{tmp_path / 'emotalk.sock'}")
    emotalk_pb2_grpc.add_EmoTalkServicer_to_server(fake, server.server)
    await server.start()
    channel = open_channel(server.address)
    yield fake, emotalk_pb2_grpc.EmoTalkStub(channel)
    await channel.close(None)
    await server.stop(0)


def speech(sentence: int, samples: int, last: bool) -> renderer_pb2.SpeechPart:
    return renderer_pb2.SpeechPart(turn_id="say", sentence=sentence, audio=bytes(2 * samples), last_of_sentence=last)


PARTS = [
    speech(0, 2400, False),
    speech(0, 2000, True),
    speech(1, 8000, True),
    renderer_pb2.SpeechPart(turn_id="say", sentence=1, last_of_turn=True),
]


async def test_every_sentence_has_its_face(emotalk: tuple[FakeEmoTalk, emotalk_pb2_grpc.EmoTalkAsyncStub]) -> None:
    fake, stub = emotalk
    found = await faces(stub, PARTS)
    assert [(p.sentence, p.face.first_frame, len(p.face.blendshapes) // 52) for p in found] == [
        (0, 0, 3),
        (0, 3, 3),
        (1, 0, 10),
    ]
    assert all(p.face.fps == 30 and p.face.blinks and not p.audio for p in found)
    assert [(a.sentence, a.last) for a in fake.spoken] == [(0, False), (0, True), (1, True)]


async def test_no_face_no_film(emotalk: tuple[FakeEmoTalk, emotalk_pb2_grpc.EmoTalkAsyncStub]) -> None:
    fake, stub = emotalk
    fake.refuse = True
    with pytest.raises(Full):
        await faces(stub, PARTS)
    fake.refuse = False
    fake.break_now.set()
    fake.go_on.clear()
    with pytest.raises(Unavailable):
        await faces(stub, PARTS[:1])
