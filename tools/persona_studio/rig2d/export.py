"""Writes rig.npz; its arrays are described in README.md."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..arrays import Array
from ..base.face_units import ARKIT
from ..camera import RESOLUTION, project
from ..geometry.subdivision import laplacian
from ..rigged import Rigged
from .groups import groups
from .landmarks import landmarks68
from .mesh import PARTS, SKIN, RigMesh
from .poses import CLOSED, OPEN, SMILE


def _source_weight(mesh: RigMesh, hidden: Array, shown: Array) -> Array:
    """How much [N] of a vertex's texture comes from a plate that shows it (bool [N]) where neutral hides it (bool
    [N]).
    """
    average = laplacian(np.concatenate([mesh.tri, mesh.tri[:, :1]], 1), len(hidden))
    skin = mesh.vertex_part == SKIN
    a = (hidden & shown & skin).astype(float)
    a = np.maximum(a, 0.55 * (average @ a))
    return (np.clip(0.5 * a + 0.5 * (average @ a), 0, 1) * skin).astype(np.float32)


def export(rig: Rigged, path: Path) -> tuple[int, int]:
    """Writes the 2D rig of a persona. Returns its numbers of vertices and triangles."""
    mesh = RigMesh(rig)
    v = mesh.positions({})
    p, z = project(v)
    deltas = np.stack([mesh.positions({name: 1.0}) - v for name in ARKIT])
    dxy = np.zeros((len(ARKIT), len(v), 2), np.float32)
    ddepth = np.zeros((len(ARKIT), len(v)), np.float32)
    for i, delta in enumerate(deltas):
        moved, depth = project(v + delta)
        dxy[i], ddepth[i] = moved - p, depth - z
    visible = {"neutral": mesh.visible(v)}
    plates = {}
    for name, pose in (("open", OPEN), ("closed", CLOSED), ("smile", SMILE)):
        posed = mesh.positions(pose)
        plates[name] = project(posed)[0].astype(np.float32)
        visible[name] = mesh.visible(posed)
    weights = groups(mesh, v, deltas)
    landmarks = landmarks68(mesh.p0, visible["neutral"] & (mesh.vertex_part == SKIN))
    neck_y = project(np.array([[0, -0.13, -0.05]]))[0][0, 1]
    np.savez_compressed(
        path,
        size=RESOLUTION,
        shapes=np.array(ARKIT),
        xy=p.astype(np.float32),
        depth=z.astype(np.float32),
        dxy=dxy.astype(np.float16),
        ddepth=ddepth.astype(np.float16),
        tri=mesh.tri.astype(np.int32),
        tri_part=mesh.tri_part,
        parts=np.array(PARTS),
        vertex_part=mesh.vertex_part,
        visible=visible["neutral"],
        visible_open=visible["open"],
        visible_closed=visible["closed"],
        plate_open=plates["open"],
        plate_closed=plates["closed"],
        plate_smile=plates["smile"],
        use_open=_source_weight(mesh, ~visible["neutral"], visible["open"]),
        use_closed=_source_weight(mesh, ~visible["neutral"], visible["closed"]),
        landmarks68=landmarks.astype(np.int32),
        landmarks68_xy=p[landmarks].astype(np.float32),
        group_names=np.array(list(weights)),
        groups=np.stack(list(weights.values())),
        pivot=np.array([512.0, neck_y], np.float32),
    )
    return len(v), len(mesh.tri)
