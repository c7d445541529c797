"""What this process's queue and workers did: counters, and how long recordings waited and took."""

from __future__ import annotations

import asyncio
import logging
from bisect import bisect_left
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from flashback.errors import FlashbackError
from services.emotalk.jobs import QueueState

log = logging.getLogger(__name__)

BOUNDS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0)
"""Upper bounds of the histograms' buckets; one more is without bound."""


@dataclass(slots=True)
class Histogram:
    """counts: one a bucket, not cumulative. total_s: sum of all that was observed."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))
    total_s: float = 0.0

    @property
    def count(self) -> int:
        return sum(self.counts)

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(BOUNDS_S, seconds)] += 1
        self.total_s += seconds

    def mean_s(self) -> float:
        """0 before the first observation."""
        return self.total_s / self.count if self.count else 0.0


@dataclass(slots=True)
class Statistics:
    """Counts since the process started. A gateway counts what it took in, a worker what it did.

    submitted: accepted. rejected: queue full. cancelled: by callers. begun: tries. served: final frame stored.
    failed: ended by an error of their own. retried: tries that failed and were not the last. parked: put aside after
    the last. reclaimed: taken over from a silent worker. dropped: given up at work, because cancelled or taken over.
    wait: from submission to the first try. service: from the beginning of a try to its final frame.
    """

    submitted: int = 0
    rejected: int = 0
    cancelled: int = 0
    begun: int = 0
    served: int = 0
    failed: int = 0
    retried: int = 0
    parked: int = 0
    reclaimed: int = 0
    dropped: int = 0
    wait: Histogram = field(default_factory=Histogram)
    service: Histogram = field(default_factory=Histogram)

    def counters(self) -> dict[str, int]:
        """The counts by name."""
        names = (
            "submitted",
            "rejected",
            "cancelled",
            "begun",
            "served",
            "failed",
            "retried",
            "parked",
            "reclaimed",
            "dropped",
        )
        return {name: getattr(self, name) for name in names}

    def snapshot(self, state: QueueState) -> dict[str, int | float]:
        """Everything as one flat mapping: gauges of the queue, counters, mean times in milliseconds."""
        return {
            "depth": state.waiting,
            "running": state.running,
            "size": state.size,
            "workers": state.workers,
            **self.counters(),
            "wait_ms": round(self.wait.mean_s() * 1000, 1),
            "service_ms": round(self.service.mean_s() * 1000, 1),
        }


class Reporter:
    """Logs a line `Stats` every `interval_s`, from start() to close()."""

    def __init__(
        self,
        statistics: Statistics,
        state: Callable[[], Awaitable[QueueState]],
        interval_s: float,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._statistics = statistics
        self._state = state
        self._interval_s = interval_s
        self._sleep = sleep
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._report())

    async def close(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _report(self) -> None:
        while True:
            await self._sleep(self._interval_s)
            try:
                state = await self._state()
            except FlashbackError as error:
                log.warning("Stats: the queue does not answer: %s", error.message, extra=self._statistics.counters())
                continue
            log.info("Stats", extra=self._statistics.snapshot(state))
