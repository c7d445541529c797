"""The service on a real channel: assembled as its process does it, with an engine of the test's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest

from flashback import engines
from flashback.compat import emotalk_pb2, emotalk_pb2_grpc
from flashback.rpc import ServiceServer
from flashback.v1 import emotalk_pb2 as live_pb2
from flashback.v1 import emotalk_pb2_grpc as live_pb2_grpc
from services.emotalk.assembly import assemble
from services.emotalk.settings import EmoTalkSettings
from tests.unit.emotalk.predictors import LoudEngine

SMALL_WINDOW = [("grpc.http2.lookahead_bytes", 65_536), ("grpc.http2.bdp_probe", 0)]
"""A channel that takes little ahead of its reader, so that one who stops is soon noticed."""


class Caller:
    """Stubs of both services on one channel."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.channel = channel
        self.recordings = emotalk_pb2_grpc.EmoTalkServiceStub(channel)
        self.live = live_pb2_grpc.EmoTalkStub(channel)

    async def describe(self) -> live_pb2.EmoTalkDescription:
        found: live_pb2.EmoTalkDescription = await self.live.Describe(live_pb2.DescribeEmoTalkRequest())
        return found

    async def process(self, audio: bytes, **fields: object) -> list[emotalk_pb2.BlendshapeResponse]:
        """All responses to one recording. Raises grpc.aio.AioRpcError."""
        return [response async for response in self.recordings.ProcessAudio(request(audio, **fields))]


def request(audio: bytes, **fields: object) -> emotalk_pb2.AudioRequest:
    """A recording as the existing clients send it."""
    usual: dict[str, object] = {"emotion_level": 1, "chunk_duration": 25.0, "chunk_overlap": 0.5}
    return emotalk_pb2.AudioRequest(audio_data=audio, **{**usual, **fields})  # type: ignore[arg-type]


@asynccontextmanager
async def serving(
    folder: Path, monkeypatch: pytest.MonkeyPatch, engine: LoudEngine, **settings: object
) -> AsyncIterator[Caller]:
    """A service of its own, and a caller."""
    monkeypatch.setattr(engines, "load", lambda service, name: lambda _: engine)
    service = ServiceServer(f"unix:{folder}/e.sock", max_message_bytes=80 * 2**20)
    close = await assemble(service, EmoTalkSettings(**settings))  # type: ignore[arg-type]
    await service.start()
    try:
        async with grpc.aio.insecure_channel(
            service.address, options=[("grpc.max_send_message_length", -1), *SMALL_WINDOW]
        ) as channel:
            yield Caller(channel)
    finally:
        if engine.gate is not None:
            engine.gate.set()
        await service.stop(0)
        await close()


async def until(condition: Callable[[], object]) -> None:
    """Returns once the condition holds."""
    while not condition():
        await asyncio.sleep(0.005)
