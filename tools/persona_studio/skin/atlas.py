"""Texture atlas that magnifies the face, and drawing into it."""

from __future__ import annotations

import cv2
import numpy as np

from ..arrays import Array
from ..base.mesh import BaseMesh

HEAD, MOUTH, BODY, SOCKET_LEFT, SOCKET_RIGHT = range(5)
"""Islands of the atlas."""


def _warp1(t: Array, c: float, w: float, gain: float) -> Array:
    """Monotone map [0,1]->[0,1] that magnifies the neighbourhood of c (width w) by `gain`."""
    g = np.linspace(0, 1, 2001)
    dens = 1 + (gain - 1) * np.exp(-(((g - c) / w) ** 2))
    cum = np.concatenate([[0], np.cumsum((dens[1:] + dens[:-1]) / 2)])
    return np.interp(t, g, cum / cum[-1])


def atlas_uv(base: BaseMesh, faces: Array) -> tuple[Array, Array]:
    """Atlas coordinates [F,4,2] of the corners of body faces (indices [F]), and their islands int [F]."""
    uv = base.vt[base.ft[faces]]
    m = uv.mean(1)
    isl = np.full(len(uv), BODY)
    isl[(m[:, 0] > 0.752) & (m[:, 1] < 0.137)] = MOUTH
    head = (m[:, 0] > 0.641) & (m[:, 1] > 0.149)
    # the body shares the head's range of u below .752: the height of the face tells them apart
    y = base.v[base.f[faces]][:, :, 1].mean(1)
    x = np.abs(base.v[base.f[faces]][:, :, 0]).mean(1)
    head &= (y > 6.15) & (x < 0.9)
    isl[head] = HEAD
    sock = (m[:, 0] < 0.152) & (m[:, 1] > 0.546) & (m[:, 1] < 0.634) & (y > 7)
    isl[sock & (m[:, 0] < 0.08)] = SOCKET_LEFT
    isl[sock & (m[:, 0] > 0.08)] = SOCKET_RIGHT
    out = np.zeros_like(uv)
    k = isl == HEAD
    s = (uv[k][..., 1] - 0.149) / 0.669  # across the face (left-right)
    t = (uv[k][..., 0] - 0.641) / 0.353  # from the crown to the chin
    out[k] = np.stack([0.01 + 0.98 * _warp1(s, 0.5, 0.17, 2.6), 0.99 - 0.66 * _warp1(t, 0.70, 0.26, 2.2)], -1)
    k = isl == MOUTH
    out[k] = np.stack(
        [0.80 + 0.18 * (uv[k][..., 0] - 0.758) / 0.166, 0.02 + 0.13 * (uv[k][..., 1] - 0.012) / 0.124], -1
    )
    for code, x0 in ((SOCKET_LEFT, 0.80), (SOCKET_RIGHT, 0.90)):
        k = isl == code
        if k.any():
            lo, hi = uv[k].reshape(-1, 2).min(0), uv[k].reshape(-1, 2).max(0)
            out[k] = [x0, 0.18] + (uv[k] - lo) / (hi - lo) * [0.08, 0.11]
    k = isl == BODY
    if k.any():
        lo, hi = uv[k].reshape(-1, 2).min(0), uv[k].reshape(-1, 2).max(0)
        out[k] = [0.02, 0.02] + (uv[k] - lo) / (hi - lo) * [0.75, 0.28]
    return out, isl


def rasterize(uvc: Array, attrs: Array, res: int) -> tuple[Array, Array]:
    """Draws triangles with corners uvc [T,3,2] and attributes attrs [T,3,k].

    Returns the interpolated attributes float32 [res,res,k] and where anything was drawn, bool [res,res].
    """
    P = uvc * [res, res]
    P = np.stack([P[..., 0], res - P[..., 1]], -1)
    img = np.zeros((res, res, attrs.shape[2]), np.float32)
    msk = np.zeros((res, res), bool)
    lo = np.floor(P.min(1) - 0.5).astype(int)
    hi = np.ceil(P.max(1) + 0.5).astype(int)
    size = (hi - lo).max(1)
    a, b, c = P[:, 0], P[:, 1], P[:, 2]
    den = (b[:, 1] - c[:, 1]) * (a[:, 0] - c[:, 0]) + (c[:, 0] - b[:, 0]) * (a[:, 1] - c[:, 1])
    ok = np.abs(den) > 1e-9
    for s0, s1 in ((0, 8), (8, 16), (16, 32), (32, 64), (64, 4096)):
        idx = np.where(ok & (size > s0) & (size <= s1))[0]
        S = int(size[idx].max()) + 1 if len(idx) else 0
        for ch in np.array_split(idx, max(1, len(idx) * S * S // 4_000_000 + 1)) if len(idx) else []:
            gx = lo[ch, 0][:, None, None] + np.arange(S)[None, None, :] + 0 * np.arange(S)[None, :, None]
            gy = lo[ch, 1][:, None, None] + np.arange(S)[None, :, None] + 0 * np.arange(S)[None, None, :]
            px, py = gx + 0.5, gy + 0.5
            A, B, C, D = (q[ch][:, :, None, None] if q.ndim == 2 else q[ch][:, None, None] for q in (a, b, c, den))
            w0 = ((B[:, 1] - C[:, 1]) * (px - C[:, 0]) + (C[:, 0] - B[:, 0]) * (py - C[:, 1])) / D
            w1 = ((C[:, 1] - A[:, 1]) * (px - C[:, 0]) + (A[:, 0] - C[:, 0]) * (py - C[:, 1])) / D
            w2 = 1 - w0 - w1
            e = -0.02
            ins = (w0 >= e) & (w1 >= e) & (w2 >= e) & (gx >= 0) & (gy >= 0) & (gx < res) & (gy < res)
            ti, yy, xx = np.nonzero(ins)
            w = np.stack([w0[ti, yy, xx], w1[ti, yy, xx], w2[ti, yy, xx]], -1)
            img[gy[ti, yy, xx], gx[ti, yy, xx]] = (attrs[ch[ti]] * w[:, :, None]).sum(1)
            msk[gy[ti, yy, xx], gx[ti, yy, xx]] = True
    return img, msk


def dilate(img: Array, msk: Array, n: int = 24) -> Array:
    """img [H,W,k] with its drawn area (msk bool [H,W]) grown by n pixels of averaged neighbours."""
    out, m = img.copy(), msk.astype(np.uint8)
    k = np.ones((3, 3), np.uint8)
    for _ in range(n):
        m2 = cv2.dilate(m, k)
        new = (m2 > 0) & (m == 0)
        s = cv2.blur(out * m[..., None].astype(np.float32), (3, 3))
        w = cv2.blur(m.astype(np.float32), (3, 3))
        out[new] = s[new] / np.maximum(w[new], 1e-6)[:, None]
        m = m2
    return out
