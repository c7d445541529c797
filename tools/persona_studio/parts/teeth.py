"""Teeth and gums, fitted to the helper teeth of the base mesh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter
from scipy.spatial import ConvexHull

from ..arrays import Array
from ..geometry.faces import grid_faces
from ..geometry.vectors import smoothstep, unit

ENAMEL, GUM = 0, 1

_WIDTHS = {True: [8.6, 6.7, 7.7, 7.1, 6.9, 10.2, 9.6], False: [5.5, 6.0, 6.9, 7.1, 7.2, 10.8, 10.4]}
"""Relative widths from the midline to the back, by upper."""
_DEPTHS = np.array([6.2, 5.8, 7.6, 8.6, 8.8, 10.2, 10.0])
"""Millimetres, upper jaw."""
_HEIGHTS = np.array([1.0, 0.93, 1.03, 0.88, 0.82, 0.78, 0.74])


@dataclass(frozen=True)
class Teeth:
    """v [N,3] metres, f [F,4], kind [F]: ENAMEL or GUM."""

    v: Array
    f: Array
    kind: Array


@dataclass(frozen=True)
class _Arch:
    """Half a dental arch: x, z [300] and length along it [300] (m), heights of its front and back (lowest, highest)."""

    upper: bool
    x: Array
    z: Array
    length: Array
    front: tuple[float, float]
    back: tuple[float, float]

    @property
    def sign(self) -> int:
        return 1 if self.upper else -1

    @property
    def tooth_height(self) -> float:
        return (self.front[1] - self.front[0]) * 0.62

    def lip_side(self, share: float) -> float:
        """Height of the helper's edge at a share (0 front, 1 back) of the arch."""
        i = 0 if self.upper else 1
        return self.front[i] * (1 - share) + self.back[i] * share


def _arch(helper: Array, upper: bool) -> _Arch:
    p = helper[:, [0, 2]]
    hull = p[ConvexHull(p).vertices]
    hull = hull[hull[:, 0] > -1e-5]
    back = p[:, 1].min() + 0.002
    hull = hull[hull[:, 1] > back - 0.01]
    outline = hull[np.argsort(np.arctan2(hull[:, 0], hull[:, 1] - back + 0.012))]
    outline[0, 0] = 0
    front_y = helper[helper[:, 2] > p[:, 1].max() - 0.010][:, 1]
    back_y = helper[helper[:, 2] < back + 0.014][:, 1]
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(outline, axis=0), axis=1))])
    s = np.linspace(0, along[-1], 300)
    x, z = PchipInterpolator(along, outline[:, 0])(s), PchipInterpolator(along, outline[:, 1])(s)
    x, z = gaussian_filter(x, 14, mode="nearest"), gaussian_filter(z, 14, mode="nearest")
    x = (x - x[0]) * 0.925  # keeps clear of the lip corners
    z = z - 0.0010
    length = np.concatenate([[0], np.cumsum(np.hypot(np.diff(x), np.diff(z)))])
    return _Arch(upper, x, z, length, (front_y.min(), front_y.max()), (back_y.min(), back_y.max()))


