"""Server-sent events (HTML standard, section 9.2) to a caller that may leave, or stop reading, at any time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

log = logging.getLogger(__name__)

KEEPALIVE = b": waiting\n\n"


async def departure(receive: Receive) -> None:
    """Returns when the caller has left; to be awaited once its request is read."""
    while (await receive())["type"] != "http.disconnect":
        pass


class EventStream(Response):
    """Sends `events` as they come; closes them and awaits `end` when they are over, the caller leaves, or reads nothing
    for `stalled_s` seconds: `end` also where no event was asked for yet, since what never began cannot be closed.
    Without events for `keepalive_s` seconds it sends a comment line, which readers pass over.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        events: AsyncGenerator[bytes, None],
        end: Callable[[], Awaitable[None]],
        keepalive_s: float,
        stalled_s: float,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        # A proxy that collects the answer first would undo the streaming.
        super().__init__(headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no", **(headers or {})})
        del self.headers["content-length"]
        self._events = events
        self._end = end
        self._keepalive_s = keepalive_s
        self._stalled_s = stalled_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gone = asyncio.create_task(departure(receive))
        sending = asyncio.create_task(self._send(send))
        try:
            await asyncio.wait((gone, sending), return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            gone.cancel()
            sending.cancel()
            await asyncio.gather(gone, sending, return_exceptions=True)
            await self._events.aclose()
            await self._end()

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        coming: asyncio.Task[bytes] | None = None
        try:
            while True:
                coming = coming or asyncio.create_task(self._next())
                await asyncio.wait((coming,), timeout=self._keepalive_s)
                piece = KEEPALIVE
                if coming.done():
                    piece, coming = coming.result(), None
                async with asyncio.timeout(self._stalled_s):
                    await send({"type": "http.response.body", "body": piece, "more_body": bool(piece)})
                if not piece:
                    return
        except TimeoutError:
            log.info("event stream dropped: its reader has stalled")
        finally:
            if coming is not None:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)

    async def _next(self) -> bytes:
        """The next event, or nothing at their end."""
        return await anext(self._events, b"")
