"""Kernels that warp the portrait's skin on the coarse grid."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]
I32 = NDArray[np.int32]
U32 = NDArray[np.uint32]


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
def widen(shift: F32, step: int, wide: F32) -> None:
    """Interpolates the grid along x: float32 [2,gh,gw] to [2,gh,gw*step], one value per pixel column."""
    inv = np.float32(1.0 / step)
    last = shift.shape[2] - 1
    for c in range(2):
        for i in range(shift.shape[1]):
            line, out = shift[c, i], wide[c, i]
            for j in range(last + 1):
                a = line[j]
                slope = (line[min(j + 1, last)] - a) * inv
                for t in range(step):
                    out[j * step + t] = a + slope * np.float32(t)


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _source(
    wide: F32,
    axis: int,
    i: int,
    a: int,
    t: np.float32,
    every: int,
    start: np.float32,
    stride: np.float32,
    ramp: F32,
    limit: np.float32,
    out: F32,
    count: int,
) -> None:
    """out[axis, :count]: start + stride*n minus the shift between two grid rows from column a on, within 0..limit."""
    zero, half = np.float32(0), np.float32(0.5)
    c, k, m, a0 = np.uint64(axis), np.uint64(i), np.uint64(i + 1), np.uint64(a)
    two = np.uint64(2)
    if every == 1:
        for n in range(np.uint64(count)):
            p, q = wide[c, k, a0 + n], wide[c, m, a0 + n]
            out[c, n] = min(max(start + stride * ramp[n] - (p + t * (q - p)), zero), limit)
    else:
        for n in range(np.uint64(count)):
            p, q = wide[c, k, a0 + two * n], wide[c, m, a0 + two * n]
            out[c, n] = min(max(start + stride * ramp[n] - half * (p + t * (q - p)), zero), limit)


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _split(row: F32, width: np.float32, at: I32, count: int) -> None:
    """Turns source coordinates row [2,n] into an index into a packed plane and, in place, their fractions."""
    x, y = np.uint64(0), np.uint64(1)
    for n in range(np.uint64(count)):
        ix, iy = np.floor(row[x, n]), np.floor(row[y, n])
        row[x, n] -= ix
        row[y, n] -= iy
        at[n] = np.int32(iy * width + ix)


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _fetch(
    source: U32, at: I32, four: U32, corners: U8, row: F32, out: U8, y: np.uint64, x: np.uint64, count: int
) -> None:
    """out[y, x:]: bilinear samples of a packed plane; four [n] is scratch, corners its bytes [4*n]."""
    half = np.float32(0.5)
    u, v = np.uint64(0), np.uint64(1)
    one, two, three, whole = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)
    for n in range(np.uint64(count)):
        four[n] = source[np.uint64(at[n])]
    for n in range(np.uint64(count)):
        k = whole * n
        p, q = np.float32(corners[k]), np.float32(corners[k + one])
        r, s = np.float32(corners[k + two]), np.float32(corners[k + three])
        top = p + row[u, n] * (q - p)
        low = r + row[u, n] * (s - r)
        out[y, x + n] = np.uint8(np.int32(top + row[v, n] * (low - top) + half))


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def warp_plane(
    wide: F32,
    step: int,
    x0: int,
    y0: int,
    every: int,
    spans: I32,
    first: U32,
    second: U32,
    ramp: F32,
    out_first: U8,
    out_second: U8,
    margin: int,
    scratch: tuple[F32, I32, U32, U8],
) -> None:
    """Samples one or two planes, bilinear, where the grid says, for the pixels of each row's span.

    wide: float32 [2,gh,columns] shifts in luma pixels, the first column and row lying on luma pixel (x0, y0);
    every: luma pixels per pixel of these planes, 1 (only the first plane is drawn) or 2; spans: int32 [rows,3] row,
    first and last+1 column; first, second: uint32 [h*w] (model.packed); the planes uint8 [h,w] have a margin around;
    ramp: float32 0, 1, 2 ...; scratch: float32 [2,n], int32 [n], uint32 [n] and its bytes, n at least a row's pixels.
    """
    row, at, four, corners = scratch
    width = np.float32(out_first.shape[1])
    limit_x, limit_y = width - np.float32(2), np.float32(out_first.shape[0] - 2)
    inv = np.float32(1.0 / step)
    for n in range(spans.shape[0]):
        y, xa, xb = spans[n, 0], spans[n, 1], spans[n, 2]
        g = (np.float32(every * y - y0) + np.float32(0.5) * np.float32(every - 1)) * inv
        i = min(max(int(g), 0), wide.shape[1] - 2)
        a, count = every * xa - x0, xb - xa
        t = g - np.float32(i)
        left, here = np.float32(xa + margin), np.float32(y + margin)
        one, none = np.float32(1), np.float32(0)
        _source(wide, 0, i, a, t, every, left, one, ramp, limit_x, row, count)
        _source(wide, 1, i, a, t, every, here, none, ramp, limit_y, row, count)
        _split(row, width, at, count)
        k, x = np.uint64(y + margin), np.uint64(xa + margin)
        _fetch(first, at, four, corners, row, out_first, k, x, count)
        if every > 1:
            _fetch(second, at, four, corners, row, out_second, k, x, count)
