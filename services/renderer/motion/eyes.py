"""Blinks and gaze."""

from __future__ import annotations

import math

import numpy as np

from services.renderer.motion.easing import bump
from services.renderer.motion.manners import BEARINGS, Manner

CLOSE_S, SHUT_S, OPEN_S = 0.065, 0.050, 0.100
BLINK_S = CLOSE_S + SHUT_S + OPEN_S
"""A blink; lids stay shut for longer than a frame at 25 fps, so that one frame shows them so."""
REST_S = 1.9
"""No two blinks start closer than this, but for double blinks."""
DOUBLE = 0.08
"""Share of blinks that come in pairs."""
SACCADE_S = 0.06


class Blinks:
    """12-20 blinks a minute: a pause nobody blinks in, then a gamma-distributed wait."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._starts: list[float] = [rng.uniform(0.8, 3.0)]
        self._last = -REST_S

    def at(self, time: float) -> float:
        """Lid closure at `time` (seconds, never going back), 0..1."""
        while self._starts and time >= self._starts[-1] + BLINK_S:
            self._last = self._starts[-1]
            self._starts = [self._last + self._wait()]
            if self._rng.random() < DOUBLE:
                self._starts.append(self._starts[0] + BLINK_S + 0.06)
        return max((bump(time - s, CLOSE_S, SHUT_S, OPEN_S) for s in self._starts), default=0.0)

    def urge(self, time: float) -> None:
        """A large shift of gaze brings the next blink forward, if the last one is long enough ago."""
        if time - self._last > REST_S and self._starts[0] > time:
            self._starts = [time]

    def _wait(self) -> float:
        return REST_S + min(float(self._rng.gamma(2.0, 0.95)), 4.2)


class Gaze:
    """Where the eyes look: fixations of 2-5 s about the manner's centre, joined by saccades."""

    def __init__(self, rng: np.random.Generator, blinks: Blinks) -> None:
        self._rng = rng
        self._blinks = blinks
        self._manner = Manner.IDLE
        self._from = self._to = (0.0, 0.0)
        self._start = -1.0
        self._next = float(rng.uniform(1.0, 3.0))
        self._side = 1.0

    def at(self, time: float, manner: Manner) -> tuple[float, float]:
        """Eye-look weights (to the right of the picture, up), each about -0.6..0.6."""
        if manner is not self._manner:
            self._manner = manner
            self._side = float(self._rng.choice([-1.0, 1.0]))
            self._next = min(self._next, time + float(self._rng.uniform(0.08, 0.3)))
        if time >= self._next:
            self._shift(time)
        u = min(max((time - self._start) / SACCADE_S, 0.0), 1.0)
        u = u * u * (3 - 2 * u)
        tremor = 0.006 * math.sin(7.1 * time) * math.sin(2.3 * time)
        return (
            self._from[0] + (self._to[0] - self._from[0]) * u + tremor,
            self._from[1] + (self._to[1] - self._from[1]) * u,
        )

    def _shift(self, time: float) -> None:
        bearing = BEARINGS[self._manner]
        x, y = self._rng.normal(0, bearing.wander, 2) * (1.0, 0.5)
        if self._rng.random() < bearing.away:
            x += 0.22 * float(self._rng.choice([-1.0, 1.0]))
            y -= 0.06
        x, y = x + bearing.gaze_x * self._side, y + bearing.gaze_y
        self._from, self._start = self._to, time
        self._to = (float(np.clip(x, -0.55, 0.55)), float(np.clip(y, -0.3, 0.45)))
        if math.dist(self._from, self._to) > 0.25 and self._rng.random() < 0.6:
            self._blinks.urge(time)
        self._next = time + float(self._rng.uniform(*bearing.fixation_s))
