"""The workers' side of the queue on Redis Streams: take, keep, store, and the ways a try may end.

Each step is one script (lua/), so that none is half done; each may be repeated, so that none is done twice.
"""

from __future__ import annotations

import uuid
from typing import Any

from redis.exceptions import ResponseError

from flashback.errors import FlashbackError, Unavailable
from services.emotalk.jobs import Chunk
from services.emotalk.queue import admission, redis_wire
from services.emotalk.queue.redis_link import SLICE_S, Link
from services.emotalk.queue.work import DEATHS_A_TRY, STOPPING, WORKER_LOST, Limits, Parked, Taken
from services.emotalk.statistics import Statistics

PARKED_KEPT = 100
"""How many parked jobs are remembered."""

DEATHS_S = 600.0
"""How long the death of a worker is remembered."""

FORGIVEN_A_TRY = 4
"""Deaths of its workers that a job is forgiven at most, for each try it has, where others die as often."""


class RedisWork:
    """A `WorkQueue`. The consumer group knows which entries are at work and since when; a claim is of one try."""

    def __init__(self, link: Link, keys: redis_wire.Keys, limits: Limits, statistics: Statistics) -> None:
        self._link = link
        self._keys = keys
        self._limits = limits
        self._statistics = statistics
        self._slice_ms = ms(min(SLICE_S, limits.reclaim_s / 4))
        self._alive_ms = ms(limits.reclaim_s + SLICE_S)
        self._scripts: dict[str, Any] = {}
        self._closed = False

    async def take(self, worker: str) -> Taken:
        while True:
            self._check_open()
            found = await self._overdue(worker) or await self._next(worker)
            taken = await self._begin(worker, *found) if found else None
            if taken:
                return taken

    async def keep(self, taken: Taken) -> bool:
        keys = [self._keys.jobs, self._keys.job(taken.job.id), self._keys.workers]
        return bool(await self._run("keep", keys, taken.claim, taken.worker))

    async def store(self, taken: Taken, chunk: Chunk) -> bool:
        keys = [self._keys.jobs, *self._keys.of(taken.job.id), self._keys.pace]
        content = redis_wire.chunk_fields(chunk)
        answer = await self._run("store", keys, taken.claim, *content, ms(self._limits.ttl_s), admission.LATEST_WEIGHT)
        if answer[0] == b"behind":
            await self.hand_back(taken)
        elif answer[0] == b"stored" and chunk.final:
            self._statistics.served += 1
            self._statistics.service.observe(int(answer[1]) / 1000)
        return answer[0] in (b"stored", b"again")

    async def fail(self, taken: Taken, error: FlashbackError) -> None:
        answer = await self._stop(taken, "fail", error.code, error.message)
        self._statistics.failed += int(answer == b"failed")

    async def retry(self, taken: Taken, reason: str) -> bool:
        answer = await self._stop(taken, "retry", "", reason)
        self._statistics.parked += int(answer == b"parked")
        self._statistics.retried += int(answer == b"again")
        return answer == b"parked"

    async def hand_back(self, taken: Taken) -> None:
        await self._stop(taken, "back", "", "")

    async def leave(self, worker: str) -> None:
        """Also hands back what it began without getting to know: the answer came when nobody waited for it any more."""
        jobs = self._keys.jobs
        for held in await self._run("held", [jobs], worker):
            claim = await self._claim_of(held.decode())
            if claim.startswith(f"{worker}/"):
                await self._run_stop(held.decode(), claim, "back", "", "")
        await self._run("leave", [jobs, self._keys.workers], worker, ms(self._limits.reclaim_s))

    async def parked(self) -> list[Parked]:
        entries = await self._link.run(lambda: self._link.client.xrange(self._keys.parked))
        return [Parked(f[b"id"].decode(), f[b"error"].decode(), int(f[b"tries"])) for _, f in entries]

    async def _overdue(self, worker: str) -> tuple[str, str] | None:
        """Entry and id of a job that was given back or whose worker fell silent, now this worker's."""
        limits = (ms(self._limits.reclaim_s), self._alive_ms)
        look, keys = self._script("look"), [self._keys.jobs, self._keys.workers]
        # How long we are in touch with Redis is known anew with each attempt.
        found = await self._link.run(lambda: look(keys=keys, args=[worker, *limits, ms(self._link.steady_s())]))
        return (found[0].decode(), found[1].decode()) if found else None

    async def _next(self, worker: str) -> tuple[str, str] | None:
        """Entry and id of the job that waited longest, or nothing after a slice of waiting."""
        try:
            found = await self._link.run(
                lambda: self._link.client.xreadgroup(
                    redis_wire.GROUP, worker, {self._keys.jobs: ">"}, count=1, block=self._slice_ms
                )
            )
        except ResponseError as error:
            # Redis was flushed while we waited; the next look makes the group again.
            if str(error).startswith(("NOGROUP", "UNBLOCKED")):
                return None
            raise
        if not found:
            return None
        entry, fields = found[0][1][0]
        return entry.decode(), fields[b"id"].decode()

    async def _begin(self, worker: str, entry: str, job_id: str) -> Taken | None:
        limits, claim = self._limits, f"{worker}/{uuid.uuid4().hex}"
        keys = [self._keys.jobs, *self._keys.of(job_id), self._keys.parked, self._keys.deaths]
        parking = (limits.blame, ms(limits.ttl_s), PARKED_KEPT, WORKER_LOST)
        forgiving = (ms(DEATHS_S), limits.tries * FORGIVEN_A_TRY)
        answer = await self._run("begin", keys, job_id, entry, claim, *parking, *forgiving)
        outcome = answer[0]
        if outcome == b"gone":
            return None
        if outcome == b"parked":
            self._statistics.parked += 1
            self._statistics.reclaimed += int(answer[1])
            return None
        params, audio, stored, tries, blame, waited_ms, first, lost = answer[1:]
        self._statistics.begun += 1
        self._statistics.reclaimed += int(lost)
        if first:
            self._statistics.wait.observe(int(waited_ms) / 1000)
        return Taken(
            job=redis_wire.job_of(job_id, params, audio),
            worker=worker,
            claim=claim,
            place=entry,
            stored=int(stored),
            try_number=int(tries),
            last_try=limits.last_try(int(blame)),
            waited_s=int(waited_ms) / 1000,
            reclaimed=bool(lost),
        )

    async def _claim_of(self, job_id: str) -> str:
        claim = await self._link.run(lambda: self._link.client.hget(self._keys.job(job_id), "claim"))
        return (claim or b"").decode()

    async def _stop(self, taken: Taken, how: str, kind: str, text: str) -> bytes:
        return await self._run_stop(taken.job.id, taken.claim, how, kind, text)

    async def _run_stop(self, job_id: str, claim: str, how: str, kind: str, text: str) -> bytes:
        limits = self._limits
        keys = [self._keys.jobs, *self._keys.of(job_id), self._keys.parked]
        times = (ms(limits.ttl_s), PARKED_KEPT, ms(limits.reclaim_s), ms(limits.retry_delay_s))
        answer: bytes = await self._run(
            "stop", keys, job_id, claim, how, kind, text, limits.blame, DEATHS_A_TRY, *times
        )
        return answer

    async def _run(self, name: str, keys: list[str], *args: str | bytes | int | float) -> Any:
        run = self._script(name)
        return await self._link.run(lambda: run(keys=keys, args=args))

    def _script(self, name: str) -> Any:
        if name not in self._scripts:
            self._scripts[name] = self._link.client.register_script(redis_wire.script(name))
        return self._scripts[name]

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable(STOPPING)


def ms(seconds: float) -> int:
    """Whole milliseconds, as Redis counts."""
    return round(seconds * 1000)
