"""Small z-buffered triangle rasteriser (numba), for previews and visibility."""

from __future__ import annotations

import numba as nb
import numpy as np

from ..arrays import Array


@nb.njit(cache=True)
def zbuffer(p: Array, z: Array, tri: Array, w: int, h: int, ids: Array, bary: Array, zb: Array) -> None:
    """Draws triangles tri [T,3] with corners p [n,2] (pixels) at depth z [n] (small is near) over what is there.

    Fills ids [h,w] with triangle indices, bary [h,w,3] with weights of their corners, zb [h,w] with depths.
    """
    for t in range(len(tri)):
        a, b, c = tri[t, 0], tri[t, 1], tri[t, 2]
        x0, y0, x1, y1, x2, y2 = p[a, 0], p[a, 1], p[b, 0], p[b, 1], p[c, 0], p[c, 1]
        den = (y1 - y2) * (x0 - x2) + (x2 - x1) * (y0 - y2)
        if abs(den) < 1e-9:
            continue
        xa = max(0, int(np.floor(min(x0, x1, x2) - 0.5)))
        xb = min(w - 1, int(np.ceil(max(x0, x1, x2) - 0.5)))
        ya = max(0, int(np.floor(min(y0, y1, y2) - 0.5)))
        yb = min(h - 1, int(np.ceil(max(y0, y1, y2) - 0.5)))
        inv = 1.0 / den
        for y in range(ya, yb + 1):
            for x in range(xa, xb + 1):
                px, py = x + 0.5 - x2, y + 0.5 - y2
                l0 = ((y1 - y2) * px + (x2 - x1) * py) * inv
                l1 = ((y2 - y0) * px + (x0 - x2) * py) * inv
                l2 = 1 - l0 - l1
                if l0 < -1e-6 or l1 < -1e-6 or l2 < -1e-6:
                    continue
                d = l0 * z[a] + l1 * z[b] + l2 * z[c]
                if d < zb[y, x]:
                    zb[y, x] = d
                    ids[y, x] = t
                    bary[y, x, 0], bary[y, x, 1], bary[y, x, 2] = l0, l1, l2


def raster(p: Array, z: Array, tri: Array, w: int, h: int) -> tuple[Array, Array, Array]:
    """zbuffer() on an empty picture: ids int32 [h,w] (-1: nothing), weights float32 [h,w,3], depths float32 [h,w]
    (inf).
    """
    ids = np.full((h, w), -1, np.int32)
    bary = np.zeros((h, w, 3), np.float32)
    zb = np.full((h, w), np.inf, np.float32)
    zbuffer(
        np.ascontiguousarray(p, np.float32),
        np.ascontiguousarray(z, np.float32),
        np.ascontiguousarray(tri, np.int32),
        w,
        h,
        ids,
        bary,
        zb,
    )
    return ids, bary, zb
