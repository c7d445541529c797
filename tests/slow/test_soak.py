"""Long runs: memory comes back, silence costs nothing, a restarted renderer goes on where the listener is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from benchmarks.live_stack import LiveStack
from benchmarks.receiver import Receiver
from flashback.rpc import SLOW_S, open_channel
from flashback.stack import runfile
from flashback.v1 import ears_pb2, ears_pb2_grpc
from tests.e2e.conftest import VECTORS, wait_until_read

CYCLES = 30
GROWTH_MB = 40.0


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    with LiveStack(tmp_path_factory.mktemp("data"), {"FLASHBACK_MAX_SESSIONS": "2", **VECTORS}) as running:
        asyncio.run(wait_until_read(running))
        yield running


async def talk_once(stack: LiveStack, leave: bool) -> None:
    """A short conversation; `leave` hangs up properly, else the peer just vanishes."""
    receiver = Receiver()
    await receiver.connect(stack.url)
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "What is a viseme?"}]}
    await receiver.send({"type": "conversation.item.create", "item": item})
    await receiver.send({"type": "response.create"})
    async with asyncio.timeout(60):
        while (await receiver.events.get())["type"] != "output_audio_buffer.started":
            pass
    if leave:
        await receiver.send({"type": "response.cancel"})
    await receiver.close()


async def until_free(stack: LiveStack, within_s: float = 20.0) -> None:
    async with httpx.AsyncClient(base_url=stack.url, timeout=10) as client, asyncio.timeout(within_s):
        while (await client.get("/health")).json()["sessions"]:
            await asyncio.sleep(0.2)


async def test_sessions_come_and_go_and_their_memory_with_them(stack: LiveStack) -> None:
    for _ in range(6):
        await talk_once(stack, leave=True)
        await until_free(stack)
    settled = sum(stack.pss_mb().values())
    for cycle in range(CYCLES):
        await talk_once(stack, leave=cycle % 3 > 0)
        await until_free(stack)
    assert sum(stack.pss_mb().values()) < settled + GROWTH_MB


async def silence(session: str, minutes: float) -> AsyncIterator[ears_pb2.MicAudio]:
    """A microphone that sends zeros, as fast as they are taken."""
    yield ears_pb2.MicAudio(session_id=session)
    for _ in range(int(minutes * 60 * 50)):
        yield ears_pb2.MicAudio(audio=bytes(640))


async def test_ten_minutes_of_silence_are_no_speech_and_no_memory(stack: LiveStack) -> None:
    running = runfile.read(stack.data_dir / "run" / "stack.json")
    assert running is not None
    before = stack.pss_mb()["ears"]
    channel = open_channel(running.addresses["ears"])
    stub = ears_pb2_grpc.EarsStub(channel)
    heard: list[str | None] = []
    ready = asyncio.Event()

    async def hear() -> None:
        async for event in stub.Hear(ears_pb2.HearRequest(session_id="quiet", persona_id="iris"), timeout=SLOW_S * 5):
            heard.append(event.WhichOneof("event"))
            ready.set()

    listening = asyncio.create_task(hear())
    await ready.wait()
    summary = await stub.Push(silence("quiet", 10), timeout=SLOW_S * 5)
    assert summary.samples == 10 * 60 * 16_000
    assert set(heard) == {"ready"}
    assert stack.pss_mb()["ears"] < before + 20
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    await channel.close(None)


def test_the_data_folder_holds_everything_that_was_written(stack: LiveStack, tmp_path: Path) -> None:
    assert {p.name for p in stack.data_dir.iterdir()} <= {"run", "personas", "cache"}
