"""The browser's microphone, to the ears."""

from __future__ import annotations

import asyncio
import logging
from collections import deque

import av
import grpc
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

from flashback.media.clock import ANALYSIS_RATE
from flashback.rpc import SESSION_S
from flashback.v1 import ears_pb2, ears_pb2_grpc

log = logging.getLogger(__name__)

BACKLOG = 50
"""Packets of 20 ms kept while the ears do not take them; the oldest are dropped."""

FIRST_RETRY_S = 0.1
LONGEST_RETRY_S = 1.0


class Microphone:
    """Takes a received audio track to s16le mono 16 kHz and pushes it to Ears, when somebody listens there.

    The track is drained in any case: aiortc keeps every frame that is not taken.
    """

    def __init__(self, channel: grpc.aio.Channel, session_id: str) -> None:
        self._stub = ears_pb2_grpc.EarsStub(channel)
        self._session_id = session_id
        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=ANALYSIS_RATE)
        self._packets: deque[bytes] = deque(maxlen=BACKLOG)
        self._arrived = asyncio.Event()

    @property
    def waiting(self) -> list[bytes]:
        """Packets not yet taken by the ears, oldest first."""
        return list(self._packets)

    async def run(self, track: MediaStreamTrack) -> None:
        """Until the track ends."""
        pushing = asyncio.create_task(self._push_for_ever())
        try:
            while True:
                frame = await track.recv()
                if isinstance(frame, av.AudioFrame):
                    self.put(frame)
        except MediaStreamError:
            pass
        finally:
            pushing.cancel()
            await asyncio.gather(pushing, return_exceptions=True)

    def put(self, frame: av.AudioFrame) -> None:
        """One frame of any rate and layout."""
        frame.pts = None
        for piece in self._resampler.resample(frame):
            if piece.samples:
                self._packets.append(bytes(piece.planes[0])[: 2 * piece.samples])
        self._arrived.set()

    async def _push_for_ever(self) -> None:
        wait = FIRST_RETRY_S
        while True:
            try:
                if await self._push():
                    wait = FIRST_RETRY_S
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.NOT_FOUND:
                    log.info("ears lost", extra={"session": self._session_id, "status": error.code().name})
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_RETRY_S)

    async def _push(self) -> bool:
        call = self._stub.Push(timeout=SESSION_S)  # type: ignore[call-arg]  # written to below
        try:
            self._packets.clear()
            await call.write(ears_pb2.MicAudio(session_id=self._session_id))
            sent = 0
            while not call.done():
                self._arrived.clear()
                while self._packets:
                    await call.write(ears_pb2.MicAudio(audio=self._packets.popleft()))
                    sent += 1
                await self._arrived.wait()
            await call
            return sent > BACKLOG
        except asyncio.InvalidStateError:  # the ears ended the call between two writes
            await call
            return False
        finally:
            call.cancel()
