"""Live speech through the service's own servicer, over gRPC on a Unix socket."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import grpc
import numpy as np

from flashback.media.clock import SPEECH_RATE
from flashback.rpc import SLOW_S
from flashback.v1 import emotalk_pb2, emotalk_pb2_grpc
from services.emotalk.batching import Batcher
from services.emotalk.engine import CHANNELS, FPS, Engine
from services.emotalk.queue import open_queue
from services.emotalk.readers import ReaderWatch
from services.emotalk.server import LiveServicer
from services.emotalk.settings import EmoTalkSettings

FIRST = SPEECH_RATE // 2
"""Samples of speech after which first frames are waited for: 500 ms."""

PIECE = SPEECH_RATE // 50
REPEATS = 9
SPEECH_S = 6.0
"""Length of each stream when there are many."""


def speech(samples: int, seed: int) -> bytes:
    """Noise in syllables, s16le mono 24 kHz."""
    numbers = np.random.default_rng(seed)
    syllables = 0.5 + 0.5 * np.sin(2 * np.pi * 4 * np.arange(samples) / SPEECH_RATE)
    return (3000 * syllables * numbers.standard_normal(samples)).astype("<i2").tobytes()


@asynccontextmanager
async def serving(engine: Engine) -> AsyncIterator[emotalk_pb2_grpc.EmoTalkAsyncStub]:
    """A server of `flashback.v1.EmoTalk` with default settings, and a stub for it."""
    settings = EmoTalkSettings()
    batcher = Batcher(engine, settings.batch_s, settings.batch_wait_ms / 1000)
    batcher.start()
    queue = await open_queue(settings)
    server = grpc.aio.server()
    live = LiveServicer(
        queue, ReaderWatch(settings.stalled_reader_s), settings, partial(batcher.predict, live=True), engine.info
    )
    emotalk_pb2_grpc.add_EmoTalkServicer_to_server(live, server)
    with tempfile.TemporaryDirectory() as folder:
        address = f"unix:{Path(folder) / 'emotalk.sock'}"
        server.add_insecure_port(address)
        await server.start()
        async with grpc.aio.insecure_channel(address) as channel:
            yield emotalk_pb2_grpc.EmoTalkStub(channel)
        await server.stop(0)
    await queue.close()
    await batcher.close()


def opening(session: str) -> emotalk_pb2.AnimateRequest:
    return emotalk_pb2.AnimateRequest(start=emotalk_pb2.AnimateStart(session_id=session))


def spoken(audio: bytes, last: bool) -> emotalk_pb2.AnimateRequest:
    piece = emotalk_pb2.SpokenAudio(turn_id="turn", generation=1, audio=audio, last=last)
    return emotalk_pb2.AnimateRequest(audio=piece)


async def first_frames_ms(engine: Engine, seed: int) -> list[float]:
    """Milliseconds from the end of the first 500 ms of speech to the first frames, once a stream."""
    async with serving(engine) as stub:
        waits = [await _first_wait_ms(stub, speech(FIRST, seed + turn)) for turn in range(REPEATS + 1)]
    return waits[1:]


async def _first_wait_ms(stub: emotalk_pb2_grpc.EmoTalkAsyncStub, audio: bytes) -> float:
    described, sent = asyncio.Event(), 0.0

    async def requests() -> AsyncIterator[emotalk_pb2.AnimateRequest]:
        nonlocal sent
        yield opening("live")
        await described.wait()
        sent = time.perf_counter()
        yield spoken(audio, last=False)
        await asyncio.Event().wait()

    call = stub.Animate(requests(), timeout=SLOW_S)
    async for event in call:
        described.set()
        if event.frames.weights:
            break
    waited = (time.perf_counter() - sent) * 1000
    call.cancel()
    return waited


async def behind_ms(engine: Engine, streams: int) -> list[float]:
    """Of streams spoken in real time: how long after its last frame's time in the speech each message of frames comes.

    In milliseconds; the first 500 ms, the hop and the look-ahead of the settings are part of it.
    """
    async with serving(engine) as stub:
        await asyncio.gather(*(_behind_ms(stub, seed) for seed in range(2)))
        found = await asyncio.gather(*(_behind_ms(stub, seed) for seed in range(streams)))
    return [late for stream in found for late in stream]


async def _behind_ms(stub: emotalk_pb2_grpc.EmoTalkAsyncStub, seed: int) -> list[float]:
    audio = speech(round(SPEECH_S * SPEECH_RATE), seed)
    described, began = asyncio.Event(), 0.0

    async def requests() -> AsyncIterator[emotalk_pb2.AnimateRequest]:
        nonlocal began
        yield opening(f"live-{seed}")
        await described.wait()
        began = time.perf_counter()
        for end in range(2 * PIECE, len(audio) + 1, 2 * PIECE):
            await asyncio.sleep(began + end / 2 / SPEECH_RATE - time.perf_counter())
            yield spoken(audio[end - 2 * PIECE : end], last=end == len(audio))

    late: list[float] = []
    frames = 0
    async for event in stub.Animate(requests(), timeout=SLOW_S):
        described.set()
        if event.frames.weights:
            frames += len(event.frames.weights) // CHANNELS
            late.append((time.perf_counter() - began - frames / FPS) * 1000)
    return late
