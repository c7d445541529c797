"""Writes head.glb: one mesh, one primitive per material and part, 52 morph targets in ARKit order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..arrays import Array
from ..base.face_units import ARKIT
from ..geometry.vectors import unit
from ..rigged import Rigged
from . import dressing, face
from .materials import materials
from .primitive import Primitive
from .writer import VERTICES, Writer

_COPYRIGHT = "CC0-1.0. Geometry and morph targets derived from CC0 MakeHuman/MPFB assets; textures own procedural work."
_POSITION_EPSILON, _NORMAL_EPSILON = 4e-6, 4e-3
"""Smaller deltas (metres; unit normals) are left out."""


def _primitives(rig: Rigged, w: Writer) -> list[Primitive]:
    m = materials(rig, w)
    base = face.cage(rig)
    out = [face.skin(rig, base, m.skin), *(face.eye(rig, side, m.eye) for side in (0, 1))]
    out += [*face.mouth(rig, m.enamel, m.gum, m.tongue), face.lashes(rig, m.lash)]
    if m.hair is not None:
        out.append(dressing.hair_cards(rig, m.hair))
    return [*out, dressing.scalp_cap(rig, base, m.cap), *dressing.clothes(rig, m.cloth)]


def _delta(values: Array | None, count: int) -> Array:
    return np.zeros((count, 3)) if values is None else values


def _written(p: Primitive, w: Writer) -> dict[str, Any]:
    """The glTF object of a primitive, whose accessors are added to `w`."""
    attributes = {
        "POSITION": w.accessor(p.v.astype(np.float32), "VEC3", VERTICES, bounds=True),
        "NORMAL": w.accessor(unit(p.normals).astype(np.float32), "VEC3", VERTICES),
        "TEXCOORD_0": w.accessor(p.uv.astype(np.float32), "VEC2", VERTICES),
    }
    indices = w.indices(p.t)
    targets = []
    for name in ARKIT:
        position, normal = p.deltas.get(name, (None, None))
        target = {"POSITION": w.sparse(_delta(position, len(p.v)), _POSITION_EPSILON, bounds=True)}
        target["NORMAL"] = w.sparse(_delta(normal, len(p.v)), _NORMAL_EPSILON)
        targets.append(target)
    extras = {"part": p.name}
    return {"attributes": attributes, "indices": indices, "material": p.material, "targets": targets, "extras": extras}


def export(rig: Rigged, path: Path) -> dict[str, int]:
    """Writes the head of a persona: metres, +y up, +z forward, origin between the eyes. Returns triangles by part."""
    w = Writer()
    parts = _primitives(rig, w)
    primitives = [_written(p, w) for p in parts]
    extras = {"targetNames": ARKIT}
    w.json["meshes"] = [{"name": "Head", "primitives": primitives, "weights": [0.0] * len(ARKIT), "extras": extras}]
    w.json["nodes"] = [{"name": "Head", "mesh": 0}]
    w.json["asset"]["copyright"] = _COPYRIGHT
    w.save(path)
    return {p.name: len(p.t) for p in parts}
