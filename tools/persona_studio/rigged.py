"""A persona as posable geometry: everything that is rendered or exported, in metres."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from . import camera
from .arrays import Array
from .base.mesh import BODY, TEETH_LOWER, TEETH_UPPER, TONGUE
from .geometry import subdivision
from .geometry.faces import compact
from .geometry.vectors import look_at, rigid_fit, rotation, vertex_normals
from .parts.brows import Brows
from .parts.eyes import eyeball
from .parts.hair import Hair, Scalp, short_hair, vellus_hair
from .parts.lashes import lashes
from .parts.long_hair import long_hair
from .parts.shirt import shirt
from .parts.surface import Surface
from .parts.teeth import teeth
from .person import Person
from .skin.maps import painted
from .skin.regions import neckline

Pose = Mapping[str, float]
"""Weights by ARKit name; names that are missing weigh 0."""


class Rigged:
    """The neutral head with skin subdivided `levels` times.

    faces0 [F,4], used [n]: the cage and its base-mesh vertices. subdivide: sparse, cage -> skin; its first rows give
    the cage on the limit surface. levels: (vertices, faces) after 0, 1, ... subdivisions. v, normals [V,3], faces
    [.,4], uv [.,4,2]: the skin. p0 [V,3]: base-mesh positions (dm) of the skin. maps, cage_uv, island: see
    skin.maps. Lists have the left eye first.
    """

    def __init__(self, person: Person, work: Path, levels: int = 2, map_resolution: int = 2048) -> None:
        """Painted maps are kept in the folder `work`."""
        self.person = person
        mesh = person.base
        corners = mesh.v[mesh.f]
        near = (corners[:, :, 1].min(1) > 4.3) & (np.abs(corners[:, :, 0]).max(1) < 2.6)
        selected = np.where((mesh.f < BODY[1]).all(1) & near)[0]
        self.maps, self.cage_uv, self.island = painted(person, selected, map_resolution, work)
        self._subdivide(mesh.f[selected], levels)
        self.p0 = self.subdivide @ person.v0[self.used]
        self.v = self.subdivide @ person.v[self.used]
        self.normals = vertex_normals(self.v, self.faces)
        self._add_eyes_and_mouth()
        self._add_hair()
        self.shirt = shirt(person)
        c = self.p0[self.faces].mean(1)
        collar = np.minimum(neckline(c), 6.0) - np.where(np.abs(c[:, 0]) > 0.45, -0.03, 0.20)
        self.visible_faces = (c[:, 1] > collar) & ((np.abs(c[:, 0]) < 0.70) | (c[:, 1] > 6.1))

    def _subdivide(self, faces: Array, levels: int) -> None:
        self.used, self.faces0 = compact(faces)
        n, f, uv = len(self.used), self.faces0, self.cage_uv
        self.subdivide: Any = None
        self.levels = [(n, f)]
        for _ in range(levels):
            step, f = subdivision.catmull_clark(f, n)
            self.subdivide = step if self.subdivide is None else step @ self.subdivide
            n = step.shape[0]
            uv = subdivision.subdivide_uv(uv)
            self.levels.append((n, f))
        self.faces, self.uv = f, uv

    def _add_eyes_and_mouth(self) -> None:
        person, mesh = self.person, self.person.base
        self.eyeballs = [eyeball(r * 0.992) for r in person.eye_radius]
        self.eye_rest = [look_at(e, camera.POSITION) for e in person.eye]
        self.upper_teeth = teeth(person.v[slice(*TEETH_UPPER)], True)
        self.lower_teeth = teeth(person.v[slice(*TEETH_LOWER)], False)
        k = (mesh.f >= TONGUE[0]).all(1) & (mesh.f < TONGUE[1]).all(1)
        self.tongue_used, self.tongue_faces0 = compact(mesh.f[k])
        self.tongue_uv = subdivision.subdivide_uv(mesh.vt[mesh.ft[k]])
        self.tongue_subdivide, self.tongue_faces = subdivision.catmull_clark(self.tongue_faces0, len(self.tongue_used))

    def _add_hair(self) -> None:
        style = self.person.params["hair"]
        scalp = Scalp(Surface(self.v, self.faces), self.v, self.normals, self.p0)
        self.surface = scalp.surface
        self.lashes = lashes(self.person, style["lash"])
        self.brows = Brows(scalp.surface, self.p0, style["brow_density"])
        self.hair: Hair
        if style["style"] == "down":
            self.hair = long_hair(scalp, seed=style["seed"], part=style["part"])
        else:
            self.hair = short_hair(scalp, seed=style["seed"])
        self.vellus = vellus_hair(scalp)

    def _posed_base(self, pose: Pose) -> Array:
        v = self.person.v.copy()
        for key, x in pose.items():
            if x:
                v += x * self.person.delta[key]
        return v

    def _eye_turn(self, side: int, pose: Pose) -> Array:
        """Rotation [3,3] of an eyeball that looks to +z: towards the camera, then by the gaze of the pose."""
        turn = np.eye(3)
        for key, x in pose.items():
            r = self.person.eye_rotation(key, side)
            if r is not None and x:
                angle = np.arccos(np.clip((np.trace(r) - 1) / 2, -1, 1))
                axis = np.array([r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]])
                turn = rotation(axis, angle * x) @ turn
        return turn @ self.eye_rest[side]

    def posed_solid(self, pose: Pose, subdivide: Any) -> dict[str, Any]:
        """Vertices [.,3] of what is not hair: skin (by the matrix `subdivide`), teeth_up, teeth_lo, tongue, eyes
        [left, right].
        """
        person = self.person
        v = self._posed_base(pose)
        lower = slice(*TEETH_LOWER)
        return {
            "skin": subdivide @ v[self.used],
            "teeth_up": self.upper_teeth.v,
            "teeth_lo": rigid_fit(person.v[lower], v[lower])(self.lower_teeth.v),
            "tongue": self.tongue_subdivide @ v[self.tongue_used],
            "eyes": [self.eyeballs[s].v @ self._eye_turn(s, pose).T + person.eye[s] for s in (0, 1)],
        }

    def posed(self, pose: Pose) -> dict[str, Any]:
        """posed_solid() of the full skin, with cornea [left, right], lashes (list of [n,k,3]) and brows [n,k,3]."""
        person = self.person
        out = self.posed_solid(pose, self.subdivide)
        out["cornea"] = [self.eyeballs[s].cornea_v @ self._eye_turn(s, pose).T + person.eye[s] for s in (0, 1)]
        v = self._posed_base(pose)
        out["lashes"] = [lid.strands(v, person) for lid in self.lashes]
        out["brows"] = self.brows.strands(out["skin"], vertex_normals(out["skin"], self.faces))
        return out
