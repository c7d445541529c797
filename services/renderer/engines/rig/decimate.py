"""Undoes one level of Catmull-Clark subdivision: four quads around a face point become one again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

I32 = NDArray[np.int32]


def coarser(tri: I32) -> I32:
    """Triangles int32 [t,3] over the same vertices, up to four times fewer; the input where it shows no such pattern.

    Expects the triangles (0,1,2) of all quads followed by the triangles (0,2,3), a quad being (corner, edge point, face
    point, edge point). Quads whose face point has not four of them stay as they are.
    """
    n = len(tri) // 2
    first, second = tri[:n], tri[n:]
    if n == 0 or len(tri) != 2 * n or (first[:, 0] != second[:, 0]).any() or (first[:, 2] != second[:, 1]).any():
        return tri
    quads = np.column_stack([first, second[:, 2]])
    order = np.argsort(quads[:, 2], kind="stable")
    _, start, count = np.unique(quads[order, 2], return_index=True, return_counts=True)
    whole = [order[s : s + 4] for s, c in zip(start, count, strict=True) if c == 4]
    corners = []
    used = np.zeros(n, np.bool_)
    for group in whole:
        ring = _ring(quads[group])
        if ring is not None:
            corners.append(ring)
            used[group] = True
    if not corners:
        return tri
    big = np.array(corners, np.int32)
    parts = [big[:, [0, 1, 2]], big[:, [0, 2, 3]], first[~used], second[~used]]
    return np.ascontiguousarray(np.concatenate(parts), np.int32)


def _ring(four: I32) -> list[int] | None:
    """Corners of four quads in order around their face point, by the edge points they share."""
    follows = {int(q[3]): i for i, q in enumerate(four)}
    ring, at = [], 0
    for _ in range(4):
        ring.append(int(four[at, 0]))
        nearest = follows.get(int(four[at, 1]))
        if nearest is None:
            return None
        at = nearest
    return ring if at == 0 and len(set(ring)) == 4 else None
