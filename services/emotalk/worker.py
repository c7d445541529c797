"""Workers: each takes a recording from the queue, animates it, and stores its chunks one by one."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import TypeAlias

from flashback.errors import FlashbackError, InvalidInput, NotFound, Unavailable
from services.emotalk.jobs import Chunk, Job
from services.emotalk.queue.work import Taken, Unreachable, WorkQueue, reason_of
from services.emotalk.settings import EmoTalkSettings
from services.emotalk.statistics import Statistics

log = logging.getLogger(__name__)

Animate: TypeAlias = Callable[[Job], AsyncIterator[Chunk]]
"""A job's chunks from its first to its final one; equal jobs give equal chunks."""

OF_THE_JOB = (InvalidInput, NotFound)
"""Errors that the recording brings with it: trying again cannot help."""

KEEPS_A_RECLAIM = 4
"""How often, at least, a worker says that it lives in the time after which it counts as dead."""

KEEP_S = 1.0
"""And how often at least anyway: so soon it hears that its recording was cancelled."""

PAUSE_S = 1.0
"""After the queue did not answer."""

GOODBYE_S = 5.0
"""How long the queue may take, at a stop, to hear what becomes of the recordings at work."""


class WorkerPool:
    """`num_workers` workers in this process, from start() to stop().

    The last try of a recording that failed before is alone in the process: if it takes the process with it, no other
    recording loses a try by that.
    """

    def __init__(
        self,
        queue: WorkQueue,
        animate: Animate,
        settings: EmoTalkSettings,
        statistics: Statistics | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queue = queue
        self._animate = animate
        self._settings = settings
        self._statistics = statistics or Statistics()
        self._now = now
        self._room = _Room()
        self._workers: list[asyncio.Task[None]] = []
        self._tries: set[asyncio.Task[bool]] = set()
        self._stopping = False

    def start(self) -> None:
        name = self._settings.worker_name or f"{socket.gethostname()}-{os.getpid()}"
        # A process that is started again under its old name is another one.
        process = f"{name}-{secrets.token_hex(3)}"
        for number in range(self._settings.num_workers):
            self._workers.append(asyncio.create_task(self._work(f"{process}-{number}")))

    async def stop(self) -> None:
        """Nothing more is taken. What is at work may go on for `stop_grace_s`; then it is handed back."""
        self._stopping = True
        if self._tries:
            await asyncio.wait(self._tries, timeout=self._settings.stop_grace_s)
        for _ in range(2):
            for task in self._workers:
                task.cancel()
            if self._workers:
                await asyncio.wait(self._workers, timeout=GOODBYE_S)
        self._workers.clear()

    async def _work(self, worker: str) -> None:
        try:
            while not self._stopping:
                await self._room.open.wait()
                try:
                    await self._one(await self._queue.take(worker))
                except Unavailable as error:
                    log.warning("no work: %s", error.message, extra={"worker": worker})
                    await asyncio.sleep(PAUSE_S)
                    await self._leave(worker)
        finally:
            await self._leave(worker)

    async def _leave(self, worker: str) -> None:
        try:
            await self._queue.leave(worker)
        except Unavailable as error:
            log.warning("left without a word: %s", error.message, extra={"worker": worker})

    async def _one(self, taken: Taken) -> None:
        """A try, to whatever end. Raises Unreachable when the queue cannot be told of it."""
        alone = taken.last_try and taken.try_number > 1
        if self._stopping or not self._room.enter(alone):
            await self._queue.hand_back(taken)
            return
        began = self._now()
        try:
            kept = await self._watched(taken, alone)
        except Unreachable:
            raise
        except OF_THE_JOB as error:
            log.info("recording refused", extra={"job": taken.job.id, "error": error.code})
            await self._queue.fail(taken, error)
        except Exception as error:
            await self._failed(taken, error)
        except asyncio.CancelledError:
            await self._queue.hand_back(taken)
            raise
        else:
            self._ended(taken, kept, began)
        finally:
            self._room.leave(alone)

    async def _watched(self, taken: Taken, alone: bool) -> bool:
        """What the try came to; False: the job is no longer ours. While it lasts, the queue hears that we live."""
        attempt = asyncio.create_task(self._try(taken, alone))
        self._tries.add(attempt)
        try:
            while not attempt.done():
                await asyncio.wait({attempt}, timeout=min(KEEP_S, self._settings.reclaim_s / KEEPS_A_RECLAIM))
                if not attempt.done() and not await self._queue.keep(taken):
                    return False
            if attempt.cancelled():
                raise FlashbackError("The try was cancelled from within.")
            return attempt.result()
        finally:
            self._tries.discard(attempt)
            attempt.cancel()
            await asyncio.gather(attempt, return_exceptions=True)

    async def _try(self, taken: Taken, alone: bool) -> bool:
        """Stores what is not stored yet. False: the job is no longer ours."""
        if alone:
            await self._room.others_left()
        chunks = self._animate(taken.job)
        try:
            async for chunk in chunks:
                if chunk.index < taken.stored:
                    continue
                if not await self._queue.store(taken, chunk):
                    return False
                if chunk.final:
                    return True
        finally:
            if isinstance(chunks, AsyncGenerator):
                await chunks.aclose()
        raise FlashbackError("The recording ended without a final chunk.")

    async def _failed(self, taken: Taken, error: Exception) -> None:
        parked = await self._queue.retry(taken, reason_of(error))
        log.error(
            "recording parked" if parked else "try failed",
            exc_info=error,
            extra={"job": taken.job.id, "try": taken.try_number},
        )

    def _ended(self, taken: Taken, kept: bool, began: float) -> None:
        self._statistics.dropped += int(not kept)
        log.info(
            "recording done" if kept else "recording dropped",
            extra={
                "job": taken.job.id,
                "try": taken.try_number,
                "waited_ms": round(taken.waited_s * 1000),
                "ms": round((self._now() - began) * 1000),
            },
        )


class _Room:
    """Tries share the process. One that must be alone waits until those that run have left; none enters meanwhile.

    open: not while one is alone, or waits to be.
    """

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self._inside = 0
        self._left = asyncio.Event()

    def enter(self, alone: bool) -> bool:
        """False: somebody else is to be alone."""
        if not self.open.is_set():
            return False
        self._inside += 1
        if alone:
            self.open.clear()
        return True

    async def others_left(self) -> None:
        while self._inside > 1:
            self._left.clear()
            await self._left.wait()

    def leave(self, alone: bool) -> None:
        self._inside -= 1
        self._left.set()
        if alone:
            self.open.set()
