"""The queue within one process: what the shared one does, without Redis. Lost with the process, as its callers are."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from flashback.errors import FlashbackError, NotFound, Unavailable
from services.emotalk.jobs import Chunk, Job, QueueState
from services.emotalk.queue import admission
from services.emotalk.queue.work import (
    CANCELLED,
    DEATHS_A_TRY,
    STOPPING,
    UNKNOWN,
    WORKER_LOST,
    Limits,
    Parked,
    Taken,
    parked_error,
)
from services.emotalk.statistics import Statistics

PARKED_KEPT = 100
"""How many parked jobs are remembered."""

SHORTEST_WAIT_S = 0.001


@dataclass(slots=True, eq=False)
class _Entry:
    """A job from its submission until its end was read, or nobody came for it.

    state: waiting; running: a worker has it, or it is tried again at `due`; ended: with its last chunk, or `error`.
    """

    job: Job
    submitted: float
    state: Literal["waiting", "running", "ended", "cancelled"] = "waiting"
    chunks: list[Chunk] = field(default_factory=list)
    error: FlashbackError | None = None
    worker: str = ""
    claim: str = ""
    due: float = 0.0
    begun: float = 0.0
    ended: float = 0.0
    tries: int = 0
    blame: int = 0
    reason: str = ""
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self) -> None:
        """Wakes whoever reads the results."""
        self.news.set()
        self.news = asyncio.Event()


class MemoryQueue:
    """A `Queue`. now: seconds, of any beginning."""

    def __init__(self, limits: Limits, statistics: Statistics, now: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._statistics = statistics
        self._now = now
        self._entries: dict[str, _Entry] = {}
        self._parked: deque[Parked] = deque(maxlen=PARKED_KEPT)
        self._workers: set[str] = set()
        self._claims = itertools.count(1)
        self._mean_s: float | None = None
        self._work = asyncio.Event()
        self._closed = False

    async def submit(self, job: Job) -> int:
        self._open()
        self._forget_unread()
        known = self._entries.get(job.id)
        if known and known.state != "cancelled":
            unfinished = self._unfinished()
            return unfinished.index(known) if known in unfinished else 0
        ahead = len(self._unfinished())
        if self._count("waiting") >= self._limits.size:
            self._statistics.rejected += 1
            raise admission.full(ahead, self._mean_s, len(self._workers))
        self._entries.pop(job.id, None)
        self._entries[job.id] = _Entry(job, self._now())
        self._statistics.submitted += 1
        self._wake_workers()
        return ahead

    async def results(self, job_id: str) -> AsyncIterator[Chunk]:
        read = 0
        while True:
            self._open()
            entry = self._entries.get(job_id)
            if entry is None:
                raise NotFound(UNKNOWN)
            news = entry.news
            while read < len(entry.chunks):
                chunk = entry.chunks[read]
                read += 1
                if chunk.final:
                    self._entries.pop(job_id, None)
                yield chunk
                if chunk.final:
                    return
            if entry.error:
                self._entries.pop(job_id, None)
                raise entry.error
            await news.wait()

    async def cancel(self, job_id: str) -> None:
        entry = self._entries.get(job_id)
        if entry is None or entry.state == "cancelled":
            return
        if entry.state == "ended":
            del self._entries[job_id]
            return
        entry.chunks.clear()
        self._end(entry, NotFound(CANCELLED), "cancelled")
        self._statistics.cancelled += 1

    async def state(self) -> QueueState:
        return QueueState(self._count("waiting"), self._count("running"), self._limits.size, len(self._workers))

    async def close(self) -> None:
        self._closed = True
        self._wake_workers()
        for entry in self._entries.values():
            entry.tell()

    async def take(self, worker: str) -> Taken:
        while True:
            self._open()
            self._workers.add(worker)
            work = self._work
            entry = self._next()
            if entry is None:
                await self._wait(work)
                continue
            reclaimed = bool(entry.claim)
            if reclaimed:
                self._statistics.reclaimed += 1
                self._workers.discard(entry.worker)
                entry.reason = WORKER_LOST
                entry.blame += 1
            if entry.blame >= self._limits.blame:
                self._park(entry)
                continue
            return self._begin(entry, worker, reclaimed)

    async def keep(self, taken: Taken) -> bool:
        entry = self._held(taken)
        if entry:
            entry.due = self._now() + self._limits.reclaim_s
        return entry is not None

    async def store(self, taken: Taken, chunk: Chunk) -> bool:
        entry = self._held(taken)
        if entry is None:
            known = self._entries.get(taken.job.id)
            return bool(known and known.state == "ended" and known.claim == taken.claim)
        if chunk.index > len(entry.chunks):
            await self.hand_back(taken)
            return False
        if chunk.index == len(entry.chunks):
            entry.chunks.append(chunk)
            entry.tries, entry.blame = 1, 0
            if chunk.final:
                took_s = self._now() - entry.begun
                self._mean_s = admission.mean_with(self._mean_s, took_s)
                self._statistics.served += 1
                self._statistics.service.observe(took_s)
                self._end(entry, None)
            entry.tell()
        return True

    async def fail(self, taken: Taken, error: FlashbackError) -> None:
        entry = self._held(taken)
        if entry:
            self._statistics.failed += 1
            self._end(entry, error)

    async def retry(self, taken: Taken, reason: str) -> bool:
        entry = self._held(taken)
        if entry is None:
            return False
        entry.reason = reason
        entry.blame += DEATHS_A_TRY
        if entry.blame >= self._limits.blame:
            self._park(entry)
            return True
        self._statistics.retried += 1
        self._release(entry, self._limits.retry_delay_s)
        return False

    async def hand_back(self, taken: Taken) -> None:
        entry = self._held(taken)
        if entry:
            entry.tries -= 1
            self._release(entry, 0.0)

    async def leave(self, worker: str) -> None:
        self._workers.discard(worker)

    async def parked(self) -> list[Parked]:
        return list(self._parked)

    def _begin(self, entry: _Entry, worker: str, reclaimed: bool) -> Taken:
        now = self._now()
        self._statistics.begun += 1
        if entry.state == "waiting":
            self._statistics.wait.observe(now - entry.submitted)
        entry.state = "running"
        entry.tries += 1
        entry.worker = worker
        entry.claim = f"{worker}/{next(self._claims)}"
        entry.begun = now
        entry.due = now + self._limits.reclaim_s
        return Taken(
            job=entry.job,
            worker=worker,
            claim=entry.claim,
            place=entry.job.id,
            stored=len(entry.chunks),
            try_number=entry.tries,
            last_try=self._limits.last_try(entry.blame),
            waited_s=now - entry.submitted,
            reclaimed=reclaimed,
        )

    def _next(self) -> _Entry | None:
        """A running one whose time is over, else the first that waits; both in order of submission."""
        now = self._now()
        overdue = (e for e in self._entries.values() if e.state == "running" and e.due <= now)
        waiting = (e for e in self._entries.values() if e.state == "waiting")
        return next(itertools.chain(overdue, waiting), None)

    async def _wait(self, work: asyncio.Event) -> None:
        """Until there may be work: something came, or a running job may be overdue."""
        dues = [e.due for e in self._entries.values() if e.state == "running"]
        try:
            async with asyncio.timeout(max(SHORTEST_WAIT_S, min(dues) - self._now()) if dues else None):
                await work.wait()
        except TimeoutError:
            return

    def _wake_workers(self) -> None:
        self._work.set()
        self._work = asyncio.Event()

    def _held(self, taken: Taken) -> _Entry | None:
        entry = self._entries.get(taken.job.id)
        return entry if entry and entry.state == "running" and entry.claim == taken.claim else None

    def _release(self, entry: _Entry, delay_s: float) -> None:
        entry.claim = ""
        entry.due = self._now() + delay_s
        self._wake_workers()

    def _park(self, entry: _Entry) -> None:
        self._parked.append(Parked(entry.job.id, entry.reason, entry.tries))
        self._statistics.parked += 1
        self._end(entry, parked_error(entry.reason, entry.tries))

    def _end(self, entry: _Entry, error: FlashbackError | None, state: Literal["ended", "cancelled"] = "ended") -> None:
        entry.state = state
        entry.error = error
        entry.job = replace(entry.job, audio=b"")
        entry.ended = self._now()
        entry.tell()

    def _forget_unread(self) -> None:
        oldest = self._now() - self._limits.ttl_s
        for job_id in [i for i, e in self._entries.items() if e.ended and e.ended < oldest]:
            del self._entries[job_id]

    def _unfinished(self) -> list[_Entry]:
        return [e for e in self._entries.values() if e.state in ("waiting", "running")]

    def _count(self, state: str) -> int:
        return sum(1 for e in self._entries.values() if e.state == state)

    def _open(self) -> None:
        if self._closed:
            raise Unavailable(STOPPING)
