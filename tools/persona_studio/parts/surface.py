"""Points bound to the triangles of a mesh."""

from __future__ import annotations

import numpy as np

from ..arrays import Array
from ..geometry.faces import triangles


class Surface:
    """Triangles tri [T,3] of a quad mesh and their areas [T]."""

    def __init__(self, v: Array, f: Array) -> None:
        self.tri = triangles(f)
        a = v[self.tri]
        self.area = np.linalg.norm(np.cross(a[:, 1] - a[:, 0], a[:, 2] - a[:, 0]), axis=1) / 2

    def sample(self, rng: np.random.Generator, n: int, weight: Array) -> tuple[Array, Array]:
        """n random points, dense in proportion to weight [T]. Returns (triangles [n], barycentric weights [n,3])."""
        p = self.area * weight
        ti = rng.choice(len(self.tri), n, p=p / p.sum())
        r = rng.uniform(size=(n, 2))
        s = np.sqrt(r[:, 0])
        return ti, np.stack([1 - s, s * (1 - r[:, 1]), s * r[:, 1]], 1)

    def at(self, attribute: Array, ti: Array, w: Array) -> Array:
        """Vertex attribute [V,k] interpolated at sampled points -> [n,k]."""
        return (attribute[self.tri[ti]] * w[..., None]).sum(1)
