"""Kernels that sway the finished person over the background and put the badge on."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
OPAQUE, EDGE, BARE = 0, 1, 2


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def sway_moves(share: F32, head: F32, moves: F32, half: F32) -> None:
    """Fills `moves` [n,3] and `half` [n/2,3] for sway_plane's luma and chroma.

    share [n,2]: how far each row goes with the head and with the breath; head [5]: shift right and down in pixels, roll
    in radians clockwise, lift of the shoulders in pixels, row of the pivot.
    """
    for y in range(moves.shape[0]):
        roll = share[y, 0] * head[2]
        moves[y, 0] = roll * (np.float32(y) - head[4]) - share[y, 0] * head[0]
        moves[y, 1] = share[y, 1] * head[3] - share[y, 0] * head[1]
        moves[y, 2] = roll
    for y in range(half.shape[0]):
        half[y, 0] = np.float32(0.25) * (moves[2 * y, 0] + moves[2 * y + 1, 0])
        half[y, 1] = np.float32(0.25) * (moves[2 * y, 1] + moves[2 * y + 1, 1])
        half[y, 2] = np.float32(0.5) * (moves[2 * y, 2] + moves[2 * y + 1, 2])


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def sway_plane(
    runs: NDArray[np.int32],
    moves: F32,
    centre_x: np.float32,
    ramp: F32,
    source: U8,
    alpha: U8,
    back: U8,
    neutral: int,
    margin: int,
    out: U8,
) -> None:
    """Samples the person's plane (uint8 with a margin around) row by row where the sway says, over the background.

    runs: int32 [n,4] row, first and last+1 column, OPAQUE, EDGE or BARE; moves: float32 [rows,3]: for a row, the
    source is x + m0 and y + m1 - m2 * (x - centre_x), pixels of this plane; ramp: float32 0, 1, 2 ... On an edge the
    result is person + background * (1 - alpha): the person is premultiplied, the background taken about `neutral`
    (0 luma, 128 chroma). Where the person cannot be, BARE, the background is copied.
    """
    top_x, top_y = source.shape[1] - 2, source.shape[0] - 2
    for n in range(runs.shape[0]):
        y, xa, xb = runs[n, 0], runs[n, 1], runs[n, 2]
        if runs[n, 3] == BARE:
            out[y, xa:xb] = back[y, xa:xb]
            continue
        mx, my, slope = moves[y, 0], moves[y, 1], moves[y, 2]
        shift = int(np.floor(mx))
        wx = mx - np.float32(shift)
        column = min(max(xa + shift + margin, 0), top_x - (xb - xa))
        sy = np.float32(y + margin) + my - slope * (np.float32(xa) - centre_x)
        x = xa
        while x < xb:
            iy = min(max(int(np.floor(sy)), 0), top_y)
            wy = min(max(sy - np.float32(iy), np.float32(0)), np.float32(1))
            count = xb - x
            if slope < 0:
                count = min(count, int((np.float32(1) - wy) / -slope) + 1)
            elif slope > 0:
                count = min(count, int(wy / slope) + 1)
            i, j, n_out, k = np.uint64(iy), np.uint64(column), np.uint64(y), np.uint64(x)
            if runs[n, 3] == EDGE:
                _strip_over(source, alpha, i, j, wx, wy, -slope, ramp, back, np.float32(neutral), out, n_out, k, count)
            else:
                _strip(source, i, j, wx, wy, -slope, ramp, out, n_out, k, count)
            x += count
            column += count
            sy -= slope * np.float32(count)


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _strip(
    source: U8,
    i: np.uint64,
    j: np.uint64,
    wx: np.float32,
    wy: np.float32,
    step: np.float32,
    ramp: F32,
    out: U8,
    y: np.uint64,
    x: np.uint64,
    count: int,
) -> None:
    half, one = np.float32(0.5), np.uint64(1)
    for n in range(np.uint64(count)):
        v = wy + ramp[n] * step
        p, q = np.float32(source[i, j + n]), np.float32(source[i + one, j + n])
        top = p + wx * (np.float32(source[i, j + n + one]) - p)
        low = q + wx * (np.float32(source[i + one, j + n + one]) - q)
        out[y, x + n] = np.uint8(np.int32(top + v * (low - top) + half))


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _strip_over(
    source: U8,
    alpha: U8,
    i: np.uint64,
    j: np.uint64,
    wx: np.float32,
    wy: np.float32,
    step: np.float32,
    ramp: F32,
    back: U8,
    neutral: np.float32,
    out: U8,
    y: np.uint64,
    x: np.uint64,
    count: int,
) -> None:
    whole, part = np.float32(1), np.float32(1 / 255)
    half, one = np.float32(0.5), np.uint64(1)
    for n in range(np.uint64(count)):
        v = wy + ramp[n] * step
        p, q = np.float32(source[i, j + n]), np.float32(source[i + one, j + n])
        top = p + wx * (np.float32(source[i, j + n + one]) - p)
        low = q + wx * (np.float32(source[i + one, j + n + one]) - q)
        person = top + v * (low - top)
        p, q = np.float32(alpha[i, j + n]), np.float32(alpha[i + one, j + n])
        top = p + wx * (np.float32(alpha[i, j + n + one]) - p)
        low = q + wx * (np.float32(alpha[i + one, j + n + one]) - q)
        seen = whole - part * (top + v * (low - top))
        value = person + (np.float32(back[y, x + n]) - neutral) * seen + half
        out[y, x + n] = np.uint8(np.int32(min(max(value, np.float32(0)), np.float32(255))))


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def overlay(picture: U8, alpha: U8, x0: int, y0: int, out: U8) -> None:
    """Blends a picture uint8 [h,w] onto out by alpha uint8 [h,w]."""
    for y in range(picture.shape[0]):
        row = out[y + y0]
        for x in range(picture.shape[1]):
            a = np.int32(alpha[y, x])
            if a:
                row[x + x0] = np.uint8((np.int32(picture[y, x]) * a + np.int32(row[x + x0]) * (255 - a) + 127) // 255)
