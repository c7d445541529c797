"""Callers that stop reading: a stream whose messages nobody takes is ended, so that what it holds is free again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, TypeVar

import grpc

from flashback.errors import FlashbackError
from flashback.rpc.errors import abort_with

log = logging.getLogger(__name__)

Context = grpc.aio.ServicerContext[Any, Any]
M = TypeVar("M")


class Stalled(FlashbackError):
    """The caller took nothing for too long."""

    status = grpc.StatusCode.ABORTED
    http_status = 408
    code = "stalled"


class ReaderWatch:
    """Ends calls whose caller takes no message for `patience_s` seconds with Stalled.

    gRPC's flow control holds a message back until there is room on the way, so a handler waits with its message when
    its caller does not read. Its generator is closed then; the status waits as long again for a caller that reads on.
    """

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._farewells: set[asyncio.Task[None]] = set()

    async def watched(self, messages: AsyncGenerator[M], context: Context) -> AsyncGenerator[M]:
        """The messages; to be iterated by the call's handler, in its own task."""
        loop = asyncio.get_running_loop()
        handler = asyncio.current_task()
        async with aclosing(messages):
            async for message in messages:
                stalled = loop.call_later(self._patience_s, self._end, context, handler)
                try:
                    yield message
                finally:
                    stalled.cancel()

    async def close(self) -> None:
        for task in self._farewells:
            task.cancel()
        await asyncio.gather(*self._farewells, return_exceptions=True)

    def _end(self, context: Context, handler: asyncio.Task[Any] | None) -> None:
        task = asyncio.create_task(self._farewell(context, handler))
        self._farewells.add(task)
        task.add_done_callback(self._farewells.discard)

    async def _farewell(self, context: Context, handler: asyncio.Task[Any] | None) -> None:
        log.warning("caller stopped reading", extra={"seconds": self._patience_s})
        error = Stalled(f"Nothing was read for {self._patience_s:g} s, so the call was ended; ask again.")
        ending = asyncio.create_task(abort_with(context, error))
        await asyncio.sleep(0)
        if handler is not None:
            handler.cancel()
        await asyncio.wait({ending}, timeout=self._patience_s)
        ending.cancel()
        await asyncio.gather(ending, return_exceptions=True)
