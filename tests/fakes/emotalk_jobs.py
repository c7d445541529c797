"""Recordings that say themselves what is to come out of them, and how a worker makes it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable

import numpy as np

from services.emotalk.engine import CHANNELS
from services.emotalk.jobs import Chunk, Job

FRAMES = 6
"""Frames of a chunk."""


def job(job_id: str, chunks: int = 3, seed: int = 1) -> Job:
    """A recording of so many chunks."""
    audio = json.dumps({"chunks": chunks}).encode()
    return Job(job_id, audio, level=1, person=3, post_processing=True, chunk_s=25.0, overlap_s=0.5, seed=seed)


def chunk(of: Job, index: int) -> Chunk:
    """One chunk of it: different for every job, seed and index."""
    last = json.loads(of.audio)["chunks"] - 1
    values = np.random.default_rng([of.seed, index, *of.id.encode()]).random((FRAMES, CHANNELS), dtype=np.float32)
    return Chunk(index, index * FRAMES, values, index == last)


def chunks(of: Job) -> list[Chunk]:
    return [chunk(of, index) for index in range(json.loads(of.audio)["chunks"])]


class Animator:
    """Yields a job's chunks, each after `pause`. begun: ids in the order in which their tries began."""

    def __init__(self, pause: Callable[[], Awaitable[None]] | None = None) -> None:
        self._pause = pause
        self.begun: list[str] = []

    async def __call__(self, of: Job) -> AsyncIterator[Chunk]:
        self.begun.append(of.id)
        for made in chunks(of):
            if self._pause:
                await self._pause()
            yield made


def same(left: list[Chunk], right: list[Chunk]) -> bool:
    """Equal to the last bit."""
    return len(left) == len(right) and all(
        (a.index, a.first_frame, a.final) == (b.index, b.first_frame, b.final) and np.array_equal(a.weights, b.weights)
        for a, b in zip(left, right, strict=True)
    )
