"""Displacement of the visible skin as a coarse grid per face shape: the basis that one frame's warp is mixed from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flashback.media.blendshapes import index
from services.renderer.engines.rig import files
from services.renderer.engines.rig.blur import gaussian
from services.renderer.engines.rig.files import F32, RigData
from services.renderer.engines.rig.raster import rasterise

CELLS = 128
"""Grid cells across the picture, about."""


@dataclass(frozen=True)
class Field:
    """basis: float32 [52,2,gh,gw], pixels of shift right and down at weight 1, where the skin is in the portrait.

    Node (i,j) lies on pixel (x0 + j*step, y0 + i*step); the grid covers the pixels that can move. `moves` [52] bool.
    """

    x0: int
    y0: int
    step: int
    basis: F32
    moves: NDArray[np.bool_]


def skin_shift(rig: RigData) -> tuple[F32, F32, F32]:
    """Per pixel of the portrait: is skin in front (float32 [n,n]), its depth, and its shifts float32 [52,2,n,n]."""
    n = rig.size
    p = np.empty((3, len(rig.xy)), np.float32)
    p[:2], p[2] = rig.xy.T, rig.depth
    tri = rig.tri[rig.tri_part == files.SKIN]
    ids, bary = np.empty((n, n), np.int32), np.empty((2, n, n), np.float32)
    near = np.empty((n, n), np.float32)
    rasterise(p, tri, 0, 0, True, ids, bary, near)
    hit = ids >= 0
    corner = tri[ids[hit]]
    u, v = bary[0][hit], bary[1][hit]
    shift = np.zeros((52, 2, n, n), np.float32)
    for k in range(52):
        d = rig.dxy[k]
        shift[k][:, hit] = (
            u[:, None] * d[corner[:, 0]] + v[:, None] * d[corner[:, 1]] + (1 - u - v)[:, None] * d[corner[:, 2]]
        ).T
    return hit.astype(np.float32), near, shift


def _nearest(mask: NDArray[np.bool_], reach: int) -> tuple[NDArray[np.int64], F32]:
    """For each pixel the flat index of a nearest pixel of the mask, and the distance (2 * reach where none is near)."""
    n = mask.shape[0]
    best = np.full(mask.shape, 2.0 * reach, np.float32)
    where = np.arange(mask.size).reshape(mask.shape)
    origin = where.copy()
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1, 2):
            far = np.float32(np.hypot(dx, dy))
            if far > reach:
                continue
            ya, yb, xa, xb = max(0, -dy), min(n, n - dy), max(0, -dx), min(n, n - dx)
            there, here = (slice(ya + dy, yb + dy), slice(xa + dx, xb + dx)), (slice(ya, yb), slice(xa, xb))
            better = mask[there] & (best[here] > far)
            best[here][better] = far
            origin[here][better] = where[there][better]
    return origin, best


def _tie_neck(rig: RigData, skin: F32, depth: F32, shift: F32) -> None:
    """Lets the neck follow the chin with distance, so that the warp stays continuous where the chin hides the neck."""
    lip = rig.xy[rig.groups["lowerLip"] > 0.3]
    chin = rig.depth[rig.groups["lowerLip"] > 0.3].min()
    rows = np.arange(rig.size)[:, None]
    neck = (skin > 0) & (depth > chin + 0.048) & (rows > lip[:, 1].max())
    jaw = index("jawOpen")
    face = (skin > 0) & ~neck & (rows > lip[:, 1].mean()) & (np.abs(shift[jaw, 1]) > 0.005 * rig.size)
    reach = int(0.075 * rig.size)
    ya, yb = int(lip[:, 1].mean()) - reach, rig.size
    origin, far = _nearest(face, reach)
    share = np.clip(1 - far / reach, 0, 1) * neck
    share = share * share * (3 - 2 * share) * 0.5 + share * 0.5
    for k in np.flatnonzero(np.abs(shift[:, :, ya:yb]).max((1, 2, 3)) > 0.05):
        for axis in (0, 1):
            d = shift[k, axis]
            d += share * (d.ravel()[origin] - d)


def build_field(rig: RigData) -> Field:
    """Rasterises every shape's shift over the portrait, closes gaps, averages it onto the grid."""
    n = rig.size
    step = max(1, n // CELLS)
    cells = -(-n // step)
    skin, depth, shift = skin_shift(rig)
    _tie_neck(rig, skin, depth, shift)
    half = step // 2

    def to_grid(image: F32) -> F32:
        wide = np.pad(image, [(half, step)] * 2)
        return np.asarray(wide[: cells * step, : cells * step].reshape(cells, step, cells, step).mean((1, 3)))

    weight = to_grid(skin)
    soft = gaussian(weight, 2.2)
    basis = np.zeros((52, 2, cells, cells), np.float32)
    for k in range(52):
        for axis in (0, 1):
            total = to_grid(shift[k, axis] * skin)
            beyond = gaussian(total, 2.2) / (soft + 0.06)
            basis[k, axis] = np.where(weight > 0.4, total / np.maximum(weight, 1e-6), beyond)
    limit = 0.04 * n / 512
    moving = np.abs(basis).max((0, 1)) > limit
    rows, columns = np.flatnonzero(moving.any(1)), np.flatnonzero(moving.any(0))
    i0, i1 = max(rows[0] - 4, 0) & ~1, min(rows[-1] + 5, cells)
    j0, j1 = max(columns[0] - 4, 0) & ~1, min(columns[-1] + 5, cells)
    basis = basis[:, :, i0:i1, j0:j1].copy()
    for edge in (np.s_[:, :, 0], np.s_[:, :, -1], np.s_[:, :, :, 0], np.s_[:, :, :, -1]):
        basis[edge] = 0
    moves = np.abs(basis).max((1, 2, 3)) > limit
    return Field(x0=int(j0 * step), y0=int(i0 * step), step=step, basis=basis, moves=moves)
