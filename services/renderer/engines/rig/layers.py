"""What lies behind the openings of the face: three mouth layers and the eyeballs, made from plates once per persona."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flashback.media.blendshapes import index
from services.renderer.engines.rig import files
from services.renderer.engines.rig.blur import fill, gaussian
from services.renderer.engines.rig.files import F32, Plates, RigData
from services.renderer.engines.rig.raster import rasterise

LOWER = (files.GUM_LOW, files.TEETH_LOW)
MOUTH_PARTS = ((files.TONGUE,), LOWER, (files.TONGUE,), (files.GUM_UP, files.TEETH_UP))
"""Back to front. The tongue comes twice: the second time it is drawn as far as it lies between the teeth."""
TONGUE_BETWEEN = 2
TEETH_LIGHT = 1.0
"""Brightness of the upper teeth as a share of the lower ones; the plate has them in the shadow of the lip."""
CAVITY_LIGHT = 0.22
"""Brightness of the throat as a share of the tongue's."""

CLEAR_M, DARK_M, DEEP = 0.005, 0.014, 0.85
"""Metres behind a layer's foremost point where it begins to darken, over how many it does, and how much."""
_FAR_M = 1e6


@dataclass(frozen=True)
class MouthLayers:
    """Layers back to front (see MOUTH_PARTS) in coordinates of the plate with the mouth wide open.

    colour: float32 [4,h,w,3] RGB 0..255 with no holes; alpha: float32 [4,h,w] 0..1; the window's corner is (x0, y0);
    cavity: float32 [3] RGB, what is seen behind them.
    """

    x0: int
    y0: int
    colour: F32
    alpha: F32
    cavity: F32


def _draw(points: F32, depth: F32, tri: NDArray[np.int32], n: int) -> tuple[NDArray[np.int32], F32]:
    """Triangle in front at each of n x n pixels (-1 for none) and its depth."""
    p = np.concatenate([points.T, depth[None]]).astype(np.float32)
    ids, near = np.empty((n, n), np.int32), np.empty((n, n), np.float32)
    rasterise(p, np.ascontiguousarray(tri), 0, 0, False, ids, np.empty((2, n, n), np.float32), near)
    return ids, near


def cover(points: F32, depth: F32, tri: NDArray[np.int32], size: int, fine: int = 3) -> F32:
    """Share of each pixel covered by triangles, float32 [size,size] 0..1, from fine x fine samples."""
    ids, _ = _draw((points + 0.5) * fine - 0.5, depth, tri, size * fine)
    return np.asarray((ids >= 0).reshape(size, fine, size, fine).mean((1, 3)), np.float32)


def _front(rig: RigData) -> NDArray[np.int32]:
    """Which mouth part (tri_part) is in front at each pixel of the interior plate, -1 for none."""
    mouth = (rig.tri_part >= files.LINING) & (rig.tri_part <= files.TONGUE)
    ids, _ = _draw(rig.plate_open, rig.depth + rig.ddepth[index("jawOpen")], rig.tri[mouth], rig.size)
    return np.where(ids >= 0, rig.tri_part[mouth][ids].astype(np.int32), -1)


def _opening(rig: RigData) -> F32:
    """Share of each pixel of the interior plate that is seen between the lips with the mouth wide open."""
    jaw = index("jawOpen")
    lips = np.maximum(rig.groups["upperLip"], rig.groups["lowerLip"]) > 0.02
    skin = cover(rig.plate_open, rig.depth + rig.ddepth[jaw], rig.tri[rig.tri_part == files.SKIN], rig.size)
    inside = rig.plate_open[lips]
    box = np.zeros((rig.size, rig.size), np.float32)
    (xa, ya), (xb, yb) = inside.min(0).astype(int), inside.max(0).astype(int)
    box[ya:yb, xa:xb] = 1
    return (1 - skin) * box


