"""Kernels for the windows where the face opens: lips over teeth and tongue, lids over eyeballs."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from services.renderer.engines.rig.warp import _at

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def bound(points: F32, edges: NDArray[np.int32], x0: int, sign: int, out: F32) -> None:
    """Lowest (sign 1) or highest (sign -1) y of the edges over each column's centre, in out [w]; else -+1e6."""
    w = out.shape[0]
    for x in range(w):
        out[x] = np.float32(-1e6 * sign)
    fx0 = np.float32(x0)
    for e in range(edges.shape[0]):
        a, b = edges[e, 0], edges[e, 1]
        xa, ya, xb, yb = points[0, a] - fx0, points[1, a], points[0, b] - fx0, points[1, b]
        if xa > xb:
            xa, ya, xb, yb = xb, yb, xa, ya
        first, last = max(int(np.ceil(xa)), 0), min(int(np.floor(xb)), w - 1)
        if first > last:
            continue
        slope = (yb - ya) / max(xb - xa, np.float32(1e-6))
        for x in range(first, last + 1):
            y = ya + slope * (np.float32(x) - xa)
            if sign > 0:
                out[x] = max(out[x], y)
            else:
                out[x] = min(out[x], y)


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def finish(points: F32, corners: NDArray[np.int32], x0: int, top: F32, low: F32, work: F32) -> None:
    """Closes the opening beyond its corners and softens both bounds along x by 1-2-1; work [w]."""
    half = np.float32(0.5)
    left = half * (points[0, corners[0, 0]] + points[0, corners[0, 1]]) - np.float32(x0)
    right = half * (points[0, corners[1, 0]] + points[0, corners[1, 1]]) - np.float32(x0)
    w = top.shape[0]
    for x in range(w):
        if np.float32(x) < left or np.float32(x) > right or top[x] < np.float32(-1e5) or low[x] > np.float32(1e5):
            top[x] = np.float32(1e6)
            low[x] = np.float32(-1e6)
    for line in (top, low):
        work[:] = line
        for x in range(1, w - 1):
            if abs(work[x - 1]) < 1e5 and abs(work[x]) < 1e5 and abs(work[x + 1]) < 1e5:
                line[x] = np.float32(0.25) * (work[x - 1] + np.float32(2) * work[x] + work[x + 1])


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _pick(plate: U8, x: np.float32, y: np.float32, c: int) -> tuple[np.float32, np.float32, np.float32]:
    h, w = plate.shape[0], plate.shape[1]
    x = min(max(x, np.float32(0)), np.float32(w - 1.001))
    y = min(max(y, np.float32(0)), np.float32(h - 1.001))
    ix, iy = int(x), int(y)
    u, v = x - np.float32(ix), y - np.float32(iy)
    one = np.float32(1)
    p, q, r, s = (one - u) * (one - v), u * (one - v), (one - u) * v, u * v
    a = p * plate[iy, ix, c] + q * plate[iy, ix + 1, c] + r * plate[iy + 1, ix, c] + s * plate[iy + 1, ix + 1, c]
    c1, c2 = c + 1, c + 2
    b = p * plate[iy, ix, c1] + q * plate[iy, ix + 1, c1] + r * plate[iy + 1, ix, c1] + s * plate[iy + 1, ix + 1, c1]
    d = p * plate[iy, ix, c2] + q * plate[iy, ix + 1, c2] + r * plate[iy + 1, ix, c2] + s * plate[iy + 1, ix + 1, c2]
    return a, b, d


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def skin(
    points: F32,
    other: F32,
    share: F32,
    gain: np.float32,
    blend: F32,
    tri: NDArray[np.int32],
    rest: F32,
    ids: NDArray[np.int32],
    bary: F32,
    x0: int,
    y0: int,
    shift: F32,
    gx0: int,
    gy0: int,
    step: int,
    neutral: U8,
    second: U8,
    out: F32,
) -> None:
    """Colours the window's skin into out float32 [h,w,3] (Y, U, V) from the portrait and, by share*gain, another plate.

    Where the mesh covers a pixel its source is the mesh's, elsewhere the grid's; `blend` fades one into the other.
    """
    h, w = ids.shape
    one = np.float32(1)
    inv = np.float32(1.0 / step)
    for y in range(h):
        for x in range(w):
            fx, fy = np.float32(x + x0), np.float32(y + y0)
            ox, oy = _at(shift, np.float32(y + y0 - gy0) * inv, np.float32(x + x0 - gx0) * inv)
            t = ids[y, x]
            if t < 0:
                out[y, x, 0], out[y, x, 1], out[y, x, 2] = _pick(neutral, fx - ox, fy - oy, 0)
                continue
            a, b, c = tri[t, 0], tri[t, 1], tri[t, 2]
            u, v = bary[0, y, x], bary[1, y, x]
            s = one - u - v
            f = u * blend[a] + v * blend[b] + s * blend[c]
            mx = u * rest[0, a] + v * rest[0, b] + s * rest[0, c]
            my = u * rest[1, a] + v * rest[1, b] + s * rest[1, c]
            sx = (one - f) * (fx - ox) + f * mx
            sy = (one - f) * (fy - oy) + f * my
            k = min(one, gain * (u * share[a] + v * share[b] + s * share[c]))
            if k < np.float32(0.996):
                cy, cu, cv = _pick(neutral, sx, sy, 0)
            else:
                cy, cu, cv = np.float32(0), np.float32(0), np.float32(0)
            if k > np.float32(0.004):
                px = u * other[0, a] + v * other[0, b] + s * other[0, c]
                py = u * other[1, a] + v * other[1, b] + s * other[1, c]
                dy, du, dv = _pick(second, px, py, 0)
                cy, cu, cv = cy + k * (dy - cy), cu + k * (du - cu), cv + k * (dv - cv)
            out[y, x, 0], out[y, x, 1], out[y, x, 2] = cy, cu, cv


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _covered(y: int, top: np.float32, low: np.float32) -> np.float32:
    half = np.float32(0.5)
    share = min(low, np.float32(y) + half) - max(top, np.float32(y) - half)
    return min(max(share, np.float32(0)), np.float32(1))


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _edge_skin(out: F32, ids: NDArray[np.int32], y: int, x: int, y0: int, middle: np.float32) -> int:
    """Row of the nearest skin over or under a pixel that the mesh leaves open."""
    h = ids.shape[0]
    way = -1 if np.float32(y + y0) < middle else 1
    for n in range(1, 4):
        r = y + way * n
        if 0 <= r < h and ids[r, x] >= 0:
            return r
    return y


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def mouth(
    top: F32,
    low: F32,
    x0: int,
    y0: int,
    ids: NDArray[np.int32],
    inverse: F32,
    layers: U8,
    lx0: int,
    ly0: int,
    cavity: F32,
    shade: F32,
    out: F32,
) -> None:
    """Fills the opening between the lips: throat, tongue, lower teeth, upper teeth, in the shadow of the upper lip.

    inverse float32 [3,6]: plate x = m0 + m1*x + m2*y, plate y = m3 + m4*x + m5*y per layer, back to front;
    layers uint8 [3,h,w,4] Y, U, V, alpha; shade float32 [3]: light at the lip, rows it takes to full light, its amount.
    """
    h, w = ids.shape
    one = np.float32(1)
    for x in range(w):
        if not low[x] > top[x]:
            continue
        middle = np.float32(0.5) * (top[x] + low[x])
        first = max(int(np.floor(top[x] + np.float32(0.5))) - y0, 0)
        last = min(int(np.ceil(low[x] - np.float32(0.5))) - y0, h - 1)
        for y in range(first, last + 1):
            k = _covered(y + y0, top[x], low[x])
            if k <= 0:
                continue
            fx, fy = np.float32(x + x0), np.float32(y + y0)
            cy, cu, cv = cavity[0], cavity[1], cavity[2]
            for n in range(3):
                m = inverse[n]
                px = m[0] + m[1] * fx + m[2] * fy - np.float32(lx0)
                py = m[3] + m[4] * fx + m[5] * fy - np.float32(ly0)
                if px < 0 or py < 0 or px > layers.shape[2] - 2 or py > layers.shape[1] - 2:
                    continue
                a = _alpha(layers[n], px, py)
                if a > np.float32(0.004):
                    dy, du, dv = _pick(layers[n], px, py, 0)
                    cy, cu, cv = cy + a * (dy - cy), cu + a * (du - cu), cv + a * (dv - cv)
            light = shade[0] + (one - shade[0]) * min(one, max(fy - top[x], np.float32(0)) * shade[1])
            light *= shade[2]
            cy = np.float32(16) + (cy - np.float32(16)) * light
            cu = np.float32(128) + (cu - np.float32(128)) * light
            cv = np.float32(128) + (cv - np.float32(128)) * light
            r = y
            if k < one and ids[y, x] < 0:
                r = _edge_skin(out, ids, y, x, y0, middle)
            for c in range(3):
                layer = cy if c == 0 else (cu if c == 1 else cv)
                out[y, x, c] = out[r, x, c] + k * (layer - out[r, x, c])


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _alpha(layer: U8, x: np.float32, y: np.float32) -> np.float32:
    ix, iy = int(x), int(y)
    u, v = x - np.float32(ix), y - np.float32(iy)
    one = np.float32(1)
    a = (one - u) * layer[iy, ix, 3] + u * layer[iy, ix + 1, 3]
    b = (one - u) * layer[iy + 1, ix, 3] + u * layer[iy + 1, ix + 1, 3]
    return np.float32((a + v * (b - a)) * np.float32(1 / 255))


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def eye(
    top: F32,
    low: F32,
    rest_top: F32,
    x0: int,
    y0: int,
    ids: NDArray[np.int32],
    inverse: F32,
    eyes: U8,
    light: F32,
    shadow: F32,
    out: F32,
) -> None:
    """Fills the opening between the lids with the eyeball under its lid's light.

    inverse [6] as in `mouth`; eyes uint8 [h,w,3] RGB; light float32 [h,w,3] of this window, RGB gain;
    rest_top [w]: the upper lid's edge in the portrait; shadow [2]: depth of the shadow that a lowered lid throws, and
    one over its length in pixels.
    """
    h, w = ids.shape
    one = np.float32(1)
    for x in range(w):
        if not low[x] > top[x]:
            continue
        middle = np.float32(0.5) * (top[x] + low[x])
        first = max(int(np.floor(top[x] + np.float32(0.5))) - y0, 0)
        last = min(int(np.ceil(low[x] - np.float32(0.5))) - y0, h - 1)
        down = min(max(top[x] - rest_top[x], np.float32(0)) * np.float32(0.5), one)
        for y in range(first, last + 1):
            k = _covered(y + y0, top[x], low[x])
            if k <= 0:
                continue
            fx, fy = np.float32(x + x0), np.float32(y + y0)
            px = inverse[0] + inverse[1] * fx + inverse[2] * fy
            py = inverse[3] + inverse[4] * fx + inverse[5] * fy
            red, green, blue = _pick(eyes, px, py, 0)
            dim = one - shadow[0] * down * max(np.float32(0), one - (fy - top[x]) * shadow[1])
            red = min(red * light[y, x, 0] * dim, np.float32(255))
            green = min(green * light[y, x, 1] * dim, np.float32(255))
            blue = min(blue * light[y, x, 2] * dim, np.float32(255))
            cy = np.float32(16) + red * np.float32(0.25679) + green * np.float32(0.50413) + blue * np.float32(0.09791)
            cu = np.float32(128) - red * np.float32(0.14822) - green * np.float32(0.29099) + blue * np.float32(0.43922)
            cv = np.float32(128) + red * np.float32(0.43922) - green * np.float32(0.36779) - blue * np.float32(0.07143)
            r = y
            if k < one and ids[y, x] < 0:
                r = _edge_skin(out, ids, y, x, y0, middle)
            for c in range(3):
                layer = cy if c == 0 else (cu if c == 1 else cv)
                out[y, x, c] = out[r, x, c] + k * (layer - out[r, x, c])


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def put(window: F32, x0: int, y0: int, margin: int, luma: U8, blue: U8, red: U8) -> None:
    """Writes a window float32 [h,w,3] into the canvas planes; x0, y0 and the window's sides are even."""
    h, w = window.shape[0], window.shape[1]
    half = np.float32(0.5)
    quarter = np.float32(0.25)
    for y in range(h):
        row = luma[y + y0 + margin]
        for x in range(w):
            row[x + x0 + margin] = np.uint8(min(max(window[y, x, 0], np.float32(0)), np.float32(255)) + half)
    cx, cy, cm = x0 // 2, y0 // 2, margin // 2
    for y in range(h // 2):
        for x in range(w // 2):
            a, b = 2 * y, 2 * x
            for c in (1, 2):
                v = window[a, b, c] + window[a, b + 1, c] + window[a + 1, b, c] + window[a + 1, b + 1, c]
                plane = blue if c == 1 else red
                plane[y + cy + cm, x + cx + cm] = np.uint8(v * quarter + half)


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def place(weights: F32, base: F32, fit: F32, out: F32) -> None:
    """Inverse of a layer's affine motion: out [6] takes a pixel to the layer's plate.

    fit float32 [53,6]: rows 0..51 the motion per unit of weight beyond `base` [52] (b_x, A_xx, A_xy, b_y, A_yx, A_yy
    about a centre), row 52 the centre (x, y).
    """
    bx, by = np.float32(0), np.float32(0)
    axx, axy, ayx, ayy = np.float32(1), np.float32(0), np.float32(0), np.float32(1)
    for k in range(52):
        w = weights[k] - base[k]
        if w != 0:
            bx += w * fit[k, 0]
            axx += w * fit[k, 1]
            axy += w * fit[k, 2]
            by += w * fit[k, 3]
            ayx += w * fit[k, 4]
            ayy += w * fit[k, 5]
    det = axx * ayy - axy * ayx
    if abs(det) < np.float32(0.2):
        det = np.float32(0.2)
    cx, cy = fit[52, 0], fit[52, 1]
    ixx, ixy, iyx, iyy = ayy / det, -axy / det, -ayx / det, axx / det
    tx, ty = -cx - bx, -cy - by
    out[0], out[1], out[2] = cx + ixx * tx + ixy * ty, ixx, ixy
    out[3], out[4], out[5] = cy + iyx * tx + iyy * ty, iyx, iyy
