"""One session's picture encoding, off the event loop."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor

from services.gateway.encoders import VideoEncoder
from services.gateway.playout import Picture
from services.gateway.tracks import PacketTrack


class VideoSender:
    """Encodes the newest picture and hands it to the track. One overtaken while the encoder works is dropped."""

    def __init__(self, encoder: VideoEncoder, track: PacketTrack, pool: Executor) -> None:
        self._encoder = encoder
        self._track = track
        self._pool = pool
        self._keyframe = True
        self._next: tuple[Picture, int] | None = None
        self._last: Picture | None = None
        self._ready = asyncio.Event()

    def request_keyframe(self) -> None:
        self._keyframe = True

    def show(self, picture: Picture, position: int) -> None:
        """A picture for a timeline position."""
        self._next = (picture, position)
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
            await self._ready.wait()
            self._ready.clear()
            if self._next is None:
                continue
            (picture, position), self._next = self._next, None
            keyframe, self._keyframe = self._keyframe, False
            for packet in await loop.run_in_executor(self._pool, self._encoder.encode, picture, position, keyframe):
                self._track.push(packet)
