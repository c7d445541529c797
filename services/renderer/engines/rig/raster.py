"""Triangle rasteriser with a depth buffer, for small windows."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def rasterise(
    p: NDArray[np.float32],
    tri: NDArray[np.int32],
    x0: int,
    y0: int,
    cull: bool,
    ids: NDArray[np.int32],
    bary: NDArray[np.float32],
    near: NDArray[np.float32],
) -> None:
    """Draws triangles into the window whose top left pixel centre is (x0, y0).

    p: float32 [3,N] x, y, depth; tri: int32 [T,3]; cull: leave out triangles that face away.
    Fills ids [h,w] (triangle or -1), bary [2,h,w] (weights of the first two corners) and near [h,w] (depth).
    """
    h, w = ids.shape
    for y in range(h):
        for x in range(w):
            ids[y, x] = -1
            near[y, x] = np.float32(1e9)
    fx0, fy0 = np.float32(x0), np.float32(y0)
    slack = np.float32(-1e-5)
    for t in range(tri.shape[0]):
        a, b, c = tri[t, 0], tri[t, 1], tri[t, 2]
        ax, ay = p[0, a] - fx0, p[1, a] - fy0
        bx, by = p[0, b] - fx0, p[1, b] - fy0
        cx, cy = p[0, c] - fx0, p[1, c] - fy0
        den = (by - cy) * (ax - cx) + (cx - bx) * (ay - cy)
        if cull:
            if den > np.float32(-1e-7):
                continue
        elif abs(den) < np.float32(1e-7):
            continue
        xa = int(np.ceil(min(ax, bx, cx) - np.float32(1e-4)))
        xb = int(np.floor(max(ax, bx, cx) + np.float32(1e-4)))
        ya = int(np.ceil(min(ay, by, cy) - np.float32(1e-4)))
        yb = int(np.floor(max(ay, by, cy) + np.float32(1e-4)))
        if xa > xb or ya > yb:
            continue
        xa, ya, xb, yb = max(xa, 0), max(ya, 0), min(xb, w - 1), min(yb, h - 1)
        inv = np.float32(1) / den
        u_x, u_y = (by - cy) * inv, (cx - bx) * inv
        v_x, v_y = (cy - ay) * inv, (ax - cx) * inv
        zc = p[2, c]
        z_u, z_v = p[2, a] - zc, p[2, b] - zc
        z_x, z_y = u_x * z_u + v_x * z_v, u_y * z_u + v_y * z_v
        s_x, s_y = -u_x - v_x, -u_y - v_y
        for y in range(ya, yb + 1):
            dy = np.float32(y) - cy
            dx = np.float32(xa) - cx
            u = u_x * dx + u_y * dy
            v = v_x * dx + v_y * dy
            s = np.float32(1) + s_x * dx + s_y * dy
            z = zc + z_x * dx + z_y * dy
            for x in range(xa, xb + 1):
                inside = (u >= slack) & (v >= slack) & (s >= slack) & (z < near[y, x])
                if inside:
                    near[y, x] = z
                    ids[y, x] = t
                    bary[0, y, x] = u
                    bary[1, y, x] = v
                u += u_x
                v += v_x
                s += s_x
                z += z_x
