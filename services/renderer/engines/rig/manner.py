"""How strongly the second plates and shadows show for a set of weights; shared with the exact renderer of the tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from flashback.media.blendshapes import index

F32 = NDArray[np.float32]

_JAW, _TONGUE = index("jawOpen"), index("tongueOut")
LIP_SHADOW = 0.60
"""Light on the teeth right under the upper lip."""
LIP_SHADOW_ROWS = 4.0
"""Pixels, at 512, that the shadow of the upper lip reaches down."""
LID_SHADOW = 0.55
LID_SHADOW_ROWS = 7.0


def open_gain(weights: F32) -> float:
    """How far the inner lips come from the `mouth_open` plate, 0..1: only beyond what speech opens the jaw.

    The portrait's own lips, drawn out, look better than the wet highlights of a scream.
    """
    return min(1.0, max(0.0, (float(weights[_JAW]) - 0.40) / 0.35))


def mouth_light(weights: F32) -> float:
    """Light inside the mouth, 0.86..1: less falls in when it is hardly open."""
    return 0.86 + 0.14 * min(1.0, max(0.0, float(weights[_JAW]) / 0.30))


def tongue_between(weights: F32) -> float:
    """How far the tongue covers the lower teeth, 0..1, as in the th of `think`."""
    return min(1.0, max(0.0, (float(weights[_TONGUE]) - 0.12) / 0.18))


def lid_gains(blink: float) -> tuple[float, float]:
    """How far the upper and the lower lid come from the `eyes_closed` plate for a blink weight, 0..1 each.

    The upper lid early, for its skin is folded away in the portrait; the lower one late, for the plate has the upper
    lashes lying on it.
    """
    return _ease((blink - 0.08) / 0.52), _ease((blink - 0.80) / 0.17)


def _ease(t: float) -> float:
    t = min(1.0, max(0.0, t))
    return t * t * (3 - 2 * t)
