"""Soft vertex groups of the 2D rig."""

from __future__ import annotations

import numpy as np

from ..arrays import Array
from ..base.face_units import ARKIT
from ..skin.regions import brow_mask
from . import mesh
from .mesh import RigMesh

_MOUTH_Y = 6.622


def _moved_by(shape: str, deltas: Array) -> Array:
    """How far a shape moves each vertex, relative to the one it moves most; deltas [52,N,3] -> [N]."""
    d = np.linalg.norm(deltas[ARKIT.index(shape)], axis=1)
    return d / max(d.max(), 1e-9)


def groups(rig: RigMesh, v: Array, deltas: Array) -> dict[str, Array]:
    """Weights float32 [N], 0..1, by name; v [N,3] neutral vertices, deltas [52,N,3], metres."""
    code, q = rig.vertex_part, rig.p0
    x, ax = q[:, 0], np.abs(q[:, 0])
    skin = code == mesh.SKIN
    lips = np.exp(-(((ax / 0.30) ** 2 + ((q[:, 1] - _MOUTH_Y) / 0.15) ** 2) ** 2)) * (q[:, 2] > 1.15) * skin
    nose = np.exp(-(((ax / 0.2) ** 2 + ((q[:, 1] - 7.0) / 0.28) ** 2) ** 2)) * (q[:, 2] > 1.2) * skin
    brow = brow_mask(q)
    cheek = np.clip(_moved_by("cheekPuff", deltas), 0, 1) * skin
    found = {
        "upperLip": lips * (q[:, 1] >= _MOUTH_Y),
        "lowerLip": lips * (q[:, 1] < _MOUTH_Y),
        "innerMouth": code == mesh.INNER,
        "jaw": np.clip(_moved_by("jawOpen", deltas) * 1.25, 0, 1) * skin,
        "teethUpper": (code == mesh.GUM_UP) | (code == mesh.TEETH_UP),
        "teethLower": (code == mesh.GUM_LO) | (code == mesh.TEETH_LO),
        "tongue": code == mesh.TONGUE,
        "eyeballLeft": code == mesh.EYE_LEFT,
        "eyeballRight": code == mesh.EYE_RIGHT,
        "browLeft": brow * (x > 0) * skin,
        "browRight": brow * (x < 0) * skin,
        "eyelidLeft": np.clip(1.6 * _moved_by("eyeBlinkLeft", deltas), 0, 1) * skin,
        "eyelidRight": np.clip(1.6 * _moved_by("eyeBlinkRight", deltas), 0, 1) * skin,
        "cheekLeft": cheek * (x > 0),
        "cheekRight": cheek * (x < 0),
        "nose": nose,
        "left": v[:, 0] > 1e-4,
        "right": v[:, 0] < -1e-4,
    }
    return {name: weights.astype(np.float32) for name, weights in found.items()}
