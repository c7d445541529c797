"""Head, breath and brows."""

from __future__ import annotations

import math
from collections import deque
from itertools import takewhile

import numpy as np

from services.renderer.motion.easing import Drift, bump
from services.renderer.motion.manners import BEARINGS, Manner

BREATH_S = 4.1
BREATH = 0.0036
RISE_S = 0.14
"""From the beginning of a beat to its peak."""


class Head:
    """Sway, breath, nods while listening, beats on stressed words. Shifts are fractions of the picture's width."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._x, self._y, self._roll = Drift(rng, 5.3), Drift(rng, 4.3), Drift(rng, 6.1)
        self._breath = float(rng.uniform(0, BREATH_S))
        self._nod: tuple[float, float, int] | None = None
        self._next_nod = math.inf
        self._beats: deque[tuple[float, float, float]] = deque()

    def beat(self, time: float, strength: float) -> None:
        """A stressed word peaks at `time`."""
        self._beats.append((time, strength, float(self._rng.normal(0, 0.006))))

    def still(self, time: float) -> None:
        """Speech was cut: beats that have not begun are dropped."""
        self._beats = deque(b for b in self._beats if b[0] - RISE_S <= time)

    def at(self, time: float, manner: Manner) -> tuple[float, float, float]:
        """x, y, roll (engine.Sway)."""
        x = 0.0042 * self._x.at(time)
        y = 0.0022 * self._y.at(time) - 0.35 * self.breath(time) + self._nodding(time, manner)
        roll = 0.008 * self._roll.at(time)
        while self._beats and time > self._beats[0][0] + 0.5:
            self._beats.popleft()
        for peak, strength, lean in takewhile(lambda b: time > b[0] - RISE_S, self._beats):
            u = bump(time - peak + RISE_S, RISE_S, 0.03, 0.30) * strength
            y += 0.0060 * u
            roll += lean * u
        return x, y, roll

    def breath(self, time: float) -> float:
        """Rise of the shoulders: in quicker than out."""
        phase = 2 * math.pi * ((time + self._breath) / BREATH_S % 1.0)
        return BREATH * (0.5 - 0.5 * math.cos(phase + 0.5 * math.sin(phase)))

    def _nodding(self, time: float, manner: Manner) -> float:
        pauses = BEARINGS[manner].nods_s
        if pauses is None:
            self._next_nod = math.inf
        elif self._next_nod == math.inf:
            self._next_nod = time + float(self._rng.uniform(1.2, pauses[1]))
        elif time >= self._next_nod:
            self._nod = (time, float(self._rng.uniform(0.6, 1.0)), int(self._rng.integers(1, 3)))
            self._next_nod = time + float(self._rng.uniform(*pauses))
        if self._nod is None:
            return 0.0
        start, size, times = self._nod
        phase = (time - start) / 0.52
        if phase >= times:
            self._nod = None
            return 0.0
        return 0.008 * size * (0.5 - 0.5 * math.cos(2 * math.pi * phase)) * (0.7 if phase >= 1 else 1.0)


class Brows:
    """A raise now and then, and on emphasis."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._next = float(rng.uniform(6, 14))
        self._raises: list[tuple[float, float, float]] = []

    def emphasise(self, time: float, strength: float) -> None:
        """A raise that peaks at `time`."""
        self._raises.append((time - 0.16, 0.34 * strength, float(self._rng.uniform(0.4, 0.8))))

    def still(self, time: float) -> None:
        """Speech was cut: raises that have not begun are dropped."""
        self._raises = [r for r in self._raises if r[0] <= time]

    def at(self, time: float) -> tuple[float, float]:
        """Additional weights: inner, outer brow raise."""
        if time >= self._next:
            self._raises.append((time, float(self._rng.uniform(0.08, 0.18)), float(self._rng.uniform(0.2, 0.9))))
            self._next = time + float(self._rng.uniform(8, 18))
        self._raises = [r for r in self._raises if time < r[0] + 0.8]
        inner = outer = 0.0
        for start, size, share in self._raises:
            u = size * bump(time - start, 0.16, 0.10, 0.42)
            inner, outer = inner + u, outer + u * share
        return min(inner, 0.6), min(outer, 0.5)
