"""The portrait camera. Metres, origin between the eyes, +y up, +z towards the camera."""

from __future__ import annotations

import numpy as np

from .arrays import Array
from .geometry.vectors import unit

POSITION = np.array([0.0, -0.012, 1.62])
AIM = np.array([0.0, -0.042, 0.0])
FOCAL_MM = 157.0
SENSOR_MM = 36.0
RESOLUTION = 1024
"""Width and height of the plates in pixels."""


def axes() -> tuple[Array, Array, Array]:
    """Unit vectors [3] to the right, up, and towards the viewer."""
    z = unit(POSITION - AIM)
    x = unit(np.cross([0, 1, 0], z))
    return x, np.cross(z, x), z


def project(p: Array, resolution: int = RESOLUTION) -> tuple[Array, Array]:
    """World points [...,3] -> pixels [...,2] (x right, y down) and depth [...] in metres."""
    x, y, z = axes()
    d = np.asarray(p) - POSITION
    cx, cy, cz = d @ x, d @ y, -(d @ z)
    k = FOCAL_MM / SENSOR_MM * resolution / cz
    return np.stack([resolution / 2 + cx * k, resolution / 2 - cy * k], -1), cz
