"""A renderer in this process, with the clients that a gateway and an orchestrator would be."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import numpy as np
import pytest

from flashback import engines
from flashback.errors import MissingEngine
from flashback.rpc import ServiceServer, open_channel
from flashback.settings import HouseSettings
from flashback.v1 import media_pb2, media_pb2_grpc, postfx_pb2, postfx_pb2_grpc, renderer_pb2, renderer_pb2_grpc
from services.renderer.server import serve
from services.renderer.settings import RendererSettings

N = 960
"""Samples a frame at 25 frames a second."""
CAPACITY = 3
DEADLINE = 90.0


class PlainLook(postfx_pb2_grpc.PostFxServicer):
    """Post-processing that leaves pictures as they are."""

    async def Grade(self, request: postfx_pb2.Still, context: object) -> postfx_pb2.Still:
        return request

    async def GetOverlay(self, request: postfx_pb2.OverlayRequest, context: object) -> postfx_pb2.Overlay:
        return postfx_pb2.Overlay(enabled=False)


@dataclass
class House:
    """A running renderer and its clients."""

    renderer: renderer_pb2_grpc.RendererAsyncStub
    source: media_pb2_grpc.FrameSourceAsyncStub
    home: Path

    async def open(self, persona: str = "iris", session: str | None = None) -> Watched:
        key = session or uuid.uuid4().hex
        request = renderer_pb2.OpenStageRequest(session_id=key, persona_id=persona)
        await self.renderer.OpenStage(request, timeout=DEADLINE)
        frames = self.source.Frames(timeout=DEADLINE)
        await frames.write(media_pb2.FrameDemand(session_id=key))
        direct = self.renderer.Direct(timeout=DEADLINE)
        await direct.write(renderer_pb2.StageCommand(attach=renderer_pb2.AttachStage(session_id=key)))
        return Watched(key, self, frames, direct)


@dataclass
class Watched:
    """One session as gateway and orchestrator see it."""

    key: str
    house: House
    frames: grpc.aio.StreamStreamCall
    direct: grpc.aio.StreamStreamCall
    until: int = 0
    taken: list[media_pb2.AvatarFrame] = field(default_factory=list)

    async def take(self, count: int) -> list[media_pb2.AvatarFrame]:
        self.until += count * N
        await self.frames.write(media_pb2.FrameDemand(until_sample=self.until))
        fresh = [await self.frames.read() for _ in range(count)]
        self.taken += fresh
        return fresh

    async def say(self, samples: int, *, turn: str, generation: int = 0, value: int = 3000) -> None:
        speech = renderer_pb2.SpeechPart(
            turn_id=turn,
            generation=generation,
            audio=np.full(samples, value, "<i2").tobytes(),
            visemes=[media_pb2.Viseme(shape="aa", start_sample=0, duration_samples=samples, weight=1.0)],
            last_of_sentence=True,
            last_of_turn=True,
        )
        await self.direct.write(renderer_pb2.StageCommand(speech=speech))

    async def cancel(self, generation: int) -> None:
        await self.direct.write(renderer_pb2.StageCommand(cancel=renderer_pb2.CancelSpeech(generation=generation)))

    async def event(self) -> renderer_pb2.StageEvent:
        return await asyncio.wait_for(self.direct.read(), DEADLINE)

    async def obeyed(self) -> None:
        """Commands written so far have been carried out: a cancel of generation 0 is answered and changes nothing."""
        await self.cancel(0)
        while not (event := await self.event()).HasField("cancelled") or event.cancelled.generation:
            pass

    async def close(self) -> None:
        self.frames.cancel()
        self.direct.cancel()
        await self.house.renderer.CloseStage(renderer_pb2.CloseStageRequest(session_id=self.key), timeout=DEADLINE)


@asynccontextmanager
async def running(engine: str, home: Path) -> AsyncIterator[House]:
    """The engine's server beside a plain post-processing, over Unix sockets."""
    sockets = Path(tempfile.mkdtemp(prefix="fb"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLASHBACK_POSTFX_ADDRESS", f"unix:{sockets}/p")
        try:
            engines.load("renderer", engine)
        except MissingEngine as error:
            pytest.skip(error.message)
        looks, service = ServiceServer(f"unix:{sockets}/p"), ServiceServer(f"unix:{sockets}/r")
        postfx_pb2_grpc.add_PostFxServicer_to_server(PlainLook(), looks.server)
        knobs = RendererSettings(engine=engine, capacity=CAPACITY, preload=False, abandoned_s=0.4, workers=2)
        servicer = await serve(service, knobs, HouseSettings(home=home))
        await looks.start()
        await service.start()
        channel = open_channel(service.address)
        try:
            yield House(renderer_pb2_grpc.RendererStub(channel), media_pb2_grpc.FrameSourceStub(channel), home)
        finally:
            await channel.close(None)
            await service.stop(0.2)
            await servicer.close()
            await looks.stop(0.2)
            shutil.rmtree(sockets)


async def refused(call: Awaitable[object]) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    assert error.value.details()
    return error.value


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not await condition():
            await asyncio.sleep(0.02)
