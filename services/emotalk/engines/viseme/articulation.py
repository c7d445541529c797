"""Visemes heard -> the mouth: blended over time as neighbouring sounds blend, with closures that are reached."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from services.emotalk.engine import Weights
from services.emotalk.engines.viseme.network import VISEMES
from services.emotalk.engines.viseme.shapes import PLACES, TARGETS, places
from services.emotalk.engines.viseme.spectra import FINE, Floats

BLEND = (0.25, 0.5, 0.25)
"""How much of the frames before, at and after an instant is in its shape."""
SLOW_BLEND = (0.12, 0.23, 0.30, 0.23, 0.12)
SLOW = ("mouthPucker", "mouthFunnel", "mouthStretch", "mouthSmile")
"""Lips round and spread more slowly than the jaw moves, from well before the sound that wants it."""
QUIET_DB, HEARD_DB = -48.0, -34.0
"""Loudness, relative to the voice's level, up to which the mouth rests, and from which it is all there."""
SOFT_DB, LOUD_DB = -30.0, -2.0
"""Loudness at which the jaw opens by JAW[0] and by JAW[1] of what its shape says."""
JAW = (0.82, 1.12)
CLOSURES = {"FF": (0.25, 0.60), "PP": (0.15, 0.45)}
"""Shapes that must be reached in full, and the probabilities from which they begin and are all there; the later win."""
APPROACH = 0.4
"""How near its shape the frames before and after a closure are: lips take time to meet and to part."""

_SLOW = [place for name in SLOW for place in places(name)]
_KEPT = {"mouthPucker": 0.8, "mouthFunnel": 0.4, "mouthStretch": 0.4, "mouthSmile": 0.4}
"""What a closure leaves of these: lips stay pursed through the b of `blue`."""


def mouth(probabilities: Floats, loudness: Floats) -> Weights:
    """float32[t, 52], only channels of shapes.MOUTH. probabilities: float32[t, 15]; loudness: dB, float32[t * FINE]."""
    heard = around(loudness, np.max)
    probabilities = probabilities * smoothstep(heard, QUIET_DB, HEARD_DB)[:, None]
    weights = blended(probabilities, BLEND) @ TARGETS
    weights[:, _SLOW] = blended(probabilities, SLOW_BLEND) @ TARGETS[:, _SLOW]
    strong = smoothstep(around(loudness, np.mean), SOFT_DB, LOUD_DB)
    weights[:, PLACES["jawOpen"]] *= JAW[0] + (JAW[1] - JAW[0]) * strong
    for shape, (begins, full) in CLOSURES.items():
        place = VISEMES.index(shape)
        gate = approached(smoothstep(probabilities[:, place], begins, full))
        weights += (TARGETS[place] - weights) * (gate[:, None] * _GATE)
    return weights


def approached(gate: Floats) -> Floats:
    """A closure's gate, widened: a single frame of it is not smoothed away later."""
    padded = np.pad(gate, 1)
    nearby: Floats = np.maximum(gate, np.float32(APPROACH) * np.maximum(padded[:-2], padded[2:]))
    return nearby


def around(values: Floats, of: Callable[..., Any]) -> Floats:
    """float32[t]: the FINE + 1 values about each frame, taken together by `of` (np.max, np.mean)."""
    half = FINE // 2
    padded = np.pad(values, (half, half), mode="edge")
    rows = np.lib.stride_tricks.sliding_window_view(padded, FINE + 1)[::FINE]
    together: Floats = of(rows, axis=1)
    return together


def blended(rows: Floats, shares: Sequence[float]) -> Floats:
    """Each row with its neighbours in time, by their shares, in order; beyond the ends nothing is said."""
    reach = len(shares) // 2
    padded = np.pad(rows, ((reach, reach), (0, 0)))
    mixed = np.zeros_like(rows)
    for at, share in enumerate(shares):
        mixed += np.float32(share) * padded[at : at + len(rows)]
    return mixed


def smoothstep(values: Floats, low: float, high: float) -> Floats:
    """0 up to low, 1 from high on, smooth between."""
    u = np.clip((values - low) / (high - low), 0.0, 1.0)
    smooth: Floats = u * u * (3.0 - 2.0 * u)
    return smooth


def _gate() -> Floats:
    """float32[52]: how far a closure overrides each channel."""
    gate = np.ones(TARGETS.shape[1], np.float32)
    for name, kept in _KEPT.items():
        gate[places(name)] = 1.0 - kept
    return gate


_GATE = _gate()
