"""Even loudness: a slow compressor and a soft ceiling."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from flashback.media.clock import SPEECH_RATE

Floats = NDArray[np.float32]

BLOCK = SPEECH_RATE * 5 // 1000
CEILING = 10 ** (-3 / 20)
_KNEE = 0.5
_THRESHOLD_DB = -24.0
_RATIO = 1.6
_MAKEUP_DB = 2.6
_ATTACK = 0.35
_RELEASE = 0.06


class Compressor:
    """Streaming feed-forward compressor at 24 kHz, one channel, floats in -1..1.

    Gain follows the level of 5 ms blocks, ratio 1.6 above -24 dBFS, and moves linearly inside a block. Peaks stay below
    -3 dBFS. Out comes exactly what went in, in number: push answers whole blocks, finish the rest.
    """

    def __init__(self, gain: float) -> None:
        self._gain = gain
        self._held = np.zeros(0, np.float32)
        self._level_db = -60.0
        self._last = 10 ** (_MAKEUP_DB / 20)

    def push(self, chunk: Floats) -> Floats:
        """Samples in, compressed whole blocks out."""
        held = np.concatenate([self._held, chunk])
        whole = len(held) // BLOCK * BLOCK
        self._held = held[whole:]
        return self._blocks(held[:whole])

    def finish(self) -> Floats:
        """What is left of the last block."""
        rest = len(self._held)
        padded = np.zeros(BLOCK if rest else 0, np.float32)
        padded[:rest] = self._held
        self._held = np.zeros(0, np.float32)
        return self._blocks(padded)[:rest]

    def _blocks(self, samples: Floats) -> Floats:
        if not len(samples):
            return samples
        blocks = samples.reshape(-1, BLOCK) * np.float32(self._gain)
        levels = 10 * np.log10(np.mean(blocks * blocks, axis=1) + 1e-9)
        ends = np.empty(len(levels), np.float32)
        for i, level in enumerate(levels.tolist()):
            speed = _ATTACK if level > self._level_db else _RELEASE
            self._level_db += (level - self._level_db) * speed
            over = max(0.0, self._level_db - _THRESHOLD_DB)
            ends[i] = 10 ** ((_MAKEUP_DB - over * (1 - 1 / _RATIO)) / 20)
        starts = np.concatenate([[np.float32(self._last)], ends[:-1]])
        self._last = float(ends[-1])
        ramp = np.arange(1, BLOCK + 1, dtype=np.float32) / BLOCK
        blocks *= starts[:, None] + (ends - starts)[:, None] * ramp
        return soft_ceiling(blocks.reshape(-1))


def soft_ceiling(samples: Floats) -> Floats:
    """Leaves samples up to half of full scale alone and bends the rest towards -3 dBFS."""
    size = np.abs(samples)
    room = CEILING - _KNEE
    bent = np.sign(samples) * (_KNEE + room * np.tanh((size - _KNEE) / room))
    return np.where(size <= _KNEE, samples, bent).astype(np.float32)