def light_teeth(rig: RigData, plates: Plates) -> NDArray[np.uint8]:
    """The interior plate with its upper teeth lit like the lower ones, uint8 RGB."""
    front, seen = _front(rig), _opening(rig) > 0.99
    picture = plates.interior.astype(np.float32)
    up = (front == files.TEETH_UP) & seen
    low = (front == files.TEETH_LOW) & seen
    if up.sum() < 4 or low.sum() < 4:
        return plates.interior
    tone_up, tone_low = np.percentile(picture[up], 70, 0), np.percentile(picture[low], 70, 0)
    gain = np.clip(TEETH_LIGHT * tone_low / np.maximum(tone_up, 1), 0.8, 3.0)
    share = gaussian(np.isin(front, (files.TEETH_UP, files.GUM_UP)).astype(np.float32), 0.6 * rig.size / 512)
    lit = picture * (1 + share[..., None] * (gain - 1).astype(np.float32))
    return np.asarray(np.clip(lit + 0.5, 0, 255), np.uint8)


def mouth_layers(rig: RigData, interior: NDArray[np.uint8]) -> MouthLayers:
    """Cuts the (graded) interior plate into layers; what one part hides of another is filled in from around it."""
    jaw = index("jawOpen")
    depth = rig.depth + rig.ddepth[jaw]
    front, seen = _front(rig), _opening(rig) > 0.95
    picture = interior.astype(np.float32)
    parts = np.isin(rig.vertex_part, [q for group in MOUTH_PARTS for q in group])
    lo = np.maximum(np.floor(rig.plate_open[parts].min(0)).astype(int) - 4, 0)
    hi = np.minimum(np.ceil(rig.plate_open[parts].max(0)).astype(int) + 5, rig.size)
    cut = (slice(lo[1], hi[1]), slice(lo[0], hi[0]))
    colour, alpha = [], []
    for group in MOUTH_PARTS:
        tri = rig.tri[np.isin(rig.tri_part, group)]
        shown = (np.isin(front, group) & seen)[cut].astype(np.float32)
        firm = np.clip(3 * gaussian(shown, 0.9 * rig.size / 512) - 2, 0, 1)
        firm = firm if firm.sum() > 4 else shown
        _, near = _draw(rig.plate_open, depth, tri, rig.size)
        there = near[cut] < _FAR_M
        far = fill(np.where(there, near[cut], 0)[..., None], there.astype(np.float32), 2.0)
        deep = DEEP if group == LOWER else 0.0
        dim = 1 - deep * np.clip((far - far[there].min() - CLEAR_M) / DARK_M, 0, 1)
        colour.append(fill(picture[cut], firm, 1.2 * rig.size / 512) * dim)
        alpha.append(cover(rig.plate_open, depth, tri, rig.size)[cut])
    tongue = (front == files.TONGUE) & seen
    dark = CAVITY_LIGHT * np.percentile(picture[tongue], 50, 0) if tongue.any() else np.array([20.0, 8.0, 8.0])
    return MouthLayers(
        x0=int(lo[0]), y0=int(lo[1]), colour=np.stack(colour), alpha=np.stack(alpha), cavity=dark.astype(np.float32)
    )


def eye_shade(rig: RigData, plates: Plates) -> F32:
    """Light that lids and lashes leave on the eyeballs, as a ratio float32 [size,size,3].

    The eyes plate is rendered without lids; the ratio of the portrait to it, smoothed, is the lid's shadow.
    """
    n = rig.size
    keep = np.isin(rig.tri_part, (files.SKIN, files.EYE_LEFT, files.EYE_RIGHT))
    ids, _ = _draw(rig.xy, rig.depth, rig.tri[keep], n)
    eye = np.where(ids >= 0, rig.tri_part[keep][ids], 0) >= files.EYE_LEFT
    known = eye.astype(np.float32)
    s = 1.6 * n / 512
    den = gaussian(known, s)
    ratio = (gaussian(plates.neutral * known[..., None], s) + 1) / (gaussian(plates.eyes * known[..., None], s) + 2)
    k = (den > 0.02).astype(np.float32)
    far = gaussian(ratio * k[..., None], 6 * s) / (gaussian(k, 6 * s)[..., None] + 1e-4)
    return np.asarray(np.clip(np.where(k[..., None] > 0, ratio, np.where(far > 0, far, 1)), 0.15, 1.4), np.float32)
