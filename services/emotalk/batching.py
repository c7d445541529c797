"""Predictions of all recordings and live streams share batches: which go together is policy, running them mechanism."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from flashback.errors import FlashbackError, Unavailable
from services.emotalk.engine import RATE, Engine, Utterance, Weights
from services.emotalk.queue.work import STOPPING

LIVE_IN_A_ROW = 4
"""Batches of live speech, while a recording waits, before one of its utterances has its turn."""

LIVE_LATELY_S = 2.0
"""So long after live speech more of it is expected. A batch at work cannot be interrupted, so it is kept short."""

T = TypeVar("T")


@dataclass(slots=True)
class _Waiting(Generic[T]):
    what: T
    samples: int
    since: float


class Policy(Generic[T]):
    """Which waiting utterances go next, together. Pure: no I/O, times come in as arguments.

    Live speech goes before recordings, first come first served within each; a batch is of one kind, so that live
    windows never wait for a long chunk beside them. While live speech came lately, recordings go one utterance at a
    time; after LIVE_IN_A_ROW live batches a waiting one has its turn, so that none starves. max_batch: utterances.
    budget: samples of one batch; a longer utterance goes alone. wait_s: how long the first one waits for a batch to
    fill, where a batch holds more than one.
    """

    def __init__(self, max_batch: int, budget: int, wait_s: float = 0.0) -> None:
        self._max_batch = max(1, max_batch)
        self._budget = budget
        self._wait_s = wait_s if max_batch > 1 else 0.0
        self._live: deque[_Waiting[T]] = deque()
        self._recorded: deque[_Waiting[T]] = deque()
        self._live_in_a_row = 0
        self._live_until = -math.inf

    def add(self, what: T, samples: int, live: bool, now: float) -> None:
        (self._live if live else self._recorded).append(_Waiting(what, samples, now))
        if live:
            self._live_until = now + LIVE_LATELY_S

    def remove(self, what: T) -> None:
        """Forgets one that waits no longer; one that is not there is ignored."""
        for line in (self._live, self._recorded):
            for waiting in line:
                if waiting.what == what:
                    line.remove(waiting)
                    return

    def due_in_s(self, now: float) -> float | None:
        """Seconds until a batch is to be run, 0 for now; None: nothing waits."""
        if not self._live and not self._recorded:
            return None
        if max(len(self._live), len(self._recorded)) >= self._max_batch:
            return 0.0
        oldest = min(line[0].since for line in (self._live, self._recorded) if line)
        return max(0.0, oldest + self._wait_s - now)

    def next(self, now: float) -> list[T]:
        """Takes the next batch out; empty when nothing waits."""
        if self._live and (not self._recorded or self._live_in_a_row < LIVE_IN_A_ROW):
            self._live_in_a_row = self._live_in_a_row + 1 if self._recorded else 0
            return self._take(self._live, self._max_batch)
        self._live_in_a_row = 0
        return self._take(self._recorded, 1 if now < self._live_until else self._max_batch)

    def _take(self, line: deque[_Waiting[T]], most: int) -> list[T]:
        batch: list[T] = []
        samples = 0
        while line and len(batch) < most and (not batch or samples + line[0].samples <= self._budget):
            waiting = line.popleft()
            samples += waiting.samples
            batch.append(waiting.what)
        return batch


@dataclass(slots=True, eq=False)
class _Asked:
    utterance: Utterance
    answer: asyncio.Future[Weights]


class Batcher:
    """Runs an engine's batches one after another in a thread of its own. start() before the first predict().

    batch_s: seconds of speech in a batch of recordings. wait_s: how long an utterance waits for company. now: seconds.
    """

    def __init__(
        self,
        engine: Engine,
        batch_s: float = 50.0,
        wait_s: float = 0.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._now = now
        self._policy: Policy[_Asked] = Policy(engine.info.max_batch, round(batch_s * RATE), wait_s)
        self._thread = ThreadPoolExecutor(1, "predict")
        self._arrived = asyncio.Event()
        self._open: set[_Asked] = set()
        self._runner: asyncio.Task[None] | None = None
        self._closed = False

    def start(self) -> None:
        self._runner = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Whoever waits gets Unavailable. A batch at work cannot be interrupted; it ends in its thread, unheard."""
        self._closed = True
        if self._runner:
            self._runner.cancel()
            await asyncio.gather(self._runner, return_exceptions=True)
        for asked in self._open:
            if not asked.answer.done():
                asked.answer.set_exception(Unavailable(STOPPING))
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def predict(self, utterance: Utterance, live: bool = False) -> Weights:
        """float32[frame_count(n), 52]. live: of speech being spoken now, which goes before recordings.

        Cancelled while it waits, it is left out. Raises what the engine raises for this very utterance, and
        Unavailable after close().
        """
        if self._closed:
            raise Unavailable(STOPPING)
        asked = _Asked(utterance, asyncio.get_running_loop().create_future())
        self._open.add(asked)
        self._policy.add(asked, len(utterance.samples), live, self._now())
        self._arrived.set()
        try:
            return await asked.answer
        finally:
            self._open.discard(asked)
            self._policy.remove(asked)

    async def _run(self) -> None:
        while True:
            due_s = self._policy.due_in_s(self._now())
            if due_s is None:
                self._arrived.clear()
                await self._arrived.wait()
            elif due_s > 0:
                await self._arrival_within(due_s)
            else:
                await self._predict(self._policy.next(self._now()))

    async def _arrival_within(self, seconds: float) -> None:
        self._arrived.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._arrived.wait()
        except TimeoutError:
            return

    async def _predict(self, batch: list[_Asked]) -> None:
        """A batch that fails is done again one by one: an error reaches only whom it concerns."""
        try:
            answers = await self._in_thread([asked.utterance for asked in batch])
        except Exception as error:
            if len(batch) == 1:
                _settle(batch[0], error)
                return
            for asked in batch:
                if not asked.answer.done():
                    await self._predict([asked])
            return
        for asked, answer in zip(batch, answers, strict=True):
            _settle(asked, answer)

    async def _in_thread(self, utterances: Sequence[Utterance]) -> list[Weights]:
        answers = await asyncio.get_running_loop().run_in_executor(self._thread, self._engine.predict, utterances)
        if len(answers) != len(utterances):
            raise FlashbackError(f"The engine gave {len(answers)} answers to {len(utterances)} utterances.")
        return answers


def _settle(asked: _Asked, answer: Weights | Exception) -> None:
    if asked.answer.done():
        return
    if isinstance(answer, Exception):
        asked.answer.set_exception(answer)
    else:
        asked.answer.set_result(answer)
