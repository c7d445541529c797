"""Predictions that tests can follow by hand."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import numpy as np

from services.emotalk.engine import CHANNELS, FPS, RATE, EngineInfo, Utterance, Weights, frame_count

INFO = EngineInfo("loudness", "cpu", max_batch=1, max_seconds=60.0, context_s=1.0, lookahead_s=0.1)


def loudness(utterance: Utterance) -> Weights:
    """Channel 0: mean absolute sample of each frame; 1: the level; 2: the person; the others 0."""
    rows = np.zeros((frame_count(len(utterance.samples)), CHANNELS), np.float32)
    for frame in range(len(rows)):
        start, stop = frame * RATE // FPS, (frame + 1) * RATE // FPS
        rows[frame, 0] = np.abs(utterance.samples[start:stop]).mean() if start < len(utterance.samples) else 0
    rows[:, 1], rows[:, 2] = utterance.level, utterance.person
    return rows


class Predictor:
    """An awaitable engine. Keeps the utterances it was given; waits for `gate` when there is one.

    cancelled: predictions that were given up while they waited.
    """

    def __init__(self, gate: asyncio.Event | None = None) -> None:
        self.heard: list[Utterance] = []
        self.gate = gate
        self.cancelled = 0
        self.failure: Exception | None = None

    async def __call__(self, utterance: Utterance) -> Weights:
        self.heard.append(utterance)
        try:
            await asyncio.sleep(0)
            if self.gate is not None:
                await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.failure is not None:
            raise self.failure
        return loudness(utterance)


class LoudEngine:
    """`services.emotalk.engine.Engine` by `loudness`; each prediction waits for `gate` when there is one.

    predicted: how many were begun.
    """

    def __init__(self, gate: threading.Event | None = None) -> None:
        self.info = INFO
        self.gate = gate
        self.predicted = 0
        self.closed = False
        self.channels = CHANNELS

    def predict(self, utterances: Sequence[Utterance]) -> list[Weights]:
        self.predicted += len(utterances)
        if self.gate is not None:
            self.gate.wait(30)
        return [loudness(utterance)[:, : self.channels] for utterance in utterances]

    def close(self) -> None:
        self.closed = True
