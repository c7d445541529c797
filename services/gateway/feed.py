"""Client of a FrameSource: asks for frames, takes them, and subscribes again when the source goes away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import grpc

from flashback.rpc import SESSION_S
from flashback.v1 import media_pb2, media_pb2_grpc

log = logging.getLogger(__name__)

FIRST_RETRY_S = 0.1
LONGEST_RETRY_S = 1.0


class FrameFeed:
    """One session's subscription; the persona's id goes along as metadata `persona-id`.

    deliver: called with each frame. resume: called before each subscription, returns the media position from which
    frames are wanted; whoever is called then asks anew.
    """

    def __init__(
        self,
        channel: grpc.aio.Channel,
        session_id: str,
        persona_id: str,
        deliver: Callable[[media_pb2.AvatarFrame], None],
        resume: Callable[[], int],
    ) -> None:
        self._stub = media_pb2_grpc.FrameSourceStub(channel)
        self._session_id = session_id
        self._metadata = (("persona-id", persona_id),) if persona_id else ()
        self._deliver = deliver
        self._resume = resume
        self._until = 0
        self._asked = asyncio.Event()

    def ask(self, until: int) -> None:
        """Wants all frames that start before `until`."""
        self._until = max(self._until, until)
        self._asked.set()

    async def run(self) -> None:
        """For ever; ends when cancelled."""
        wait = FIRST_RETRY_S
        while True:
            start = self._resume()
            try:
                if await self._subscribe(start):
                    wait = FIRST_RETRY_S
                log.info("frame source ended its stream", extra={"session": self._session_id})
            except grpc.aio.AioRpcError as error:
                log.info("frame source lost", extra={"session": self._session_id, "status": error.code().name})
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_RETRY_S)

    async def _subscribe(self, start: int) -> bool:
        call = self._stub.Frames(timeout=SESSION_S, metadata=self._metadata)  # type: ignore[call-arg]  # written to below
        asking = asyncio.create_task(self._send(call, start))
        delivered = False
        try:
            async for frame in call:
                self._deliver(frame)
                delivered = True
        finally:
            asking.cancel()
            call.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        return delivered

    async def _send(self, call: grpc.aio.StreamStreamCall, start: int) -> None:  # type: ignore[type-arg]
        demand = media_pb2.FrameDemand(session_id=self._session_id, from_sample=start, until_sample=self._until)
        while True:
            self._asked.clear()
            await call.write(demand)
            await self._asked.wait()
            demand = media_pb2.FrameDemand(until_sample=self._until)
