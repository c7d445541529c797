"""Kernels that warp the portrait's skin on the coarse grid."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def mix(weights: F32, shapes: NDArray[np.int64], basis: F32, out: F32) -> None:
    """out += sum over shapes of weights[shape] * basis[i]; basis [k,n], out [n]."""
    for i in range(shapes.shape[0]):
        w = weights[shapes[i]]
        if abs(w) < np.float32(1e-4):
            continue
        row = basis[i]
        for j in range(out.shape[0]):
            out[j] += w * row[j]


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _at(field: F32, i: np.float32, j: np.float32) -> tuple[np.float32, np.float32]:
    h, w = field.shape[1], field.shape[2]
    i = min(max(i, np.float32(0)), np.float32(h - 1.001))
    j = min(max(j, np.float32(0)), np.float32(w - 1.001))
    a, b = int(i), int(j)
    u, v = i - np.float32(a), j - np.float32(b)
    one = np.float32(1)
    p, q, r, s = (one - u) * (one - v), (one - u) * v, u * (one - v), u * v
    x = p * field[0, a, b] + q * field[0, a, b + 1] + r * field[0, a + 1, b] + s * field[0, a + 1, b + 1]
    y = p * field[1, a, b] + q * field[1, a, b + 1] + r * field[1, a + 1, b] + s * field[1, a + 1, b + 1]
    return x, y


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def backward(forward: F32, step: int, rounds: int, out: F32) -> None:
    """Turns shifts of where the skin was into shifts of where it is now (pixels), by fixed-point iteration.

    forward, out: float32 [2,gh,gw] on a grid of step pixels.
    """
    inv = np.float32(1.0 / step)
    tiny = np.float32(0.02)
    for i in range(out.shape[1]):
        for j in range(out.shape[2]):
            x, y = forward[0, i, j], forward[1, i, j]
            if abs(x) + abs(y) > tiny or _stirs(forward, i, j):
                for _ in range(rounds):
                    x, y = _at(forward, np.float32(i) - y * inv, np.float32(j) - x * inv)
            out[0, i, j] = x
            out[1, i, j] = y


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _stirs(forward: F32, i: int, j: int) -> bool:
    return i > 2 and abs(forward[1, i - 3, j]) > np.float32(0.5)


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def warp_plane(
    shift: F32, step: int, x0: int, y0: int, scale: int, spans: NDArray[np.int32], source: U8, out: U8, margin: int
) -> None:
    """Samples a plane where the grid says, bilinear, for the pixels of each row's span.

    shift: float32 [2,gh,gw] luma pixels; step, x0, y0: the grid in luma pixels; scale: luma pixels per pixel of this
    plane (1 or 2); spans: int32 [rows,3] row, first and last+1 column; source and out: uint8 with a margin around.
    """
    gh, gw = shift.shape[1], shift.shape[2]
    inv = np.float32(1.0 / step)
    centre = np.float32(0.5 * (scale - 1))
    fix = np.float32(65536.0 / scale)
    limit_x, limit_y = source.shape[1] - 2, source.shape[0] - 2
    for n in range(spans.shape[0]):
        y, xa, xb = spans[n, 0], spans[n, 1], spans[n, 2]
        gy = (np.float32(y * scale - y0) + centre) * inv
        i = min(max(int(gy), 0), gh - 2)
        t = gy - np.float32(i)
        row = out[y + margin]
        x = xa
        base_y = (y + margin) << 16
        while x < xb:
            gx = (np.float32(x * scale - x0) + centre) * inv
            j = min(max(int(gx), 0), gw - 2)
            stop = min(xb, (x0 + (j + 1) * step + scale - 1) // scale)
            if stop <= x:
                stop = x + 1
            ax = shift[0, i, j] + t * (shift[0, i + 1, j] - shift[0, i, j])
            bx = shift[0, i, j + 1] + t * (shift[0, i + 1, j + 1] - shift[0, i, j + 1])
            ay = shift[1, i, j] + t * (shift[1, i + 1, j] - shift[1, i, j])
            by = shift[1, i, j + 1] + t * (shift[1, i + 1, j + 1] - shift[1, i, j + 1])
            u = gx - np.float32(j)
            slope_x, slope_y = (bx - ax) * inv * scale, (by - ay) * inv * scale
            sx = ((x + margin) << 16) - int((ax + u * (bx - ax)) * fix)
            sy = base_y - int((ay + u * (by - ay)) * fix)
            ddx = 65536 - int(slope_x * fix)
            ddy = -int(slope_y * fix)
            while x < stop:
                px, py = min(max(sx >> 16, 0), limit_x), min(max(sy >> 16, 0), limit_y)
                wx, wy = (sx >> 8) & 255, (sy >> 8) & 255
                top = source[py, px] * (256 - wx) + source[py, px + 1] * wx
                low = source[py + 1, px] * (256 - wx) + source[py + 1, px + 1] * wx
                row[x + margin] = (top * (256 - wy) + low * wy + 32768) >> 16
                sx += ddx
                sy += ddy
                x += 1
