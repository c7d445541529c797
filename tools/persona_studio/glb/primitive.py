"""One primitive of the head: vertices, texture coordinates, triangles, material, morph deltas."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..arrays import Array
from ..geometry.faces import triangles
from ..geometry.vectors import vertex_normals

Deltas = dict[str, tuple[Array, Array | None]]
"""ARKit name -> (position deltas [N,3] m, normal deltas [N,3] or None)."""


@dataclass
class Primitive:
    """v [N,3] m, t [T,3], material index, uv [N,2] (v down: row 0 of the texture at 0), normals [N,3]."""

    name: str
    v: Array
    t: Array
    material: int
    uv: Array
    normals: Array
    deltas: Deltas = field(default_factory=dict)


def primitive(
    name: str,
    v: Array,
    faces: Array,
    material: int,
    uv: Array | None = None,
    normals: Array | None = None,
    deltas: Deltas | None = None,
) -> Primitive:
    """A primitive from quads or triangles [F,3 or 4]; degenerate triangles go, missing normals are computed."""
    t = triangles(faces)
    t = t[(t[:, 0] != t[:, 1]) & (t[:, 1] != t[:, 2]) & (t[:, 0] != t[:, 2])]
    if uv is None:
        uv = np.stack([np.zeros(len(v)), np.ones(len(v))], 1)
    return Primitive(name, v, t, material, uv, vertex_normals(v, t) if normals is None else normals, deltas or {})


def upside_down(uv: Array) -> Array:
    """Texture coordinates [N,2] with v up -> with v down, as glTF counts."""
    return np.stack([uv[:, 0], 1 - uv[:, 1]], 1)


def weld(faces: Array, uv: Array) -> tuple[Array, Array, Array]:
    """Faces [F,k] with coordinates per corner [F,k,2] -> (source vertex [N], uv [N,2], faces [F,k] of these N
    vertices).
    """
    places = np.round(uv.reshape(-1, 2) * 65535).astype(np.int64)
    key = np.concatenate([faces.reshape(-1, 1).astype(np.int64), places], 1)
    _, first, inverse = np.unique(key, axis=0, return_index=True, return_inverse=True)
    return faces.reshape(-1)[first], uv.reshape(-1, 2)[first], inverse.reshape(faces.shape)
