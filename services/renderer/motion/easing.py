"""Smooth change: springs, pulses and noise."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


class Spring:
    """Critically damped spring over a vector, stepped exactly: no overshoot, no jump in value or speed.

    settle_s: time constant; 95 % of a step is done after about 4.7 of it.
    """

    def __init__(self, start: NDArray[np.float64], settle_s: float) -> None:
        self.value = start.copy()
        self._speed = np.zeros_like(start)
        self._rate = 1.0 / settle_s

    def step(self, goal: NDArray[np.float64], dt: float) -> NDArray[np.float64]:
        """Moves `dt` seconds towards goal and returns the new value."""
        fade = math.exp(-self._rate * dt)
        gap = self.value - goal
        pull = (self._speed + self._rate * gap) * dt
        self.value = goal + (gap + pull) * fade
        self._speed = (self._speed - self._rate * pull) * fade
        return self.value


def bump(time: float, rise: float, hold: float, fall: float) -> float:
    """0 -> 1 over `rise`, 1 for `hold`, back to 0 over `fall` seconds; time from its beginning. Raised cosines."""
    if time <= 0 or time >= rise + hold + fall:
        return 0.0
    if time < rise:
        return 0.5 - 0.5 * math.cos(math.pi * time / rise)
    if time <= rise + hold:
        return 1.0
    return 0.5 + 0.5 * math.cos(math.pi * (time - rise - hold) / fall)


class Drift:
    """Slow noise in about -1..1: three sines whose periods share no beat, with random phases."""

    def __init__(self, rng: np.random.Generator, period_s: float) -> None:
        self._rates = [2 * math.pi / (period_s * k) for k in (1.0, 1.618, 0.577)]
        self._phases = rng.uniform(0, 2 * math.pi, 3).tolist()

    def at(self, time: float) -> float:
        a, b, c = (math.sin(r * time + p) for r, p in zip(self._rates, self._phases, strict=True))
        return 0.55 * a + 0.30 * b + 0.15 * c
