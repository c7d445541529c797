import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from flashback.rpc import ServiceServer, open_channel
from flashback.settings import HouseSettings
from flashback.v1 import tts_pb2, tts_pb2_grpc
from services.tts.engine import Emit, Mood, SpeechPart, VisemeSpan, WordSpan
from services.tts.server import TtsServicer
from services.tts.settings import TtsSettings


class EndlessEngine:
    """Says 'hm' until nobody listens, or once for any other text."""

    name = "endless"

    def __init__(self) -> None:
        self.stopped = False
        self.tables: list[dict[str, Any]] = []

    def voices(self) -> list[str]:
        return ["hm"]

    def prepare(self, voice: Mapping[str, Any]) -> None:
        pass

    def synthesize(self, text: str, voice: Mapping[str, Any], mood: Mood, emit: Emit) -> None:
        self.tables.append(dict(voice))
        hum = np.ones(240, np.int16)
        while text == "endless":
            if not emit(SpeechPart(hum)):
                self.stopped = True
                return
        emit(SpeechPart(hum, [VisemeSpan("PP", 0, 240, 1.0)], [WordSpan("hm", 0, 240, 0, 2)], last=True))

    def pronounce(self, words: Sequence[str], language: str) -> list[list[str]]:
        return [["HH", "M"] for _ in words]


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[tuple[tts_pb2_grpc.TtsStub, EndlessEngine]]:
    folder = tmp_path / "personas" / "iris"
    folder.mkdir(parents=True)
    (folder / "persona.toml").write_text(
        'name="Iris"\ngreeting="Hi."\nabout="x"\nsynthetic=true\n[voice.endless]\npitch=3\n'
    )
    engine = EndlessEngine()
    address = f"unix:{tmp_path}/tts.sock"
    service = ServiceServer(address)
    servicer = TtsServicer(engine, TtsSettings(), HouseSettings(home=tmp_path))
    tts_pb2_grpc.add_TtsServicer_to_server(servicer, service.server)
    await service.start()
    channel = open_channel(address)
    yield tts_pb2_grpc.TtsStub(channel), engine
    await channel.close(None)
    await service.stop(0)
    await servicer.close()


async def test_speaks_with_the_personas_voice(served: Any) -> None:
    stub, engine = served
    call = stub.Synthesize(tts_pb2.SynthesizeRequest(text="hm", persona_id="iris"), timeout=10)
    chunks = [chunk async for chunk in call]
    assert [c.last for c in chunks] == [True]
    assert len(chunks[0].audio) == 480
    assert (chunks[0].visemes[0].shape, chunks[0].words[0].text_end) == ("PP", 2)
    assert engine.tables == [{"pitch": 3}]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (tts_pb2.SynthesizeRequest(text=""), grpc.StatusCode.INVALID_ARGUMENT),
        (tts_pb2.SynthesizeRequest(text="x" * 100_000), grpc.StatusCode.INVALID_ARGUMENT),
        (tts_pb2.SynthesizeRequest(text="hm", persona_id="nobody"), grpc.StatusCode.NOT_FOUND),
        (tts_pb2.SynthesizeRequest(text="hm", persona_id="../iris"), grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
async def test_bad_requests(served: Any, request_: tts_pb2.SynthesizeRequest, status: grpc.StatusCode) -> None:
    stub, _ = served
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for _chunk in stub.Synthesize(request_, timeout=10):
            pass
    assert caught.value.code() is status


async def test_cancelling_stops_the_engine_and_the_next_call_works(served: Any) -> None:
    stub, engine = served
    call = stub.Synthesize(tts_pb2.SynthesizeRequest(text="endless"), timeout=10)
    await call.read()
    call.cancel()
    for _ in range(500):
        if engine.stopped:
            break
        await asyncio.sleep(0.01)
    assert engine.stopped
    assert [c.last async for c in stub.Synthesize(tts_pb2.SynthesizeRequest(text="hm"), timeout=10)] == [True]


async def test_pronounce_keeps_order(served: Any) -> None:
    stub, _ = served
    answer = await stub.Pronounce(tts_pb2.PronounceRequest(words=["a", "b"]), timeout=10)
    assert [p.word for p in answer.pronunciations] == ["a", "b"]
    assert list(answer.pronunciations[0].phonemes) == ["HH", "M"]
