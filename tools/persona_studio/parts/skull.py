"""Star-shaped radius function of the head without ears, on which hair is combed."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.spatial import cKDTree

from ..arrays import Array

_ROWS, _COLUMNS = 120, 240


class Skull:
    """centre [3] in metres; radius() around it."""

    def __init__(self, v: Array, p0: Array) -> None:
        """v [V,3]: skin (m); p0 [V,3]: base-mesh positions (dm)."""
        ear = (np.abs(p0[:, 0]) > 0.70) & (p0[:, 2] > 0.28) & (p0[:, 2] < 0.70) & (p0[:, 1] < 7.70)
        k = (p0[:, 1] > 6.45) & ~ear
        top = v[k & (p0[:, 1] > 8.3)].mean(0)
        self.centre = np.array([0, top[1] - 0.118, v[k][:, 2].mean() * 0.5 + top[2] * 0.5])
        d = v[k] - self.centre
        r = np.linalg.norm(d, axis=1)
        elevation, azimuth = np.meshgrid(
            np.linspace(-np.pi / 2, np.pi / 2, _ROWS),
            np.linspace(-np.pi, np.pi, _COLUMNS, endpoint=False),
            indexing="ij",
        )
        level = np.cos(elevation)
        grid = np.stack([level * np.sin(azimuth), np.sin(elevation), level * np.cos(azimuth)], -1)
        distance, index = cKDTree(d / r[:, None]).query(grid.reshape(-1, 3), k=6)
        w = 1 / (distance + 0.01) ** 2
        g = ((r[index] * w).sum(1) / w.sum(1)).reshape(_ROWS, _COLUMNS)
        self._radii = gaussian_filter(g, (1.2, 1.2), mode=("nearest", "wrap"))

    def radius(self, d: Array) -> Array:
        """Metres from the centre to the skin in directions d [n,3] (unit vectors) -> [n]."""
        elevation, azimuth = np.arcsin(np.clip(d[..., 1], -1, 1)), np.arctan2(d[..., 0], d[..., 2])
        rows, columns = (elevation / np.pi + 0.5) * (_ROWS - 1), (azimuth / (2 * np.pi) + 0.5) * _COLUMNS
        return map_coordinates(self._radii, [rows, columns], order=1, mode="grid-wrap")
