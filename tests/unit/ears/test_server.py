"""Hear, Push and Prepare over gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from flashback.errors import Unavailable
from flashback.rpc import ServiceServer, open_channel
from flashback.settings import HouseSettings
from flashback.v1 import ears_pb2, ears_pb2_grpc
from services.ears.recognisers import Recognisers
from services.ears.server import EarsServicer
from services.ears.settings import EarsSettings
from tests.unit.ears.fakes import CountingEngine, FakeTeacher

SPEECH = Path(__file__).parents[2] / "data" / "ears" / "coarticulation.wav"
SILENCE = b"\0" * 32_000


class House:
    """A running service and a client."""

    def __init__(self, stub: ears_pb2_grpc.EarsStub, servicer: EarsServicer, teacher: FakeTeacher) -> None:
        self.stub = stub
        self.servicer = servicer
        self.teacher = teacher

    def hear(self, session: str, **more: object) -> grpc.aio.UnaryStreamCall:
        return self.stub.Hear(ears_pb2.HearRequest(session_id=session, persona_id="iris", **more), timeout=60)

    async def push(self, session: str, *parts: bytes) -> ears_pb2.PushSummary:
        async def microphone() -> AsyncIterator[ears_pb2.MicAudio]:
            yield ears_pb2.MicAudio(session_id=session)
            for part in parts:
                for first in range(0, len(part), 640):
                    yield ears_pb2.MicAudio(audio=part[first : first + 640])

        return await self.stub.Push(microphone(), timeout=60)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    settings, home, teacher = EarsSettings(max_sessions=3), HouseSettings(data_dir=tmp_path / "data"), FakeTeacher()
    servicer = EarsServicer(Recognisers(CountingEngine(), teacher, home, lambda: ThreadPoolExecutor(1)), settings, home)
    address = f"unix:{tmp_path}/ears.sock"
    server = ServiceServer(address)
    ears_pb2_grpc.add_EarsServicer_to_server(servicer, server.server)
    await server.start()
    channel = open_channel(address)
    yield House(ears_pb2_grpc.EarsStub(channel), servicer, teacher)
    await channel.close()
    await server.stop(0)
    await servicer.close()


def speech() -> bytes:
    return SPEECH.read_bytes()[44:]


async def until_final(call: grpc.aio.UnaryStreamCall) -> list[ears_pb2.EarEvent]:
    events = []
    while True:
        event = await call.read()
        assert event is not grpc.aio.EOF
        events.append(event)
        if event.transcript.final:
            return events


async def wait_until_words(call: grpc.aio.UnaryStreamCall) -> ears_pb2.EarsReady:
    while True:
        event = await call.read()
        if event.ready.recogniser:
            return event.ready


async def test_a_spoken_question_over_the_wire(house: House) -> None:
    prepared = await house.stub.Prepare(ears_pb2.PrepareRequest(persona_id="iris"), timeout=60)
    assert (prepared.recogniser, prepared.vocabulary, prepared.rebuilt) == ("counting", 7, True)
    call = house.hear("s", silence_ms=400)
    ready = await call.read()
    assert (ready.ready.recogniser, ready.ready.silence_ms) == ("counting", 400)
    sound = speech()
    summary = await house.push("s", SILENCE, sound, SILENCE)
    assert summary.samples == (len(sound) + 2 * len(SILENCE)) // 2
    events = await until_final(call)
    kinds = [event.WhichOneof("event") for event in events]
    assert kinds[0] == "onset"
    assert kinds.count("end") == 1
    onset, end = events[0].onset, next(event.end for event in events if event.HasField("end"))
    assert 14_000 < onset.at_sample < 22_000
    assert 400 <= (end.at_sample - end.speech_end_sample) / 16 < 440
    assert abs(end.speech_end_sample - (16_000 + len(sound) // 2)) < 2_500
    assert events[-1].transcript.text.endswith("chunks")
    assert list(events[-1].transcript.alternatives) == ["other"]
    call.cancel()


async def test_voice_activity_works_while_the_other_services_are_away(house: House) -> None:
    house.teacher.away = Unavailable("away")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await house.stub.Prepare(ears_pb2.PrepareRequest(persona_id="iris"), timeout=60)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    call = house.hear("s")
    assert (await call.read()).ready.recogniser == ""
    await house.push("s", speech(), SILENCE)
    events = await until_final(call)
    assert events[0].HasField("onset")
    assert events[-1].transcript.text == ""
    house.teacher.away = None
    assert (await wait_until_words(call)).recogniser == "counting"
    call.cancel()


async def test_sessions_do_not_hear_each_other(house: House) -> None:
    one, two = house.hear("one"), house.hear("two")
    await one.read()
    await two.read()
    await house.push("one", speech(), SILENCE)
    await house.push("two", SILENCE, SILENCE)
    assert (await until_final(one))[-1].transcript.final
    with pytest.raises(asyncio.TimeoutError):
        async with asyncio.timeout(0.2):
            while not (await two.read()).HasField("onset"):
                pass
    one.cancel()
    two.cancel()


async def code_of(call: object) -> grpc.StatusCode:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call  # type: ignore[misc]
    code = refused.value.code()
    assert isinstance(code, grpc.StatusCode)
    assert refused.value.details()
    return code


async def test_push_before_hear_and_after_its_end_is_not_found(house: House) -> None:
    assert await code_of(house.push("s", SILENCE)) is grpc.StatusCode.NOT_FOUND
    call = house.hear("s")
    await call.read()
    await house.push("s", SILENCE)
    call.cancel()
    for _ in range(100):
        await asyncio.sleep(0.02)
        if not house.servicer.sessions():
            break
    assert house.servicer.sessions() == []
    assert await code_of(house.push("s", SILENCE)) is grpc.StatusCode.NOT_FOUND


async def test_a_microphone_may_come_back(house: House) -> None:
    call = house.hear("s")
    await call.read()
    await house.push("s", SILENCE)
    await house.push("s", speech(), SILENCE)
    assert (await until_final(call))[-1].transcript.final
    call.cancel()


async def test_bad_requests(house: House) -> None:
    call = house.hear("s")
    await call.read()
    assert await code_of(house.push("s", b"odd")) is grpc.StatusCode.INVALID_ARGUMENT
    assert await code_of(house.push("", SILENCE)) is grpc.StatusCode.INVALID_ARGUMENT
    assert await code_of(house.push("x" * 1000, SILENCE)) is grpc.StatusCode.INVALID_ARGUMENT
    assert await code_of(house.hear("s").read()) is grpc.StatusCode.INVALID_ARGUMENT
    assert await code_of(house.hear("t", silence_ms=7).read()) is grpc.StatusCode.INVALID_ARGUMENT
    unknown = ears_pb2.HearRequest(session_id="u", persona_id="nobody")
    assert await code_of(house.stub.Hear(unknown, timeout=10).read()) is grpc.StatusCode.NOT_FOUND
    prepare = ears_pb2.PrepareRequest(persona_id="../x")
    assert await code_of(house.stub.Prepare(prepare, timeout=10)) is grpc.StatusCode.INVALID_ARGUMENT
    call.cancel()


async def test_a_full_house_refuses_politely(house: House) -> None:
    calls = [house.hear(str(number)) for number in range(3)]
    for call in calls:
        await call.read()
    assert await code_of(house.hear("one too many").read()) is grpc.StatusCode.RESOURCE_EXHAUSTED
    for call in calls:
        call.cancel()
