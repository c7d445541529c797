"""A recording in the queue, what comes out of it, and the queue that both sides see."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from services.emotalk.engine import Weights


@dataclass(frozen=True, slots=True)
class Job:
    """audio: an audio file as it was sent. level: 0 or 1; person: 0..23. chunk_s > overlap_s >= 0.

    seed: of the blinks; equal jobs with equal seeds give equal frames.
    """

    id: str
    audio: bytes
    level: int
    person: int
    post_processing: bool
    chunk_s: float
    overlap_s: float
    seed: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive frames of a recording. index: 0, 1, 2 ...; first_frame: of the recording; weights: float32[n, 52]."""

    index: int
    first_frame: int
    weights: Weights
    final: bool


@dataclass(frozen=True, slots=True)
class QueueState:
    """waiting: jobs no worker has begun; running: jobs being worked on; size: how many may wait."""

    waiting: int
    running: int
    size: int
    workers: int


class JobQueue(Protocol):
    """First in, first out, bounded; a job that was accepted is answered, with frames or with an error."""

    async def submit(self, job: Job) -> int:
        """Returns how many jobs are ahead. Raises Full, with that number and a hint when to come again."""
        ...

    def results(self, job_id: str) -> AsyncIterator[Chunk]:
        """A job's chunks in order, each once, as they are stored; ends after the final one.

        Raises what the job failed of.
        """
        ...

    async def cancel(self, job_id: str) -> None:
        """Whoever asked has left: the job is not begun, or stops after the chunk at work. Unknown ids are ignored."""
        ...

    async def state(self) -> QueueState: ...

    async def close(self) -> None: ...
