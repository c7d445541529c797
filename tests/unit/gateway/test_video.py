from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from services.gateway.playout import Picture
from services.gateway.video import BACKLOG, VideoSender

PICTURE = Picture(2, 2, bytes(6))


class Encoder:
    """Notes what it is asked to encode; gives the position as the packet."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, bool]] = []

    def encode(self, picture: Picture, position: int, keyframe: bool) -> list[Any]:
        self.calls.append((position, keyframe))
        return [position]


@dataclass
class Track:
    packets: list[Any] = field(default_factory=list)

    def push(self, packet: Any) -> None:
        self.packets.append(packet)


@dataclass
class Bench:
    sender: VideoSender
    encoder: Encoder
    track: Track

    async def drained(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.track.packets) < count:
                await asyncio.sleep(0.001)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    encoder, track = Encoder(), Track()
    with ThreadPoolExecutor(1) as pool:
        sender = VideoSender(encoder, track, pool)  # type: ignore[arg-type]
        running = asyncio.create_task(sender.run())
        yield Bench(sender, encoder, track)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_pictures_go_out_in_order_and_the_first_is_a_keyframe(bench: Bench) -> None:
    for n in range(4):
        bench.sender.show(PICTURE, n)
        await bench.drained(n + 1)
    assert bench.encoder.calls == [(0, True), (1, False), (2, False), (3, False)]


async def test_a_busy_encoder_loses_the_oldest_that_wait(bench: Bench) -> None:
    for n in range(BACKLOG + 3):
        bench.sender.show(PICTURE, n)
    await bench.drained(BACKLOG)
    assert bench.track.packets == [3, 4]


async def test_a_held_picture_is_sent_again_only_when_a_keyframe_is_wanted(bench: Bench) -> None:
    bench.sender.hold(0)
    bench.sender.show(PICTURE, 1)
    await bench.drained(1)
    bench.sender.hold(2)
    bench.sender.request_keyframe()
    bench.sender.hold(3)
    await bench.drained(2)
    assert bench.encoder.calls == [(1, True), (3, True)]
