"""How many avatars can speak at once: light receivers that take RTP without decoding."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from benchmarks.conversation.talk import text_questions
from benchmarks.live_stack import LiveStack
from benchmarks.receiver import Receiver, use_addresses

MOST = 8
WINDOW_S = 15.0
ENOUGH_FPS = 24.0


async def measure(data_dir: Path) -> dict[str, Any]:
    """The largest number of sessions at which each one gets at least 24 new frames a second."""
    use_addresses(["127.0.0.1"])
    questions = text_questions(40)
    rates: dict[int, list[float]] = {}
    sessions = 0
    receivers: list[Receiver] = []
    talkers: list[asyncio.Task[None]] = []
    with LiveStack(data_dir, {"FLASHBACK_MAX_SESSIONS": str(MOST)}) as stack:
        try:
            for count in range(1, MOST + 1):
                receiver = Receiver()
                await receiver.connect(stack.url, "iris" if count % 2 else "amon")
                receivers.append(receiver)
                talkers.append(asyncio.create_task(keep_talking(receiver, questions[count:] + questions[:count])))
                await asyncio.sleep(4.0)
                rates[count] = [round(rate, 1) for rate in await frame_rates(receivers)]
                print(f"{count} sessions: {rates[count]} frames/s", file=sys.stderr)
                if min(rates[count]) < ENOUGH_FPS:
                    break
                sessions = count
        finally:
            for task in talkers:
                task.cancel()
            await asyncio.gather(*talkers, return_exceptions=True)
            for receiver in receivers:
                await receiver.close()
    return {"sessions": sessions, "sessions_fps": rates, "sessions_window_s": WINDOW_S}


async def frame_rates(receivers: list[Receiver]) -> list[float]:
    """New frames per second of each receiver over the window; held frames do not count."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    before = [r.counts().complete_frames for r in receivers]
    await asyncio.sleep(WINDOW_S)
    seconds = loop.time() - begun
    return [(r.counts().complete_frames - b) / seconds for r, b in zip(receivers, before, strict=True)]


async def keep_talking(receiver: Receiver, questions: list[str]) -> None:
    """Asks the next question as soon as an answer ends, so that the avatar speaks all the time."""
    while True:
        for question in questions:
            content = [{"type": "input_text", "text": question}]
            item = {"type": "message", "role": "user", "content": content}
            await receiver.send({"type": "conversation.item.create", "item": item})
            await receiver.send({"type": "response.create"})
            while (await receiver.events.get())["type"] != "response.done":
                pass
