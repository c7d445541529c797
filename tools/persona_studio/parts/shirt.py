"""Crew-neck top derived from the CC0 body surface: selected, smoothed, offset, with a rib collar."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Array
from ..base.mesh import BODY
from ..geometry import subdivision
from ..geometry.faces import boundary_vertices, compact, grid_faces
from ..geometry.noise import fbm
from ..geometry.vectors import smoothstep, unit, vertex_normals
from ..person import Person
from ..skin.regions import neckline

COLLAR_SECTIONS, COLLAR_RING = 96, 14


@dataclass(frozen=True)
class Shirt:
    """Metres. v [N,3], f [F,4]: subdivided cloth; cage_v, cage_f: before subdivision and folds.

    collar_v [COLLAR_SECTIONS*COLLAR_RING,3], collar_f: a closed tube.
    """

    v: Array
    f: Array
    cage_v: Array
    cage_f: Array
    collar_v: Array
    collar_f: Array


def _cage(person: Person, cut: float) -> tuple[Array, Array, Array, Array]:
    """Offset body surface above `cut` (dm). Returns vertices [N,3] m, faces, base positions [N,3] dm, neck loop
    [k,3] m.
    """
    mesh = person.base
    f = mesh.f[(mesh.f < BODY[1]).all(1)]
    c = person.v0[f].mean(1)
    f = f[(c[:, 1] < neckline(c)) & (c[:, 1] > cut - 0.9) & (np.abs(c[:, 0]) < 3.3)]
    used, faces = compact(f)
    q = person.v0[used]
    average = subdivision.laplacian(faces, len(used))
    border = boundary_vertices(faces, len(used))
    s = person.v[used].copy()
    for _ in range(14):
        s = np.where(border[:, None], s, average @ s)
    ids = np.where(border & (q[:, 1] > 5.3) & (np.abs(q[:, 0]) < 1.2))[0]
    order = ids[np.argsort(np.arctan2(s[ids, 0], s[ids, 2] - s[ids, 2].mean()))]
    loop = s[order]
    for _ in range(6):  # the border of the faces is a zigzag
        loop = (np.roll(loop, 1, 0) + loop * 2 + np.roll(loop, -1, 0)) / 4
    s[order] = loop
    offset = 0.0075 - 0.0045 * np.exp(-(((q[:, 1] - 5.95) / 0.35) ** 2))
    s = s + vertex_normals(s, faces) * offset[:, None]
    return s, faces, q, s[order]


def _folded(cage: Array, faces: Array, q: Array) -> tuple[Array, Array]:
    """Twice subdivided cloth with gentle folds away from the neck: vertices, faces."""
    first, f1 = subdivision.catmull_clark(faces, len(cage))
    v1, q1 = first @ cage, first @ q
    second, f2 = subdivision.catmull_clark(f1, len(v1))
    v2, q2 = second @ v1, second @ q1
    n = vertex_normals(v2, f2)
    fold = fbm(np.stack([v2[:, 0] * 15 + v2[:, 1] * 9, v2[:, 1] * 5, v2[:, 2] * 7], 1), 3, 17)
    away = smoothstep(0, 0.45, np.abs(5.98 - q2[:, 1]))
    return v2 + n * (0.0035 * fold * away)[:, None], f2


def _collar(loop: Array) -> tuple[Array, Array]:
    """A flattened tube on the neck loop [k,3]: vertices, faces."""
    closed = np.vstack([loop, loop[:1]])
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    k = np.linspace(0, along[-1], COLLAR_SECTIONS, endpoint=False)
    line = np.stack([np.interp(k, along, closed[:, i]) for i in range(3)], 1)
    for _ in range(10):
        line = (np.roll(line, 1, 0) + 2 * line + np.roll(line, -1, 0)) / 4
    tangent = unit(np.roll(line, -1, 0) - np.roll(line, 1, 0))
    outward = unit((line - line.mean(0)) * [1, 0, 1])
    up = unit(np.cross(outward, tangent))
    up *= np.sign(up[:, 1:2])
    up = unit(up * 0.92 - outward * 0.30)
    a = np.arange(COLLAR_RING) / COLLAR_RING * 2 * np.pi
    ca, sa = np.cos(a), np.sin(a)
    thick = (np.sign(ca) * np.abs(ca) ** 0.8 * 0.0021)[None, :, None]
    high = (np.sign(sa) * np.abs(sa) ** 0.6 * 0.0085)[None, :, None]
    middle = line[:, None] + up[:, None] * 0.0025 + outward[:, None] * 0.0003
    v = (middle + outward[:, None] * thick + up[:, None] * high).reshape(-1, 3)
    last = (COLLAR_SECTIONS - 1) * COLLAR_RING
    seam = [[last + i, last + (i + 1) % COLLAR_RING, (i + 1) % COLLAR_RING, i] for i in range(COLLAR_RING)]
    return v, np.concatenate([grid_faces(COLLAR_RING, COLLAR_SECTIONS), np.array(seam)])


def shirt(person: Person, cut: float = 4.35) -> Shirt:
    """The top of a person, down to `cut` decimetres of the base mesh."""
    cage, faces, q, loop = _cage(person, cut)
    v, f = _folded(cage, faces, q)
    collar_v, collar_f = _collar(loop)
    return Shirt(v, f, cage, faces, collar_v, collar_f)
