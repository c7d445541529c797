"""Brow hairs: roots bound to the skin surface, shape in the local tangent frame."""

from __future__ import annotations

import numpy as np

from ..arrays import Array
from ..geometry.vectors import unit
from ..skin.regions import BROW, brow_mask
from .surface import Surface


class Brows:
    """Hairs on both brows. triangle [n] and weights [n,3]: where they grow on `surface`."""

    def __init__(self, surface: Surface, p0: Array, density: float = 1.0, seed: int = 5) -> None:
        """p0 [V,3]: base-mesh position (dm) of each vertex of the surface."""
        rng = np.random.default_rng(seed)
        weight = brow_mask(p0)[surface.tri].mean(1) ** 1.3
        weight[weight < 0.12] = 0
        n = int(1500 * density)
        self.triangle, self.weights = surface.sample(rng, n, weight)
        q = surface.at(p0, self.triangle, self.weights)
        x = np.abs(q[:, 0])
        k = np.clip((x - 0.13) / 0.44, 0, 1)
        row = np.clip((q[:, 1] - np.interp(x, BROW[:, 0], BROW[:, 1])) / 0.045, -1, 1)
        # from the vertical: inner hairs go up, outer hairs sweep sideways; upper rows bend down
        angle = np.radians(np.interp(k, [0, 0.12, 0.3, 0.6, 1], [12, 38, 62, 82, 104])) + row * 0.35
        angle = angle + rng.normal(0, 0.13, n)
        self._direction = np.stack([np.sign(q[:, 0]) * np.sin(angle), np.cos(angle), np.zeros(n)], 1)
        self._length = 0.0082 * np.interp(k, [0, 0.2, 0.7, 1], [0.62, 1, 0.95, 0.6]) * rng.uniform(0.6, 1.15, n)
        self._bend = rng.normal(0, 0.08, n)
        self._surface = surface

    def strands(self, v: Array, normals: Array, points: int = 6) -> Array:
        """Strands [n,points,3] on the posed surface v [V,3] with normals [V,3]."""
        p = self._surface.at(v, self.triangle, self.weights)
        n = unit(self._surface.at(normals, self.triangle, self.weights))
        d = unit(self._direction - (self._direction * n).sum(1, keepdims=True) * n)
        s = np.cross(n, d)
        t = np.linspace(0, 1, points)[None, :, None]
        lift = 0.42 * t - 0.40 * t**2
        shape = d[:, None] * t + n[:, None] * lift + s[:, None] * self._bend[:, None, None] * t**2
        return p[:, None] - 0.0003 * n[:, None] + self._length[:, None, None] * shape
