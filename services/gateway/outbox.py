"""Events of one session on their way to the orchestrator."""

from __future__ import annotations

import asyncio

from flashback.v1 import gateway_pb2

CAPACITY = 1000
"""Events kept while nobody reads them."""

TERMINAL = ("failed", "closed")


class Outbox:
    """Queue of PeerEvents; the first terminal state ends it, later events are dropped.

    `overrun` tells that a browser sends more than the orchestrator takes.
    """

    def __init__(self) -> None:
        self._events: asyncio.Queue[gateway_pb2.PeerEvent | None] = asyncio.Queue()
        self._state = ""
        self._ended = False
        self.overrun = False

    def put(self, event: gateway_pb2.PeerEvent) -> None:
        if self._ended:
            return
        if self._events.qsize() >= CAPACITY:
            self.overrun = True
            return
        self._events.put_nowait(event)

    def state(self, state: str) -> None:
        """Reports a change of state; the same state twice is reported once."""
        if self._ended or state == self._state:
            return
        self._state = state
        self._events.put_nowait(gateway_pb2.PeerEvent(state=gateway_pb2.PeerStateChanged(state=state)))
        if state in TERMINAL:
            self._ended = True
            self._events.put_nowait(None)

    async def next(self) -> gateway_pb2.PeerEvent | None:
        """The next event; None after the last."""
        event = await self._events.get()
        if event is None:
            self._events.put_nowait(None)
        return event
