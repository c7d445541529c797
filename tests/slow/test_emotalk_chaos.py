"""200 recordings through three workers of which one is killed every two seconds, and a Redis that is killed too."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from numpy.typing import NDArray

from flashback.compat import emotalk_pb2, emotalk_pb2_grpc
from flashback.rpc import open_channel
from services.emotalk.animation import animate
from services.emotalk.audio import Limits
from services.emotalk.engine import CHANNELS, FPS
from services.emotalk.jobs import Job
from services.emotalk.queue import open_queue
from services.emotalk.settings import EmoTalkSettings
from tests.fakes import slow_engine
from tests.fakes.fleet import Fleet
from tests.fakes.redis_server import RedisServer
from tests.unit.emotalk.predictors import INFO, Predictor
from tests.unit.emotalk.sounds import speechlike, wav

RECORDINGS = 200
WORKERS = 3
KILL_EVERY_S = 2.0
REDIS_DIES_AFTER_S = 7.0
REDIS_AWAY_S = 0.5
LIMIT_S = 240.0
SEED = 7
CHUNK_S, OVERLAP_S = 0.5, 0.1

Frames = tuple[NDArray[np.float64], NDArray[np.float32]]


def recording(number: int) -> bytes:
    """One of 2 to 5 seconds, unlike any other."""
    return wav(speechlike(2.0 + number % 7 / 2, seed=number), 16_000, float_=True)


async def undisturbed(number: int) -> Frames:
    """Time codes and weights of a recording that nothing happens to."""
    job = Job(f"{number}", recording(number), 1, number % 24, True, CHUNK_S, OVERLAP_S, SEED)
    weights = [chunk.weights async for chunk in animate(job, Predictor(), Limits(2**24, 60.0), INFO)]
    rows = np.concatenate(weights)
    return np.arange(len(rows)) / FPS, rows


async def asked(stub: emotalk_pb2_grpc.EmoTalkServiceStub, number: int) -> Frames:
    """What a client of the service gets; raises what it gets instead."""
    request = emotalk_pb2.AudioRequest(
        request_id=f"{number}",
        audio_data=recording(number),
        emotion_level=1,
        person_id=number % 24,
        post_processing=True,
        chunk_duration=CHUNK_S,
        chunk_overlap=OVERLAP_S,
    )
    times: list[float] = []
    rows: list[list[float]] = []
    indices: list[int] = []
    finals: list[bool] = []
    async for response in stub.ProcessAudio(request, timeout=LIMIT_S, wait_for_ready=True):
        assert response.error_message == ""
        indices.append(response.chunk_index)
        finals.append(response.is_final)
        times += [frame.timecode for frame in response.frames]
        rows += [list(frame.blendshapes) for frame in response.frames]
    assert indices == list(range(len(indices)))
    assert finals == [False] * (len(finals) - 1) + [True]
    return np.array(times), np.array(rows, np.float32).reshape(-1, CHANNELS)


async def restart(redis_server: RedisServer) -> None:
    await asyncio.sleep(REDIS_DIES_AFTER_S)
    redis_server.kill()
    await asyncio.sleep(REDIS_AWAY_S)
    await asyncio.to_thread(redis_server.start)


@pytest.mark.timeout(LIMIT_S + 30)
async def test_every_recording_is_answered_once_and_as_if_nothing_had_happened(
    redis_server: RedisServer, redis_client: Any, tmp_path: Path
) -> None:
    settings: dict[str, object] = {"redis_url": redis_server.url, "reclaim_s": 1.0, "queue_size": RECORDINGS}
    shared = {f"FLASHBACK_EMOTALK_{name.upper()}": str(value) for name, value in settings.items()}
    shared |= {"FLASHBACK_EMOTALK_ENGINE": slow_engine.NAME, "FLASHBACK_EMOTALK_BLINK_SEED": f"{SEED}"}
    shared |= {"PYTHONPATH": slow_engine.install(tmp_path / "engine")}
    workers = [{**shared, "FLASHBACK_EMOTALK_WORKER_ADDRESS": f"unix:{tmp_path}/{n}.sock"} for n in range(WORKERS)]
    gateway = {**shared, "FLASHBACK_EMOTALK_ADDRESS": f"unix:{tmp_path}/gateway.sock"}
    expected = [await undisturbed(number) for number in range(RECORDINGS)]
    queue = await open_queue(EmoTalkSettings.model_validate(settings))
    with (
        Fleet(["services.emotalk", "--role", "server"], [gateway], tmp_path, "gateway"),
        Fleet(["services.emotalk", "--role", "worker"], workers, tmp_path) as fleet,
    ):
        while (await queue.state()).workers < WORKERS:
            await asyncio.sleep(0.1)
        async with open_channel(gateway["FLASHBACK_EMOTALK_ADDRESS"]) as channel:
            stub = emotalk_pb2_grpc.EmoTalkServiceStub(channel)
            killing = asyncio.create_task(fleet.kill_in_turn(KILL_EVERY_S))
            restarting = asyncio.create_task(restart(redis_server))
            try:
                answers = await asyncio.gather(*(asked(stub, number) for number in range(RECORDINGS)))
            except grpc.aio.AioRpcError as error:
                pytest.fail(f"{error.code()}: {error.details()}\n{fleet.logs()}")
            killing.cancel()
            await restarting
        for (times, rows), (expected_times, expected_rows) in zip(answers, expected, strict=True):
            assert np.array_equal(times, expected_times)
            assert np.array_equal(rows, expected_rows)
        assert await queue.parked() == []
        assert await redis_client.zcard("{flashback:emotalk}:deaths"), "nobody was killed at work"
        assert fleet.kills >= 4
    await queue.close()
