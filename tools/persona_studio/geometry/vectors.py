"""Vectors, rotations and normals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ..arrays import Array
from .faces import triangles

UP = np.array([0, 1.0, 0])


def unit(a: Array) -> Array:
    """Vectors of length 1 along the last axis."""
    return a / np.maximum(np.linalg.norm(a, axis=-1, keepdims=True), 1e-12)


def smoothstep(a: npt.ArrayLike, b: npt.ArrayLike, x: npt.ArrayLike) -> Array:
    """0 at a, 1 at b (which may be the smaller), clamped, cubic between them."""
    t = np.clip((np.asarray(x) - a) / (np.asarray(b) - a), 0, 1)
    return t * t * (3 - 2 * t)


def rotation(axis: npt.ArrayLike, angle: float) -> Array:
    """Matrix [3,3] that turns by `angle` radians about `axis` [3] (any length)."""
    a = np.asarray(axis, float)
    a = a / np.linalg.norm(a)
    k = np.array([[0, -a[2], a[1]], [a[2], 0, -a[0]], [-a[1], a[0], 0]])
    return np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * k @ k


def vertex_normals(v: Array, f: Array) -> Array:
    """Area-weighted unit normals [V,3] of vertices v [V,3] with faces f [F,3] or [F,4]."""
    t = triangles(f)
    n = np.cross(v[t[:, 1]] - v[t[:, 0]], v[t[:, 2]] - v[t[:, 0]])
    out = np.zeros_like(v)
    for i in range(3):
        np.add.at(out, t[:, i], n)
    return unit(out)


def look_at(eye: Array, target: Array) -> Array:
    """Rotation [3,3] that takes +z to the direction from `eye` [3] to `target` [3]."""
    d = unit(np.asarray(target) - eye)
    x = unit(np.cross(UP, d))
    return np.stack([x, np.cross(d, x), d], 1)


def rigid_fit(a: Array, b: Array) -> Callable[[Array], Array]:
    """The rigid motion that takes points a [N,3] closest to b [N,3] (Kabsch 1976), as a function of points [M,3]."""
    ca, cb = a.mean(0), b.mean(0)
    u, _, vt = np.linalg.svd((a - ca).T @ (b - cb))
    r = vt.T @ np.diag([1, 1, np.sign(np.linalg.det(u @ vt))]) @ u.T
    return lambda p: (p - ca) @ r.T + cb
