"""Textures of the GLB: 8-bit pictures [H,W,3 or 4], sRGB colour."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from ..arrays import Array
from ..geometry.vectors import unit
from ..rigged import Rigged


def srgb8(lin: Array) -> Array:
    """Linear colour 0..1 -> sRGB uint8 (IEC 61966-2-1)."""
    x = np.clip(lin, 0, 1)
    return (np.where(x < 0.0031308, 12.92 * x, 1.055 * np.power(x, 1 / 2.4) - 0.055) * 255 + 0.5).astype(np.uint8)


def brow_paint(rig: Rigged, res: int) -> Array:
    """Coverage float32 [res,res], 0..1, of the brow hairs, drawn in the atlas through the Jacobian of its triangles."""
    strands = rig.brows.strands(rig.v, rig.normals)
    uvt = np.concatenate([rig.uv[:, [0, 1, 2]], rig.uv[:, [0, 2, 3]]])[rig.brows.triangle]
    vt = rig.v[rig.surface.tri[rig.brows.triangle]]
    e1, e2 = vt[:, 1] - vt[:, 0], vt[:, 2] - vt[:, 0]
    n = unit(np.cross(e1, e2))
    M = np.stack([e1, e2, n], 2)
    loc = np.einsum("nij,nkj->nki", np.linalg.inv(M), strands - vt[:, None, 0])
    uv = (
        uvt[:, None, 0]
        + loc[..., :1] * (uvt[:, 1] - uvt[:, 0])[:, None]
        + loc[..., 1:2] * (uvt[:, 2] - uvt[:, 0])[:, None]
    )
    im = Image.new("L", (res * 2, res * 2), 0)
    d = ImageDraw.Draw(im)
    for q in uv * [res * 2, -res * 2] + [0, res * 2]:
        d.line([tuple(x) for x in q], fill=215, width=2)
    return cv2.resize(np.array(im), (res, res), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def normal_map(height: Array, mask: Array, mm_per_px: float, strength: float = 1.0) -> Array:
    """Tangent-space normals uint8 [H,W,3] of a relief [H,W] in millimetres; flat where mask bool [H,W] is False."""
    gx = cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=3) / 8 / mm_per_px * strength
    gy = cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=3) / 8 / mm_per_px * strength
    n = unit(np.stack([-gx, gy, np.ones_like(gx)], -1))
    n[~mask] = [0, 0, 1]
    return ((n * 0.5 + 0.5) * 255 + 0.5).astype(np.uint8)


def hair_card_texture(color: npt.ArrayLike, res: int = 256, seed: int = 4) -> Array:
    """A bundle of strands with soft tips, RGBA [2 res,res,4]; color is linear RGB."""
    rng = np.random.default_rng(seed)
    H, W = res * 2, res
    a = Image.new("L", (W * 2, H * 2), 0)
    s = Image.new("L", (W * 2, H * 2), 128)
    da, ds = ImageDraw.Draw(a), ImageDraw.Draw(s)
    for _ in range(760):
        x0 = rng.normal(0.5, 0.22) * W * 2
        y1 = H * 2 * rng.uniform(0.80, 1.0)
        y = np.linspace(H * 2 * rng.uniform(0, 0.07), y1, 14)  # ragged roots
        x = x0 + np.cumsum(rng.normal(0, 2.0, 14)) + (W - x0) * 0.10 * (y / (2 * H))
        pts = list(zip(x.tolist(), y.tolist(), strict=False))
        da.line(pts, fill=255, width=5)
        ds.line(pts, fill=int(np.clip(rng.normal(128, 46), 30, 250)), width=3)
    al = cv2.resize(np.array(a), (W, H), interpolation=cv2.INTER_AREA)
    sh = cv2.resize(np.array(s), (W, H), interpolation=cv2.INTER_AREA).astype(np.float32) / 128
    x = np.linspace(-1, 1, W)
    al = (al * np.clip(1.6 * (1 - np.abs(x) ** 3), 0, 1)[None]).astype(np.uint8)
    rgb = srgb8(np.array(color)[None, None] * 1.7 * np.clip(sh, 0.25, 2)[..., None])
    return np.dstack([rgb, al])


def lash_texture(res: int = 256, seed: int = 2) -> Array:
    """A row of lashes, RGBA [res/2,2 res,4]."""
    rng = np.random.default_rng(seed)
    im = Image.new("L", (res * 4, res), 0)
    d = ImageDraw.Draw(im)
    for _ in range(95):
        x = rng.uniform(0, res * 4)
        L = res * rng.uniform(0.55, 0.98)
        lean = rng.normal(0, 30)
        t = np.linspace(0, 1, 10)
        for k in range(9):
            d.line(
                [(x + lean * t[k], res - L * t[k]), (x + lean * t[k + 1], res - L * t[k + 1])],
                fill=255,
                width=max(1, int(9 * (1 - t[k]))),
            )
    al = cv2.resize(np.array(im), (res * 2, res // 2), interpolation=cv2.INTER_AREA)
    return np.dstack([np.full(al.shape + (3,), (14, 11, 9), np.uint8), al])


def stubble_texture(color: npt.ArrayLike, size: int = 256, seed: int = 3) -> Array:
    """Cut-out grain of a shorn scalp, RGBA [size,size,4]; color is linear RGB."""
    n = cv2.GaussianBlur(np.random.default_rng(seed).normal(0, 1, (size, size)), (0, 0), 1.1)
    n = np.clip(0.5 + n * 0.9, 0.1, 1.4)[..., None]
    rgb = srgb8(np.array(color)[None, None] * 1.6 * n)
    return np.dstack([rgb, np.clip(150 + 220 * (n[..., 0] - 0.5), 0, 255).astype(np.uint8)])
