"""When live speech is predicted, over which window, and how neighbouring predictions become one sequence. Pure.

Positions are samples at 16 kHz, or frames, from the start of a sentence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.emotalk.engine import CHANNELS, FPS, RATE, Weights

GRID = 3 * RATE // FPS
"""Samples of three frames, the shortest whole number of both: windows start on multiples of it."""

FADE = 6
"""Frames over which a prediction's difference from the one before fades: 0.2 s."""


@dataclass(frozen=True, slots=True)
class Window:
    """The speech of one prediction, samples start..stop. settled: frames before it may be given away afterwards."""

    start: int
    stop: int
    settled: int

    @property
    def first_frame(self) -> int:
        """The frame at `start`."""
        return self.start * FPS // RATE


@dataclass(frozen=True, slots=True)
class Policy:
    """All in samples. first: heard before the first prediction; hop: new speech before each later one.

    context: past speech a prediction hears; lookahead: speech after a frame without which it is not settled; longest:
    of a window.
    """

    first: int
    hop: int
    context: int
    lookahead: int
    longest: int

    def window(self, given: int, seen: int, heard: int, number: int) -> Window | None:
        """The next window while a sentence goes on; None when more has to be heard.

        given: frames given away. seen: end of the last window. number: windows so far. Where speech waits already, the
        first window is kept short so that frames come soon, and each may be twice as long as the one before.
        """
        if heard - seen < (self.hop if number else self.first):
            return None
        start = self.start(given)
        most = max(self.first << min(number, 20), self.lookahead + self.hop)
        stop = min(heard, seen + most, start + self.longest)
        settled = (stop - self.lookahead) * FPS // RATE + 1
        return Window(start, stop, min(settled, -(-stop * FPS // RATE))) if settled > given else None

    def closing(self, given: int, seen: int, heard: int, number: int, frames: int) -> Window:
        """The next window when the sentence ends at `heard` with so many frames: the last one, where all of it fits."""
        start = self.start(given)
        if heard - start <= self.longest and heard - seen <= max(self.first << min(number, 20), 2 * self.hop):
            return Window(start, heard, frames)
        return self.window(given, seen, heard, number) or Window(start, heard, frames)

    def start(self, given: int) -> int:
        """Where a window starts that gives frames from `given` on; it hears the frame before them in any case."""
        return max(0, (given - 1) * RATE // FPS - self.context) // GRID * GRID


class Joined:
    """Predictions of a sentence's windows as one sequence.

    What a prediction differs by at the last frame given away, which both heard, fades out over the frames after it.
    """

    def __init__(self) -> None:
        self.given = 0
        self._held: Weights = np.zeros((0, CHANNELS), np.float32)
        self._last: Weights | None = None

    @property
    def known(self) -> int:
        """Frames given away or predicted, though not settled."""
        return self.given + len(self._held)

    def add(self, window: Window, rows: Weights) -> Weights:
        """rows: float32[n, 52], the window's prediction. Returns float32[m, 52], the frames settled by it."""
        fresh = rows[self.given - window.first_frame :].copy()
        if self._last is not None and len(fresh):
            apart = self._last - rows[self.given - window.first_frame - 1]
            share = 0.5 + 0.5 * np.cos(np.pi * np.arange(1, FADE + 1, dtype=np.float32) / (FADE + 1))
            count = min(FADE, len(fresh))
            fresh[:count] += share[:count, None] * apart
        self._held = fresh
        return self.release(window.settled)

    def release(self, until: int) -> Weights:
        """Gives away what is known of the frames before `until`."""
        count = max(0, min(until - self.given, len(self._held)))
        ready, self._held = self._held[:count], self._held[count:]
        if count:
            self._last = ready[-1]
            self.given += count
        return ready
