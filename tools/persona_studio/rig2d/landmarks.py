"""68 facial landmarks (iBUG 300-W order): nearest mesh vertices to canonical places, not fitted to a detector."""

from __future__ import annotations

import numpy as np

from ..arrays import Array
from ..skin.regions import BROW

Points = list[tuple[float, float]]

_JAW: Points = [
    (-0.80, 7.30), (-0.79, 7.10), (-0.77, 6.90), (-0.73, 6.70), (-0.65, 6.52),
    (-0.53, 6.38), (-0.38, 6.27), (-0.20, 6.20), (0, 6.18),
]  # fmt: skip
_NOSE: Points = [
    (0, 7.29), (0, 7.17), (0, 7.06), (0, 6.96), (-0.14, 6.85), (-0.07, 6.83), (0, 6.82), (0.07, 6.83), (0.14, 6.85),
]  # fmt: skip
_EYE: Points = [(0.455, 7.275), (0.37, 7.335), (0.25, 7.33), (0.175, 7.255), (0.26, 7.235), (0.37, 7.235)]
_OUTER_LIPS: Points = [
    (-0.235, 6.625), (-0.155, 6.675), (-0.06, 6.705), (0, 6.692), (0.06, 6.705), (0.155, 6.675),
    (0.235, 6.625), (0.15, 6.565), (0.07, 6.535), (0, 6.53), (-0.07, 6.535), (-0.15, 6.565),
]  # fmt: skip
_INNER_LIPS: Points = [
    (-0.20, 6.625), (-0.09, 6.632), (0, 6.63), (0.09, 6.632), (0.20, 6.625), (0.09, 6.612), (0, 6.612), (-0.09, 6.612),
]  # fmt: skip


def canonical() -> Array:
    """Places [68,2] (x, y in base-mesh decimetres, x to the person's left)."""
    jaw = _JAW + [(-x, y) for x, y in _JAW[-2::-1]]
    bx = np.array([0.56, 0.46, 0.36, 0.26, 0.155])
    by = np.interp(bx, BROW[:, 0], BROW[:, 1])
    brows = [*zip(-bx, by, strict=True), *zip(bx[::-1], by[::-1], strict=True)]
    eyes = [(-x, y) for x, y in _EYE] + [_EYE[i] for i in (3, 2, 1, 0, 5, 4)]
    return np.array(jaw + brows + _NOSE + eyes + _OUTER_LIPS + _INNER_LIPS)


def landmarks68(p0: Array, candidate: Array) -> Array:
    """Vertex indices [68] nearest to canonical(), among candidate bool [N]; p0 [N,3]: base-mesh positions (dm)."""
    off_neck = p0[:, 2] > np.where(np.abs(p0[:, 0]) < 0.60, 0.80, 0.30)
    ok = np.where(candidate & off_neck)[0]
    return np.array([ok[np.argmin(((p0[ok, :2] - w) ** 2).sum(1))] for w in canonical()])
