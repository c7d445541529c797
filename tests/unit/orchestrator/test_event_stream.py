"""Server-sent events to a caller that leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from services.orchestrator.event_stream import EventStream


async def test_a_caller_that_leaves_before_the_first_event_ends_what_was_begun() -> None:
    ended: list[str] = []

    async def events() -> AsyncGenerator[bytes, None]:
        yield b"data: []\n\n"

    async def end() -> None:
        ended.append("end")

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        await asyncio.Event().wait()

    await EventStream(events(), end, 10, 10)({"type": "http"}, receive, send)
    assert ended == ["end"]
