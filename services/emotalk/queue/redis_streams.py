"""The queue on Redis Streams: any number of processes on any machines take jobs in, work on them and read results.

docs/emotalk-queue.md has the keys, and what happens on which fault.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

from flashback.errors import NotFound, Unavailable
from services.emotalk.jobs import Chunk, Job, QueueState
from services.emotalk.queue import admission, redis_wire
from services.emotalk.queue.redis_link import Link
from services.emotalk.queue.redis_work import RedisWork, ms
from services.emotalk.queue.work import CANCELLED, UNKNOWN, Limits, Unreachable
from services.emotalk.statistics import Statistics

log = logging.getLogger(__name__)

CANCELLED_KEPT_MS = 60_000
"""How long it is known that a job was cancelled, for a worker or reader that comes late."""

CHUNKS_A_READ = 4
LOST_LIMIT = 5
"""How often a job that Redis lost is submitted again before its caller is told."""


class RedisQueue(RedisWork):
    """A `Queue`, to be opened before use.

    Everything of a job expires `ttl_s` after its caller was last there: a caller is there from submit() until its
    results ended, were given up or cancelled. Until then its job is held here too, and submitted again should Redis
    lose it.
    """

    def __init__(self, link: Link, keys: redis_wire.Keys, limits: Limits, statistics: Statistics) -> None:
        super().__init__(link, keys, limits, statistics)
        self._held: dict[str, Job] = {}
        self._keeper: asyncio.Task[None] | None = None
        self._cancelling: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Raises Unavailable when Redis cannot be reached, MissingEngine when it is too old."""
        await self._link.open()
        self._keeper = asyncio.create_task(self._keep_held())

    async def close(self) -> None:
        """What was submitted stays in Redis until it expires; readers and workers of this process get Unavailable."""
        self._closed = True
        if self._keeper:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        await asyncio.gather(*self._cancelling, return_exceptions=True)
        await self._link.close()

    async def submit(self, job: Job) -> int:
        self._check_open()
        self._held[job.id] = job
        try:
            answer = await self._submit(job, forced=False)
        except BaseException as error:
            self._held.pop(job.id, None)
            if isinstance(error, asyncio.CancelledError):
                self._cancel_later(job.id)
            raise
        if answer[0] == b"full":
            self._held.pop(job.id, None)
            self._statistics.rejected += 1
            mean_s = float(answer[2]) / 1000 if answer[2] else None
            raise admission.full(int(answer[1]), mean_s, int(answer[3]))
        self._statistics.submitted += int(answer[0] == b"new")
        return int(answer[1])

    async def results(self, job_id: str) -> AsyncIterator[Chunk]:
        last, losses = b"0-0", 0
        try:
            while True:
                self._check_open()
                found = await self._read(job_id, last)
                if not found and await self._run("lost", [self._keys.jobs, *self._keys.of(job_id)]):
                    losses += 1
                    await self._submit_again(job_id, losses)
                for entry_id, fields in found:
                    last = entry_id
                    if b"end" in fields:
                        await self._forget(job_id)
                        raise redis_wire.error_of(fields)
                    chunk = redis_wire.chunk_of(entry_id, fields)
                    if chunk.final:
                        await self._forget(job_id)
                    yield chunk
                    if chunk.final:
                        return
        finally:
            self._held.pop(job_id, None)

    async def cancel(self, job_id: str) -> None:
        self._held.pop(job_id, None)
        keys = [self._keys.jobs, *self._keys.of(job_id)]
        self._statistics.cancelled += int(await self._run("cancel", keys, CANCELLED, CANCELLED_KEPT_MS))

    async def state(self) -> QueueState:
        waiting, running, workers = await self._run("state", [self._keys.jobs, self._keys.workers], self._alive_ms)
        return QueueState(int(waiting), int(running), self._limits.size, int(workers))

    async def _submit(self, job: Job, forced: bool) -> list[bytes]:
        keys = [self._keys.jobs, *self._keys.of(job.id), self._keys.pace, self._keys.workers]
        limits = (self._limits.size, ms(self._limits.ttl_s), self._alive_ms)
        answer: list[bytes] = await self._run(
            "submit", keys, job.id, redis_wire.params_of(job), job.audio, *limits, "forced" if forced else ""
        )
        return answer

    async def _submit_again(self, job_id: str, losses: int) -> None:
        """A job that was accepted is answered, though Redis forgot it: its last second of writes, or everything."""
        job = self._held.get(job_id)
        if job is None:
            raise NotFound(UNKNOWN)
        if losses > LOST_LIMIT:
            raise Unavailable("The queue's Redis keeps losing this recording; look whether it evicts keys.")
        log.warning("job lost by redis, submitted again", extra={"job": job_id})
        await self._submit(job, forced=True)

    async def _read(self, job_id: str, last: bytes) -> list[tuple[bytes, dict[bytes, bytes]]]:
        stream = self._keys.results(job_id)
        found = await self._link.run(
            lambda: self._link.client.xread({stream: last}, count=CHUNKS_A_READ, block=self._slice_ms)
        )
        entries: list[tuple[bytes, dict[bytes, bytes]]] = found[0][1] if found else []
        return entries

    async def _forget(self, job_id: str) -> None:
        """The end was read. Nobody waits for this: what cannot be deleted expires."""
        try:
            await self._link.run(lambda: self._link.client.delete(*self._keys.of(job_id)), patience_s=0)
        except Unreachable:
            log.info("left to expire", extra={"job": job_id})

    def _cancel_later(self, job_id: str) -> None:
        """The caller left while its job was being submitted, and nobody knows whether it was."""
        task = asyncio.create_task(self._cancel_quietly(job_id))
        self._cancelling.add(task)
        task.add_done_callback(self._cancelling.discard)

    async def _cancel_quietly(self, job_id: str) -> None:
        try:
            await self.cancel(job_id)
        except Unavailable as error:
            log.warning("not cancelled, left to expire: %s", error.message, extra={"job": job_id})

    async def _keep_held(self) -> None:
        """Callers are here: their jobs do not expire."""
        ttl_ms = ms(self._limits.ttl_s)
        while True:
            await asyncio.sleep(self._limits.ttl_s / 4)
            for job_id in list(self._held):
                try:
                    await self._run("prolong", self._keys.of(job_id), ttl_ms)
                except Unavailable as error:
                    log.warning("jobs not kept: %s", error.message, extra={"jobs": len(self._held)})
                    break
