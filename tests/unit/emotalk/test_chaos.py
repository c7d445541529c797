"""Workers killed and Redis restarted under load: every recording is answered, once and whole. tests/slow/ has more."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from services.emotalk.jobs import Chunk
from services.emotalk.queue import open_queue
from services.emotalk.queue.work import Queue
from services.emotalk.settings import EmoTalkSettings
from tests.fakes.emotalk_jobs import chunks, job, same
from tests.fakes.fleet import Fleet
from tests.fakes.redis_server import RedisServer

JOBS = 60
WORKERS = 2


async def answered(queue: Queue, job_id: str) -> list[Chunk]:
    """Takes its time over reading, as a client does."""
    read = []
    async for made in queue.results(job_id):
        read.append(made)
        await asyncio.sleep(0.001)
    return read


async def test_nothing_is_lost_and_nothing_comes_twice(
    redis_server: RedisServer, redis_client: Any, tmp_path: Path
) -> None:
    settings = {"redis_url": redis_server.url, "reclaim_s": 0.6, "queue_size": JOBS}
    environment = {f"FLASHBACK_EMOTALK_{name.upper()}": str(value) for name, value in settings.items()}
    queue = await open_queue(EmoTalkSettings.model_validate(settings))
    jobs = [job(f"job-{number}", chunks=number % 7 + 1) for number in range(JOBS)]
    with Fleet(["tests.fakes.emotalk_worker"], [environment] * WORKERS, tmp_path) as fleet:
        while (await queue.state()).workers < WORKERS:
            await asyncio.sleep(0.05)
        for submitted in jobs:
            await queue.submit(submitted)
        killing = asyncio.create_task(fleet.kill_in_turn(every_s=1.0, times=3))
        reading = [asyncio.create_task(answered(queue, submitted.id)) for submitted in jobs]
        await asyncio.sleep(1.0)
        redis_server.kill()
        await asyncio.sleep(0.3)
        redis_server.start()
        results = await asyncio.wait_for(asyncio.gather(*reading), 60)
        await killing
    assert [same(result, chunks(of)) for result, of in zip(results, jobs, strict=True)] == [True] * JOBS
    assert await queue.parked() == []
    assert await redis_client.zcard("{flashback:emotalk}:deaths"), "nobody was killed at work"
    assert fleet.kills == 3
    await queue.close()
