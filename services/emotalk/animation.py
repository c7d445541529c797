"""A recording from the queue -> chunks of frames, each sent as soon as nothing can change it any more."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from typing import TypeAlias

import numpy as np

from flashback.errors import FlashbackError
from services.emotalk import audio
from services.emotalk.blinks import BLINK_FRAMES, Blinks
from services.emotalk.chunks import Piece, Plan, Splitter, plan
from services.emotalk.engine import CHANNELS, MIN_SAMPLES, EngineInfo, Samples, Utterance, Weights, frame_count
from services.emotalk.jobs import Chunk, Job
from services.emotalk.seam import Seam
from services.emotalk.smoothing import Smoother

Predict: TypeAlias = Callable[[Utterance], Awaitable[Weights]]
"""float32[frame_count(n), 52] for an utterance of n samples; other requests may share its batch."""

MOST_AHEAD = 4
"""Pieces of one recording that an accelerator predicts at a time. A CPU does one: two would each be there later."""


async def animate(job: Job, predict: Predict, limits: audio.Limits, info: EngineInfo) -> AsyncIterator[Chunk]:
    """The recording's frames, in order; the last chunk is final. Equal jobs give equal chunks.

    A recording shorter than MIN_SAMPLES is heard with silence after it; the frames are those of the recording.
    Smoothing and blinks go over the whole recording, not over each piece. Raises InvalidInput as `audio.blocks` does,
    FlashbackError for an engine's answer of the wrong shape.
    """
    source = _Source(job, limits, plan(job.chunk_s, job.overlap_s, info.max_seconds))
    seam = Seam()
    finishing = _Finishing(job.seed) if job.post_processing else None
    index = first_frame = 0
    ahead = 1 if info.device == "cpu" else max(1, min(MOST_AHEAD, info.max_batch))
    predictions = _predictions(source, job, predict, ahead)
    try:
        async for piece, rows in predictions:
            final = piece.following is None
            rows = seam.add(piece, rows)
            if finishing is not None:
                rows = finishing.push(rows, final)
            if len(rows) or final:
                yield Chunk(index, first_frame, rows, final)
                index += 1
                first_frame += len(rows)
    finally:
        await predictions.aclose()


def heard(samples: Samples) -> Samples:
    """An utterance's samples, with silence after them up to MIN_SAMPLES."""
    missing = MIN_SAMPLES - len(samples)
    return np.pad(samples, (0, missing)) if missing > 0 else samples


def checked(utterance: Utterance, weights: Weights) -> Weights:
    """An engine's answer. Raises FlashbackError when it has another shape than asked for, or is not finite."""
    expected = (frame_count(len(utterance.samples)), CHANNELS)
    if weights.shape != expected:
        raise FlashbackError(f"The engine answered with {weights.shape} weights where {expected} are expected.")
    if not np.isfinite(weights).all():
        raise FlashbackError("The engine answered with weights that are NaN or infinite.")
    return weights.astype(np.float32, copy=False)


class _Source:
    """Decodes and cuts, one piece at a time; blocking."""

    def __init__(self, job: Job, limits: audio.Limits, plan: Plan) -> None:
        self._pieces = self._cut(job.audio, limits, Splitter(plan))

    @staticmethod
    def _cut(data: bytes, limits: audio.Limits, splitter: Splitter) -> Iterator[tuple[Piece, Samples]]:
        for block in audio.blocks(data, limits):
            yield from splitter.push(block)
        yield splitter.finish()

    def take(self) -> tuple[Piece, Samples] | None:
        """The next piece, None after the last. Raises InvalidInput."""
        return next(self._pieces, None)


async def _predictions(
    source: _Source, job: Job, predict: Predict, ahead: int
) -> AsyncGenerator[tuple[Piece, Weights]]:
    """Pieces and their predictions, in order. The first is predicted alone, so that it is there soon."""

    async def predicted(piece: Piece, samples: Samples) -> tuple[Piece, Weights]:
        utterance = Utterance(heard(samples), job.level, job.person)
        return piece, checked(utterance, await predict(utterance))

    upcoming: asyncio.Task[tuple[Piece, Samples] | None] | None = _in_thread(source)
    running: deque[asyncio.Task[tuple[Piece, Weights]]] = deque()
    width = 1
    try:
        while upcoming or running:
            while upcoming and len(running) < width:
                found = await upcoming
                upcoming = _in_thread(source) if found else None
                if found:
                    running.append(asyncio.create_task(predicted(*found)))
            if running:
                yield await running[0]
                running.popleft()
            width = ahead
    finally:
        left = [*running, *([upcoming] if upcoming else [])]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


def _in_thread(source: _Source) -> asyncio.Task[tuple[Piece, Samples] | None]:
    return asyncio.create_task(asyncio.to_thread(source.take))


class _Finishing:
    """Smoothing and blinks over a recording whose length is known at its end alone."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._smoother = Smoother()
        self._blinks = Blinks(seed)
        self._held: Weights = np.zeros((0, CHANNELS), np.float32)
        self._frame = 0

    def push(self, rows: Weights, final: bool) -> Weights:
        """The rows that are settled now: no blink starts in the last seven frames, so those are held back."""
        held = [self._held, self._smoother.push(rows)]
        if final:
            rows = np.concatenate([*held, self._smoother.finish()])
            return Blinks(self._seed, self._frame + len(rows)).apply(self._frame, rows)
        rows = np.concatenate(held)
        ready = max(len(rows) - BLINK_FRAMES, 0)
        self._held = rows[ready:]
        first, self._frame = self._frame, self._frame + ready
        return self._blinks.apply(first, rows[:ready])
