"""One session's picture encoding, off the event loop."""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import Executor

from services.gateway.encoders import VideoEncoder
from services.gateway.playout import Picture
from services.gateway.tracks import PacketTrack

BACKLOG = 2
"""Pictures that wait for the encoder when the machine is busy; the oldest are dropped."""


class VideoSender:
    """Encodes pictures in order and hands them to the track."""

    def __init__(self, encoder: VideoEncoder, track: PacketTrack, pool: Executor) -> None:
        self._encoder = encoder
        self._track = track
        self._pool = pool
        self._keyframe = True
        self._waiting: deque[tuple[Picture, int]] = deque(maxlen=BACKLOG)
        self._last: Picture | None = None
        self._ready = asyncio.Event()

    def request_keyframe(self) -> None:
        self._keyframe = True

    def show(self, picture: Picture, position: int) -> None:
        """A picture for a timeline position."""
        self._waiting.append((picture, position))
        self._last = picture
        self._ready.set()

    def hold(self, position: int) -> None:
        """No new picture: the last one is sent again only when a keyframe is wanted."""
        if self._keyframe and self._last is not None:
            self.show(self._last, position)

    async def run(self) -> None:
        """For ever; ends when cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            while not self._waiting:
                self._ready.clear()
                await self._ready.wait()
            picture, position = self._waiting.popleft()
            keyframe, self._keyframe = self._keyframe, False
            for packet in await loop.run_in_executor(self._pool, self._encoder.encode, picture, position, keyframe):
                self._track.push(packet)
