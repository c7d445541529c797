"""Streaming sample-rate conversion with a tone curve in the same filter."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import gcd

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Floats = NDArray[np.float32]
TAPS = 48
_GRID = 1024


def gentle_tone(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gain over frequency for a synthetic voice: less edge from 3 kHz up, a little warmth below 350 Hz."""
    shelf_db = -4.5 / (1 + (3400 / np.maximum(hertz, 1)) ** 3)
    warmth_db = 1.5 / (1 + (hertz / 350) ** 2)
    return np.asarray(10 ** ((shelf_db + warmth_db) / 20))


def flat_tone(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gain 1 everywhere."""
    return np.ones_like(hertz)


class Resampler:
    """Polyphase linear-phase FIR from `source` to `target` Hz, one channel, delay compensated.

    Output sample m lies at input time m * source / target; n input samples give ceil(n * target / source) output
    samples in all, whatever the chunking. Cut-off at 95 % of the lower Nyquist frequency.
    """

    def __init__(
        self, source: int, target: int, tone: Callable[[NDArray[np.float64]], NDArray[np.float64]] = flat_tone
    ) -> None:
        common = gcd(source, target)
        self.up, self.down = target // common, source // common
        self._phases = _design(source, target, self.up, tone)
        self._half = TAPS // 2
        self._held = np.zeros(self._half - 1, np.float32)
        self._held_from = -(self._half - 1)
        self._received = 0
        self._made = 0

    def position(self, sample: int) -> int:
        """Output sample nearest to an input sample."""
        return (sample * self.up + self.down // 2) // self.down

    def push(self, chunk: Floats) -> Floats:
        """Input samples in, the output samples they complete out."""
        self._received += len(chunk)
        self._held = np.concatenate([self._held, chunk])
        ready = self._received - self._half
        return self._make(max(self._made, -(-ready * self.up // self.down) if ready > 0 else 0))

    def finish(self) -> Floats:
        """The rest of the output."""
        total = -(-self._received * self.up // self.down)
        self._held = np.concatenate([self._held, np.zeros(self._half + 1, np.float32)])
        return self._make(max(total, self._made))

    def _make(self, until: int) -> Floats:
        if until <= self._made:
            return np.zeros(0, np.float32)
        ticks = np.arange(self._made, until, dtype=np.int64) * self.down
        first = ticks // self.up - (self._half - 1) - self._held_from
        windows = sliding_window_view(self._held, TAPS)[first]
        out: Floats = np.einsum("ij,ij->i", windows, self._phases[ticks % self.up])
        self._made = until
        keep = until * self.down // self.up - (self._half - 1) - self._held_from
        self._held = self._held[keep:]
        self._held_from += keep
        return out


@cache
def _design(source: int, target: int, up: int, tone: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Floats:
    """Filter taps per phase, shape (up, TAPS): Kaiser-windowed inverse transform of the tone curve with a cut-off."""
    hertz = np.linspace(0, source / 2, _GRID + 1)
    edge = 0.95 * min(source, target) / 2
    wanted = tone(hertz) * (hertz <= edge)
    offsets = np.arange(TAPS) - (TAPS // 2 - 1)
    phases = np.zeros((up, TAPS))
    weights = wanted.copy()
    weights[[0, -1]] *= 0.5
    for phase in range(up):
        times = (offsets - phase / up) / source
        ideal = np.cos(2 * np.pi * np.outer(times, hertz)) @ weights / _GRID
        window = np.i0(7.0 * np.sqrt(np.maximum(0, 1 - (times * source / (TAPS / 2)) ** 2))) / np.i0(7.0)
        phases[phase] = ideal * window
    phases *= (tone(np.zeros(1))[0] / phases.sum(axis=1))[:, None]
    taps = phases.astype(np.float32)
    taps.setflags(write=False)
    return taps
