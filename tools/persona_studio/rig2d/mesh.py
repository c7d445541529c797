"""The mesh of the 2D rig: once subdivided skin, mouth and eyeballs, as one list of triangles."""

from __future__ import annotations

import numpy as np

from .. import camera
from ..arrays import Array
from ..geometry.faces import triangles
from ..geometry.raster import raster
from ..geometry.vectors import unit, vertex_normals
from ..parts.teeth import ENAMEL, GUM
from ..rigged import Pose, Rigged
from ..skin.atlas import BODY, HEAD, MOUTH, SOCKET_LEFT
from ..skin.regions import neckline

PARTS = ["skin", "inner", "gum_up", "teeth_up", "gum_lo", "teeth_lo", "tongue", "eyeL", "eyeR"]
"""Names of the part codes 0 to 8."""
SKIN, INNER, GUM_UP, TEETH_UP, GUM_LO, TEETH_LO, TONGUE, EYE_LEFT, EYE_RIGHT = range(9)


class RigMesh:
    """tri [T,3], tri_part uint8 [T]; vertex_part uint8 [N]; p0 [N,3] base-mesh positions (dm), 0 off the skin."""

    def __init__(self, rig: Rigged) -> None:
        self.rig = rig
        n, faces = rig.levels[1]
        self._subdivide = rig.subdivide[:n]
        self._blocks: list[tuple[str, int | None, slice]] = []
        self._size = 0
        self._tri: list[Array] = []
        self._part: list[Array] = []
        self._add_skin(faces, rig.p0[:n])
        for name, code, teeth in (("teeth_up", GUM_UP, rig.upper_teeth), ("teeth_lo", GUM_LO, rig.lower_teeth)):
            start = self._add_block(name, len(teeth.v))
            self._add_faces(teeth.f[teeth.kind == GUM] + start, code)
            self._add_faces(teeth.f[teeth.kind == ENAMEL] + start, code + 1)
        start = self._add_block("tongue", rig.tongue_subdivide.shape[0])
        self._add_faces(rig.tongue_faces + start, TONGUE)
        for side, ball in enumerate(rig.eyeballs):
            start = self._add_block("eyes", len(ball.v), side)
            front = ball.v[ball.f][:, :, 2].min(1) > 0.05 * ball.v[:, 2].max()
            self._add_faces(ball.f[front] + start, EYE_LEFT + side)
        tri = np.concatenate(self._tri)
        self.tri_part = np.concatenate(self._part)
        self._used = np.unique(tri)
        places = np.full(self._size, -1)
        places[self._used] = np.arange(len(self._used))
        self.tri = places[tri]
        self.vertex_part = np.full(len(self._used), 255, np.uint8)
        for corners, part in zip(self.tri, self.tri_part, strict=True):
            self.vertex_part[corners] = part
        self.p0 = np.zeros((len(self._used), 3))
        on_skin = self._used < n
        self.p0[on_skin] = rig.p0[:n][self._used[on_skin]]

    def _add_block(self, name: str, size: int, side: int | None = None) -> int:
        start = self._size
        self._size += size
        self._blocks.append((name, side, slice(start, self._size)))
        return start

    def _add_faces(self, faces: Array, code: int) -> None:
        self._tri.append(triangles(faces))
        self._part.append(np.full(len(self._tri[-1]), code, np.uint8))

    def _add_skin(self, faces: Array, p0: Array) -> None:
        """Head and neck as far as the camera and small turns see them, and the inner mouth."""
        rig = self.rig
        island = np.repeat(rig.island, 4)
        c = p0[faces].mean(1)
        v = self._subdivide @ rig.person.v[rig.used]
        facing = (vertex_normals(v, faces) * unit(camera.POSITION - v)).sum(1)
        seen = (island == HEAD) | (island == BODY) | ((island >= SOCKET_LEFT) & (c[:, 2] > 1.30))
        seen &= (c[:, 1] > neckline(c) - 0.02) & (facing[faces].max(1) > -0.25) & (c[:, 2] > 0.05)
        self._add_block("skin", len(v))
        self._add_faces(faces[seen], SKIN)
        self._add_faces(faces[island == MOUTH], INNER)

    def positions(self, pose: Pose) -> Array:
        """Vertices [N,3] of a pose in metres."""
        solid = self.rig.posed_solid(pose, self._subdivide)
        out = np.zeros((self._size, 3))
        for name, side, block in self._blocks:
            out[block] = solid[name] if side is None else solid[name][side]
        return out[self._used]

    def visible(self, v: Array) -> Array:
        """bool [N]: vertices v [N,3] that no triangle hides from the camera."""
        p, z = camera.project(v)
        size = camera.RESOLUTION
        _, _, near = raster(p, z, self.tri, size, size)
        x = np.clip(np.round(p[:, 0] - 0.5).astype(int), 1, size - 2)
        y = np.clip(np.round(p[:, 1] - 0.5).astype(int), 1, size - 2)
        best = np.max([near[y + dy, x + dx] for dy in (-1, 0, 1) for dx in (-1, 0, 1)], 0)
        return z < np.where(np.isfinite(best), best, 9) + 0.0012
