"""Regions of the head, as soft masks over base-mesh coordinates (p0 [...,3], decimetres)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..arrays import Array
from ..geometry.vectors import smoothstep

HAIRLINE = np.array(
    [
        (0, 7.95),
        (15, 7.96),
        (28, 7.94),
        (38, 7.87),
        (46, 7.78),
        (54, 7.62),
        (61, 7.50),
        (67, 7.36),
        (72, 7.18),
        (76, 7.10),
        (80, 7.30),
        (84, 7.62),
        (95, 7.62),
        (102, 7.45),
        (110, 7.05),
        (122, 6.88),
        (145, 6.72),
        (180, 6.62),
    ]
)
"""Azimuth from the face (degrees) and height (dm) of the hairline."""

BROW = np.array([(0.135, 7.465), (0.20, 7.484), (0.30, 7.507), (0.40, 7.518), (0.49, 7.496), (0.572, 7.440)])
"""Centre line (x, y) of the left brow in dm; the depth is found on the surface."""


def gauss3(p: Array, c: npt.ArrayLike, s: npt.ArrayLike) -> Array:
    """Bump of height 1 around c [3] with widths s [3], at p [...,3]."""
    d = (p - np.asarray(c)) / np.asarray(s)
    return np.exp(-(d**2).sum(-1))


def scalp_mask(p0: Array, soft: float = 0.05, raised: float = 0.0, noise: npt.ArrayLike = 0) -> Array:
    """0..1 on the scalp; `raised` (dm) moves the hairline up, `noise` [...] (dm) makes it uneven, `soft` is half its
    width.
    """
    phi = np.degrees(np.arctan2(np.abs(p0[..., 0]), p0[..., 2] - 0.40))
    h = np.interp(phi, HAIRLINE[:, 0], HAIRLINE[:, 1]) + raised
    y = p0[..., 1] + noise
    ear = (np.abs(p0[..., 0]) > 0.725) & (p0[..., 2] > 0.30) & (p0[..., 2] < 0.68) & (p0[..., 1] < 7.67)
    m = smoothstep(-soft, soft, y - h)
    return np.where(ear | (p0[..., 1] < 6.55), 0, m)


def brow_mask(p0: Array) -> Array:
    """0..1 on the brows."""
    x, y, z = np.abs(p0[..., 0]), p0[..., 1], p0[..., 2]
    yc = np.interp(x, BROW[:, 0], BROW[:, 1])
    hw = np.interp(x, [0.10, 0.17, 0.30, 0.45, 0.58], [0.022, 0.034, 0.031, 0.021, 0.010])
    along = smoothstep(0.105, 0.19, x) * (1 - smoothstep(0.53, 0.585, x))
    return along * np.exp(-(((y - yc) / hw) ** 2)) * (z > 0.9)


def beard_mask(p0: Array) -> Array:
    """0..1 where a beard grows."""
    x, y, z = np.abs(p0[..., 0]), p0[..., 1], p0[..., 2]
    jaw = smoothstep(6.98, 6.72, y - np.clip(x - 0.35, 0, 1) * 0.75) * smoothstep(6.02, 6.2, y)
    front = smoothstep(0.25, 0.55, z)
    lips = np.exp(-(((x / 0.27) ** 2 + ((y - 6.62) / 0.115) ** 2) ** 2))
    return jaw * front * (1 - lips) * (z > 0.1)


def neckline(c: Array) -> Array:
    """Height (dm) of the collar seam above horizontal positions c [N,3] (dm); 99 where the shoulders are always
    covered.
    """
    n = 5.93 - 0.42 * (c[:, 2] - 0.10) - 0.05 * np.abs(c[:, 0])
    return np.where(np.abs(c[:, 0]) > 1.05, 99.0, n)