def _tooth(arch: _Arch, index: int, place: float, width: float, side: int, columns: int, rows: int) -> Array:
    """Vertices [rows*columns,3] of one tooth whose middle is `place` metres along the arch."""
    x, z = np.interp(place, arch.length, arch.x), np.interp(place, arch.length, arch.z)
    x2, z2 = np.interp(place + 0.001, arch.length, arch.x), np.interp(place + 0.001, arch.length, arch.z)
    x1, z1 = np.interp(place - 0.001, arch.length, arch.x), np.interp(place - 0.001, arch.length, arch.z)
    tx, tz = unit(np.array([x2 - x1, z2 - z1]))
    nx, nz = -tz, tx
    if (nz < 0 and index < 3) or nx < 0:
        nx, nz = -nx, -nz
    biting_edge = arch.lip_side(place / arch.length[-1]) - (0.0038 if arch.upper else 0.0015)
    depth = (_DEPTHS * (1 if arch.upper else 0.95) * 1e-3)[index]
    levels = np.arange(rows) / (rows - 1) * 2 - 1  # -1 biting edge, 1 root
    levels = np.where(levels < 0, -(np.abs(levels) ** 0.45), levels)  # rows packed at the biting edge
    phi = np.arange(columns) / columns * 2 * np.pi
    ca, sa = np.cos(phi), np.sin(phi)
    rings = []
    for level in levels:
        ring = (1 - np.abs(level) ** (9 if level < 0 else 3.2)) ** (1 / 2.6)
        narrow = 0.80 + 0.20 * smoothstep(1.0, -0.6, level)
        if index < 3:
            thin, lean = 0.34 + 0.66 * smoothstep(-1.1, 0.55, level), 0.0009 * (level + 1)
        else:
            thin, lean = 0.86 + 0.14 * smoothstep(-1, 0, level), 0
        across = np.sign(ca) * np.abs(ca) ** 0.42 * width / 2 * 0.985 * ring * narrow
        out = np.sign(sa) * np.abs(sa) ** 0.62 * depth / 2 * ring * thin
        bow = (0.10 * width) * (1 - (across / (width / 2)) ** 2) - 0.10 * width
        y = biting_edge + arch.sign * (level + 1) / 2 * (arch.tooth_height * _HEIGHTS[index]) + 0 * ca
        n = out - depth * 0.5 + bow * (sa > 0) - lean
        rings.append(np.stack([side * (x + tx * across + nx * n), y, z + tz * across + nz * n], -1))
    return np.array(rings).reshape(-1, 3)


def _gum_ridge(arch: _Arch, sections: int, ring: int) -> Array:
    """Vertices [sections*ring,3]: an ellipse swept along the whole arch."""
    left, right = np.stack([-arch.x[::-1], arch.z[::-1]], 1), np.stack([arch.x, arch.z], 1)[1:]
    full = np.concatenate([left, right])
    q = full[np.linspace(0, len(full) - 1, sections).astype(int)]
    tangent = unit(np.gradient(q, axis=0))
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], 1)
    normal *= np.sign((normal * (q - q.mean(0))).sum(1, keepdims=True))
    a = np.arange(ring) / ring * 2 * np.pi
    out = np.cos(a) * 0.0046 - 0.0036
    rings = []
    for point, n in zip(q, normal, strict=True):
        share = (np.abs(point[0]) / np.abs(full[:, 0]).max()) ** 2
        y = arch.lip_side(share) + arch.sign * (arch.tooth_height * 0.80 + 0.0052)
        rings.append(np.stack([point[0] + n[0] * out, y + np.sin(a) * 0.0052, point[1] + n[1] * out], -1))
    return np.array(rings).reshape(-1, 3)


def teeth(
    helper: Array,
    upper: bool,
    columns: int = 16,
    rows: int = 9,
    count: int = 7,
    gum_sections: int = 46,
    gum_ring: int = 14,
) -> Teeth:
    """Separate enamel bodies (`count` on each side, columns x rows vertices each) and a gum ridge on the arch of
    helper [H,3].
    """
    arch = _arch(helper, upper)
    widths = np.array(_WIDTHS[upper])
    widths = widths / widths.sum() * (arch.length[-1] * 0.985)
    v, f = [], []
    position, offset = 0.0, 0
    for index, width in enumerate(widths[:count]):
        for side in (1, -1):
            body = _tooth(arch, index, position + width / 2, width, side, columns, rows)
            faces = grid_faces(columns, rows)
            q = body[faces] - body.mean(0)
            if (np.cross(q[:, 0], q[:, 1]) * q[:, 2]).sum() < 0:  # outward winding
                faces = faces[:, ::-1]
            v.append(body)
            f.append(faces + offset)
            offset += len(body)
        position += width
    enamel = sum(len(faces) for faces in f)
    v.append(_gum_ridge(arch, gum_sections, gum_ring))
    f.append(grid_faces(gum_ring, gum_sections) + offset)
    kind = np.repeat([ENAMEL, GUM], [enamel, len(f[-1])])
    return Teeth(np.concatenate(v), np.concatenate(f), kind)
