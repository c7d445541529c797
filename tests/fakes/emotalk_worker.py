"""python -m tests.fakes.emotalk_worker: workers of a shared queue, on recordings of tests/fakes/emotalk_jobs.py."""

from __future__ import annotations

import asyncio
import signal

from services.emotalk.queue import open_queue
from services.emotalk.settings import EmoTalkSettings
from services.emotalk.statistics import Statistics
from services.emotalk.worker import WorkerPool
from tests.fakes.emotalk_jobs import Animator
from tests.fakes.slow_engine import prediction_s


async def pause() -> None:
    """As long as a prediction takes."""
    await asyncio.sleep(prediction_s())


async def main() -> None:
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    settings, statistics = EmoTalkSettings(), Statistics()
    queue = await open_queue(settings, statistics)
    pool = WorkerPool(queue, Animator(pause), settings, statistics)
    pool.start()
    await stopping.wait()
    await pool.stop()
    await queue.close()


if __name__ == "__main__":
    asyncio.run(main())
