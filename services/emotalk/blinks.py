"""When a face blinks, and how: the network's own eyelids are replaced by blinks every two to six seconds."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flashback.media.blendshapes import ARKIT_52_ALPHABETICAL
from services.emotalk.engine import FPS, Weights

EYELIDS = [ARKIT_52_ALPHABETICAL.index(name) for name in ("eyeBlinkLeft", "eyeBlinkRight")]
BLINK_FRAMES = 7
FIRST = (0, 2 * FPS)
GAP = (2 * FPS, 6 * FPS)
"""Inclusive bounds, frames: of the first blink's start, and from one start to the next."""

Curves = Sequence[Sequence[float]]


def _curve(closing: float, shut: float, opening: float, peak: float) -> tuple[float, ...]:
    """Seven frames of one blink; the lid falls, rests and rises along half cosines (frames, may be fractions)."""

    def lid(at: float) -> float:
        if at < closing:
            return peak * (1 - math.cos(math.pi * at / closing)) / 2
        after = at - closing - shut
        return peak * (1 + math.cos(math.pi * min(max(after, 0.0) / opening, 1.0))) / 2

    return tuple(round(lid(frame + 0.5), 4) for frame in range(BLINK_FRAMES))


CURVES: Curves = (
    _curve(1.8, 0.7, 3.4, 0.95),
    _curve(1.4, 0.5, 3.8, 0.97),
    _curve(2.2, 1.0, 3.2, 0.93),
    _curve(1.6, 1.2, 4.0, 0.96),
)
"""Four ways to blink: lids fall within 50 to 75 ms and take about twice as long to rise."""


@dataclass(frozen=True, slots=True)
class Blink:
    """start: its first frame. curve: which of the four."""

    start: int
    curve: int


def blinks(rng: random.Random, curves: int = len(CURVES), frames: int | None = None) -> Iterator[Blink]:
    """The blinks that end before the last of `frames` frames, or endless ones.

    Draws a start, then for every blink its curve and the gap to the next: as many numbers in the same order as EmoTalk.
    """
    start = rng.randint(*FIRST)
    while frames is None or start < frames - BLINK_FRAMES:
        yield Blink(start, rng.randint(0, curves - 1))
        start += rng.randint(*GAP)


class Blinks:
    """The eyelids of one sequence of frames, equal for equal seeds. frames: its length, None while it has no end."""

    def __init__(self, seed: int | random.Random, frames: int | None = None, curves: Curves = CURVES) -> None:
        rng = seed if isinstance(seed, random.Random) else random.Random(seed)
        coming = blinks(rng, len(curves), frames)
        self._coming = coming if frames is None else iter(list(coming))
        self._curves = np.asarray(curves, np.float32)
        self._current: list[Blink] = []
        self._next = next(self._coming, None)

    def apply(self, first_frame: int, rows: Weights) -> Weights:
        """A copy of rows, float32[n, 52], with the eyelids of frames first_frame...; frames are asked for in order."""
        out = rows.copy()
        out[:, EYELIDS] = 0
        end = first_frame + len(rows)
        while self._next is not None and self._next.start < end:
            self._current.append(self._next)
            self._next = next(self._coming, None)
        self._current = [blink for blink in self._current if blink.start + BLINK_FRAMES > first_frame]
        for blink in self._current:
            low, high = max(blink.start, first_frame), min(blink.start + BLINK_FRAMES, end)
            lids: NDArray[np.float32] = self._curves[blink.curve, low - blink.start : high - blink.start]
            out[low - first_frame : high - first_frame, EYELIDS] = lids[:, None]
        return out
