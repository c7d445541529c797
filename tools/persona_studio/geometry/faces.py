"""Lists of faces: vertex indices of quads [F,4] or triangles [F,3]."""

from __future__ import annotations

import numpy as np

from ..arrays import Array


def triangles(f: Array) -> Array:
    """Quads [F,4] -> triangles [2F,3]: all first halves, then all second halves. Triangles are returned as they are."""
    return f if f.shape[1] == 3 else np.concatenate([f[:, [0, 1, 2]], f[:, [0, 2, 3]]])


def compact(f: Array) -> tuple[Array, Array]:
    """Drops unused vertices. Returns (indices of the kept vertices, faces that index into them)."""
    used = np.unique(f)
    m = np.full(f.max() + 1, -1)
    m[used] = np.arange(len(used))
    return used, m[f]


def boundary_vertices(f: Array, n: int) -> Array:
    """bool [n]: vertices on an edge that only one of the quads f [F,4] has."""
    edges = np.sort(np.stack([f, np.roll(f, -1, 1)], -1).reshape(-1, 2), 1)
    unique, count = np.unique(edges, axis=0, return_counts=True)
    out = np.zeros(n, bool)
    out[unique[count == 1].ravel()] = True
    return out


def grid_faces(columns: int, rows: int, wrap: bool = True) -> Array:
    """Quads [.,4] of a grid of rows x columns vertices, row by row; the last column meets the first if `wrap`."""
    faces = []
    for j in range(rows - 1):
        for i in range(columns if wrap else columns - 1):
            a, b = j * columns + i, j * columns + (i + 1) % columns
            faces.append([a, b, b + columns, a + columns])
    return np.array(faces)
