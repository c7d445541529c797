"""How strongly the second plates and shadows show for a set of weights; shared with the exact renderer of the tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from flashback.media.blendshapes import index

F32 = NDArray[np.float32]

_PART_LIPS = [
    index(n)
    for n in ("mouthFunnel", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight")
]
_JAW = index("jawOpen")
LIP_SHADOW = 0.40
"""Light on the teeth right under the upper lip."""
LIP_SHADOW_ROWS = 5.0
"""Pixels, at 512, that the shadow of the upper lip reaches down."""
LID_SHADOW = 0.45
LID_SHADOW_ROWS = 7.0


def open_gain(weights: F32) -> float:
    """How far the inner lips come from the `mouth_open` plate, 0..1."""
    parted = float(weights[_JAW]) + 0.5 * float(weights[_PART_LIPS].max())
    return min(1.0, max(0.0, 8 * parted))


def mouth_light(weights: F32) -> float:
    """Light inside the mouth, 0.8..1: less falls in when it is hardly open."""
    return 0.80 + 0.20 * min(1.0, max(0.0, float(weights[_JAW]) / 0.30))


def lid_gain(blink: float) -> float:
    """How far a lid comes from the `eyes_closed` plate for a blink weight, 0..1."""
    t = min(1.0, max(0.0, (blink - 0.08) / 0.52))
    return t * t * (3 - 2 * t)
