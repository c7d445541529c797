"""Savitzky-Golay smoothing of blendshape weights over time (window 5, order 2), whole or as a stream.

Savitzky & Golay, "Smoothing and Differentiation of Data by Simplified Least Squares Procedures", 1964. The two frames
at either end lie on the parabola fitted to the first or last five frames (the mode "interp" of signal libraries).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from services.emotalk.engine import CHANNELS, Weights

WINDOW = 5
HALF = WINDOW // 2


def _projection() -> NDArray[np.float64]:
    """[5, 5]: row i gives frame i of a window on the parabola fitted to its five frames."""
    powers = np.vander(np.arange(WINDOW) - HALF, 3, increasing=True).astype(np.float64)
    projection: NDArray[np.float64] = powers @ np.linalg.pinv(powers)
    return projection


_FIT = _projection()


class Smoother:
    """Rows in as they come, smoothed rows out two frames later; all together they equal the smoothed whole.

    Fewer than five rows in all leave as they came: a parabola through them would change nothing.
    """

    def __init__(self) -> None:
        self._tail: Weights = np.zeros((0, CHANNELS), np.float32)
        self._window: Weights | None = None

    def push(self, rows: Weights) -> Weights:
        """rows: float32[n, 52]. Returns float32[m, 52], the rows that are settled now."""
        rows = np.concatenate([self._tail, rows])
        if len(rows) < WINDOW:
            self._tail = rows
            return rows[:0]
        settled = np.lib.stride_tricks.sliding_window_view(rows, WINDOW, axis=0) @ _FIT[HALF]
        if self._window is None:
            settled = np.concatenate([_FIT[:HALF] @ rows[:WINDOW], settled])
        self._tail, self._window = rows[1 - WINDOW :], rows[-WINDOW:]
        return np.asarray(settled, np.float32)

    def finish(self) -> Weights:
        """The rows still held back; nothing may be pushed afterwards."""
        if self._window is None:
            return self._tail
        rest: Weights = np.asarray(_FIT[HALF + 1 :] @ self._window, np.float32)
        return rest


def smooth(rows: Weights) -> Weights:
    """float32[n, 52] -> float32[n, 52], the whole sequence at once."""
    smoother = Smoother()
    return np.concatenate([smoother.push(rows), smoother.finish()])
