"""Kernels that sway the finished person over the background and put the badge on."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
OPAQUE, EDGE = 0, 1


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def sway_plane(
    runs: NDArray[np.int32],
    moves: NDArray[np.float32],
    centre_x: np.float32,
    source: U8,
    alpha: U8,
    back: U8,
    neutral: int,
    margin: int,
    out: U8,
) -> None:
    """Samples the person's plane (uint8 with a margin around) row by row where the sway says, over the background.

    runs: int32 [n,4] row, first and last+1 column, OPAQUE or EDGE; moves: float32 [rows,3]: for a row, the source is
    x + m0 and y + m1 - m2 * (x - centre_x), pixels of this plane. On an edge the result is person + background *
    (1 - alpha), the person being premultiplied, with the background taken about `neutral` (0 luma, 128 chroma).
    """
    top_x, top_y = source.shape[1] - 2, source.shape[0] - 2
    for n in range(runs.shape[0]):
        y, xa, xb = runs[n, 0], runs[n, 1], runs[n, 2]
        mx, my, slope = moves[y, 0], moves[y, 1], moves[y, 2]
        shift = int(np.floor(mx))
        wx = int((mx - np.float32(shift)) * np.float32(256) + np.float32(0.5))
        column = xa + shift + margin
        if column < 0:
            column = 0
        if column + (xb - xa) > top_x:
            column = top_x - (xb - xa)
        step = -int(slope * np.float32(65536))
        sy = int((np.float32(y + margin) + my - slope * (np.float32(xa) - centre_x)) * np.float32(65536))
        x = xa
        while x < xb:
            iy = min(max(sy >> 16, 0), top_y)
            count = xb - x
            if step > 0:
                count = min(count, (((iy + 1) << 16) - sy - 1) // step + 1)
            elif step < 0:
                count = min(count, (sy - (iy << 16)) // (-step) + 1)
            count = max(count, 1)
            _strip(
                source[iy, column : column + count + 1],
                source[iy + 1, column : column + count + 1],
                np.int32(wx),
                np.int32(sy - (iy << 16)),
                np.int32(step),
                out[y, x : x + count],
            )
            if runs[n, 3] == EDGE:
                _under(
                    alpha[iy, column : column + count + 1],
                    alpha[iy + 1, column : column + count + 1],
                    np.int32(wx),
                    np.int32(sy - (iy << 16)),
                    np.int32(step),
                    back[y, x : x + count],
                    np.int32(neutral),
                    out[y, x : x + count],
                )
            x += count
            column += count
            sy += step * count


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _strip(a: U8, b: U8, wx: np.int32, sy: np.int32, step: np.int32, out: U8) -> None:
    vx = np.int32(256) - wx
    half = np.int32(32768)
    for i in range(out.shape[0]):
        wy = (sy + np.int32(i) * step) >> np.int32(8)
        top = np.int32(a[i]) * vx + np.int32(a[i + 1]) * wx
        low = np.int32(b[i]) * vx + np.int32(b[i + 1]) * wx
        out[i] = np.uint8((top * (np.int32(256) - wy) + low * wy + half) >> np.int32(16))


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _under(a: U8, b: U8, wx: np.int32, sy: np.int32, step: np.int32, back: U8, neutral: np.int32, out: U8) -> None:
    vx = np.int32(256) - wx
    for i in range(out.shape[0]):
        wy = (sy + np.int32(i) * step) >> np.int32(8)
        top = np.int32(a[i]) * vx + np.int32(a[i + 1]) * wx
        low = np.int32(b[i]) * vx + np.int32(b[i + 1]) * wx
        seen = np.int32(65280) - ((top * (np.int32(256) - wy) + low * wy) >> np.int32(8))
        seen += seen >> np.int32(8)
        behind = (np.int32(back[i]) - neutral) * seen
        value = np.int32(out[i]) + ((behind + np.int32(32768)) >> np.int32(16))
        out[i] = np.uint8(min(max(value, np.int32(0)), np.int32(255)))


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def overlay(picture: U8, alpha: U8, x0: int, y0: int, out: U8) -> None:
    """Blends a picture uint8 [h,w] onto out by alpha uint8 [h,w]."""
    for y in range(picture.shape[0]):
        row = out[y + y0]
        for x in range(picture.shape[1]):
            a = np.int32(alpha[y, x])
            if a:
                row[x + x0] = np.uint8((np.int32(picture[y, x]) * a + np.int32(row[x + x0]) * (255 - a) + 127) // 255)
