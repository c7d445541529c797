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
def winners(points: F32, edges: NDArray[np.int32], x0: int, line: F32, wins: NDArray[np.bool_]) -> None:
    """Marks the edges that lie on a bound that `bound` gave."""
    for e in range(edges.shape[0]):
        a, b = edges[e, 0], edges[e, 1]
        xa, ya, xb, yb = points[0, a] - x0, points[1, a], points[0, b] - x0, points[1, b]
        if xa > xb:
            xa, ya, xb, yb = xb, yb, xa, ya
        first, last = max(int(np.ceil(xa)), 0), min(int(np.floor(xb)), line.shape[0] - 1)
        slope = (yb - ya) / max(xb - xa, 1e-6)
        for x in range(first, last + 1):
            if abs(ya + slope * (x - xa) - line[x]) < 1e-3:
                wins[e] = True


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


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy", inline="always")
def _pick(plate: F32, x: np.float32, y: np.float32) -> tuple[np.float32, np.float32, np.float32, np.float32]:
    """Bilinear sample of a plate float32 [h,w,4]."""
    h, w = plate.shape[0], plate.shape[1]
    x = min(max(x, np.float32(0)), np.float32(w) - np.float32(1.01))
    y = min(max(y, np.float32(0)), np.float32(h) - np.float32(1.01))
    j, i = np.uint64(int(x)), np.uint64(int(y))
    k, m = j + np.uint64(1), i + np.uint64(1)
    u, v = x - np.float32(int(x)), y - np.float32(int(y))
    one = np.float32(1)
    p, q, r, s = (one - u) * (one - v), u * (one - v), (one - u) * v, u * v
    return (
        p * plate[i, j, 0] + q * plate[i, k, 0] + r * plate[m, j, 0] + s * plate[m, k, 0],
        p * plate[i, j, 1] + q * plate[i, k, 1] + r * plate[m, j, 1] + s * plate[m, k, 1],
        p * plate[i, j, 2] + q * plate[i, k, 2] + r * plate[m, j, 2] + s * plate[m, k, 2],
        p * plate[i, j, 3] + q * plate[i, k, 3] + r * plate[m, j, 3] + s * plate[m, k, 3],
    )


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def skin(
    vertices: F32,
    tri: NDArray[np.int32],
    ids: NDArray[np.int32],
    bary: F32,
    x0: int,
    y0: int,
    shift: F32,
    gx0: int,
    gy0: int,
    step: int,
    neutral: F32,
    second: F32,
    plate_x: int,
    plate_y: int,
    out: F32,
) -> None:
    """Colours the window's skin into out float32 [h,w,4] (Y, U, V, 1) from the portrait and a second plate.

    Where the mesh covers a pixel its source is the mesh's, faded into the grid's by `blend`; where it does not, nothing
    is drawn and out holds 0 in its fourth channel. vertices [n,6]: place in the portrait, blend, how far the second
    plate takes over, place in it. neutral, second: float32 [h,w,4] with corner (plate_x, plate_y).
    """
    h, w = ids.shape
    one = np.float32(1)
    inv = np.float32(1.0 / step)
    cx, cy = np.float32(plate_x), np.float32(plate_y)
    for y in range(h):
        for x in range(w):
            t = ids[y, x]
            if t < 0:
                out[y, x, 3] = 0
                continue
            a, b, c = np.uint64(tri[t, 0]), np.uint64(tri[t, 1]), np.uint64(tri[t, 2])
            u, v = bary[0, y, x], bary[1, y, x]
            s = one - u - v
            sx = u * vertices[a, 0] + v * vertices[b, 0] + s * vertices[c, 0]
            sy = u * vertices[a, 1] + v * vertices[b, 1] + s * vertices[c, 1]
            f = u * vertices[a, 2] + v * vertices[b, 2] + s * vertices[c, 2]
            if f < np.float32(0.99):
                ox, oy = _at(shift, np.float32(y + y0 - gy0) * inv, np.float32(x + x0 - gx0) * inv)
                sx += (one - f) * (np.float32(x + x0) - ox - sx)
                sy += (one - f) * (np.float32(y + y0) - oy - sy)
            n0, n1, n2, n3 = _pick(neutral, sx - cx, sy - cy)
            k = min(one, u * vertices[a, 3] + v * vertices[b, 3] + s * vertices[c, 3])
            if k > np.float32(0.004):
                px = u * vertices[a, 4] + v * vertices[b, 4] + s * vertices[c, 4]
                py = u * vertices[a, 5] + v * vertices[b, 5] + s * vertices[c, 5]
                m0, m1, m2, m3 = _pick(second, px - cx, py - cy)
                n0, n1, n2, n3 = n0 + k * (m0 - n0), n1 + k * (m1 - n1), n2 + k * (m2 - n2), n3 + k * (m3 - n3)
            out[y, x, 0] = n0
            out[y, x, 1] = n1
            out[y, x, 2] = n2
            out[y, x, 3] = one


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _row(t: int, bary: F32, tri: NDArray[np.int32], rest: F32, y: int, x: int) -> np.float32:
    """Row of the portrait that triangle t shows at a pixel."""
    u, v = bary[0, y, x], bary[1, y, x]
    s = np.float32(1) - u - v
    return np.float32(u * rest[1, tri[t, 0]] + v * rest[1, tri[t, 1]] + s * rest[1, tri[t, 2]])


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def seam(
    top: F32,
    low: F32,
    y0: int,
    ids: NDArray[np.int32],
    bary: F32,
    tri: NDArray[np.int32],
    rest: F32,
    side: NDArray[np.int8],
    line: F32,
    out: F32,
) -> None:
    """Antialiases the line where the two sides touch: the pixel it runs through gets both colours by their share.

    The line is taken through the steps that the depth test left, smoothed along x. Where the portrait runs on across
    it, as in a face at rest, nothing is mixed. line [w] is scratch.
    """
    h, w = ids.shape
    half, none = np.float32(0.5), np.float32(-1)
    for x in range(w):
        line[x] = none
        if top[x] > np.float32(1e5) or low[x] - top[x] > np.float32(1.5):
            continue
        first = max(int(min(top[x], low[x])) - y0 - 3, 0)
        last = min(int(max(top[x], low[x])) - y0 + 4, h - 1)
        for y in range(first, last):
            a, b = ids[y, x], ids[y + 1, x]
            if a >= 0 and b >= 0 and side[a] > 0 and side[b] < 0:
                line[x] = np.float32(y)
                break
    for x in range(2, w - 2):
        if line[x] < 0:
            continue
        total, weight = np.float32(0), np.float32(0)
        for k in range(-2, 3):
            if line[x + k] >= 0 and abs(line[x + k] - line[x]) < np.float32(2.5):
                share = np.float32(3 - abs(k))
                total += share * line[x + k]
                weight += share
        y = int(line[x])
        jump = _row(ids[y + 1, x], bary, tri, rest, y + 1, x) - _row(ids[y, x], bary, tri, rest, y, x)
        t = min(max(total / weight - line[x], -half), half) * min(abs(jump - np.float32(1)), np.float32(1))
        for c in range(3):
            if t > 0:
                out[y + 1, x, c] += t * (out[y, x, c] - out[y + 1, x, c])
            else:
                out[y, x, c] -= t * (out[y + 1, x, c] - out[y, x, c])


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _covered(y: int, top: np.float32, low: np.float32) -> np.float32:
    half = np.float32(0.5)
    share = min(low, np.float32(y) + half) - max(top, np.float32(y) - half)
    return min(max(share, np.float32(0)), np.float32(1))


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _edge_skin(ids: NDArray[np.int32], y: int, x: int, y0: int, middle: np.float32) -> int:
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
    layers: F32,
    gains: F32,
    lx0: int,
    ly0: int,
    cavity: F32,
    shade: F32,
    out: F32,
) -> None:
    """Fills the opening between the lips: throat, tongue, lower teeth, upper teeth, in the shadow of the upper lip.

    inverse float32 [4,6]: plate x = m0 + m1*x + m2*y, plate y = m3 + m4*x + m5*y per layer, back to front;
    layers float32 [4,h,w,4] Y, U, V, alpha 0..1; gains [4]: how far each shows; shade [3]: light at
    the lip, one over the rows it takes to full light, its amount.
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
            for n in range(layers.shape[0]):
                if gains[n] == 0:
                    continue
                m = inverse[n]
                px = m[0] + m[1] * fx + m[2] * fy - np.float32(lx0)
                py = m[3] + m[4] * fx + m[5] * fy - np.float32(ly0)
                if px < 0 or py < 0 or px > layers.shape[2] - 2 or py > layers.shape[1] - 2:
                    continue
                dy, du, dv, a = _pick(layers[n], px, py)
                a *= gains[n]
                cy, cu, cv = cy + a * (dy - cy), cu + a * (du - cu), cv + a * (dv - cv)
            light = shade[0] + (one - shade[0]) * min(one, max(fy - top[x], np.float32(0)) * shade[1])
            light *= shade[2]
            cy = np.float32(16) + (cy - np.float32(16)) * light
            cu = np.float32(128) + (cu - np.float32(128)) * light
            cv = np.float32(128) + (cv - np.float32(128)) * light
            r = y
            if ids[y, x] < 0:
                r = _edge_skin(ids, y, x, y0, middle) if k < one else y
                k = one if r == y else k
            k0 = np.float32(0) if k == one else one - k
            out[y, x, 0] = k * cy + k0 * out[r, x, 0]
            out[y, x, 1] = k * cu + k0 * out[r, x, 1]
            out[y, x, 2] = k * cv + k0 * out[r, x, 2]
            out[y, x, 3] = one


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def eye(
    top: F32,
    low: F32,
    rest_top: F32,
    x0: int,
    y0: int,
    ids: NDArray[np.int32],
    inverse: F32,
    eyes: F32,
    light: F32,
    shadow: F32,
    plate_x: int,
    plate_y: int,
    out: F32,
) -> None:
    """Fills the opening between the lids with the eyeball under its lid's light.

    inverse [6] as in `mouth`; eyes float32 [h,w,4] RGB with corner (plate_x, plate_y); light float32 [h,w,3] of
    this window, RGB gain;
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
            red, green, blue, _ = _pick(eyes, px - np.float32(plate_x), py - np.float32(plate_y))
            dim = one - shadow[0] * down * max(np.float32(0), one - (fy - top[x]) * shadow[1])
            red = min(red * light[y, x, 0] * dim, np.float32(255))
            green = min(green * light[y, x, 1] * dim, np.float32(255))
            blue = min(blue * light[y, x, 2] * dim, np.float32(255))
            cy = np.float32(16) + red * np.float32(0.25679) + green * np.float32(0.50413) + blue * np.float32(0.09791)
            cu = np.float32(128) - red * np.float32(0.14822) - green * np.float32(0.29099) + blue * np.float32(0.43922)
            cv = np.float32(128) + red * np.float32(0.43922) - green * np.float32(0.36779) - blue * np.float32(0.07143)
            r = y
            if ids[y, x] < 0:
                r = _edge_skin(ids, y, x, y0, middle) if k < one else y
                k = one if r == y else k
            k0 = np.float32(0) if k == one else one - k
            out[y, x, 0] = k * cy + k0 * out[r, x, 0]
            out[y, x, 1] = k * cu + k0 * out[r, x, 1]
            out[y, x, 2] = k * cv + k0 * out[r, x, 2]
            out[y, x, 3] = one


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def put(window: F32, x0: int, y0: int, margin: int, luma: U8, blue: U8, red: U8) -> None:
    """Writes the drawn pixels of a window float32 [h,w,4] into the canvas planes; x0, y0 and its sides are even."""
    h, w = window.shape[0], window.shape[1]
    half, quarter, four = np.float32(0.5), np.float32(0.25), np.float32(3.5)
    zero, top = np.float32(0), np.float32(255)
    cx, cy = (x0 + margin) // 2, (y0 + margin) // 2
    for y in range(0, h, 2):
        a, b = window[y], window[y + 1]
        upper, lower = luma[y + y0 + margin, x0 + margin :], luma[y + 1 + y0 + margin, x0 + margin :]
        for x in range(0, w, 2):
            p, q, r, s = a[x, 3], a[x + 1, 3], b[x, 3], b[x + 1, 3]
            drawn = p + q + r + s
            if drawn == 0:
                continue
            if p > 0:
                upper[x] = np.uint8(min(max(a[x, 0], zero), top) + half)
            if q > 0:
                upper[x + 1] = np.uint8(min(max(a[x + 1, 0], zero), top) + half)
            if r > 0:
                lower[x] = np.uint8(min(max(b[x, 0], zero), top) + half)
            if s > 0:
                lower[x + 1] = np.uint8(min(max(b[x + 1, 0], zero), top) + half)
            if drawn > four:
                u = (a[x, 1] + a[x + 1, 1] + b[x, 1] + b[x + 1, 1]) * quarter + half
                v = (a[x, 2] + a[x + 1, 2] + b[x, 2] + b[x + 1, 2]) * quarter + half
                blue[y // 2 + cy, x // 2 + cx] = np.uint8(u)
                red[y // 2 + cy, x // 2 + cx] = np.uint8(v)


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
