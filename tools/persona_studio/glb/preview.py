"""Software preview of a GLB (diffuse and a soft highlight, orthographic) and a sheet of all its shapes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from ..arrays import Array
from ..base.face_units import ARKIT
from ..geometry.raster import zbuffer
from ..geometry.vectors import unit
from ..rigged import Pose
from .reader import ReadPrimitive, read

_CENTRE = np.array([0, -0.04, 0])
_SCALE = 8.6
_KEY, _FILL = unit(np.array([-0.6, 0.5, 0.75])), unit(np.array([0.8, 0, 0.6]))
_HAIR_PASSES = 7


class _Canvas:
    """A square picture with depth."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.picture = np.full((size, size, 3), (0.30, 0.32, 0.34), np.float32)
        self.depth = np.full((size, size), np.inf, np.float32)

    def draw(self, p: ReadPrimitive, triangles: Array, pose: Pose) -> None:
        v, n = p.v.astype(float), p.normals.astype(float)
        for k, x in pose.items():
            if x:
                v = v + x * p.deltas[k]
                n = n + x * p.normal_deltas[k]
        v = v - _CENTRE
        screen = (v * [_SCALE, -_SCALE, 1])[:, :2] * self.size * 0.5 + self.size / 2
        ids = np.full((self.size, self.size), -1, np.int32)
        bary = np.zeros((self.size, self.size, 3), np.float32)
        depth = self.depth.copy()
        near = (-v[:, 2]).astype(np.float32)
        zbuffer(screen.astype(np.float32), near, triangles.astype(np.int32), self.size, self.size, ids, bary, depth)
        hit = ids >= 0
        corners, w = triangles[ids[hit]], bary[hit][..., None]
        colour, alpha = _surface(p, (p.uv[corners] * w).sum(1))
        shaded = _lit(p, (unit(n)[corners] * w).sum(1), colour)
        self.picture[hit] = self.picture[hit] * (1 - alpha[:, None]) + shaded * alpha[:, None]
        solid = np.zeros_like(hit)
        solid[hit] = alpha > 0.5
        self.depth[solid] = depth[solid]


def _surface(p: ReadPrimitive, uv: Array) -> tuple[Array, Array]:
    """Linear colour [n,3] and opacity [n] at texture coordinates uv [n,2]."""
    if p.texture is None:
        return np.tile(np.array(p.color[:3]), (len(uv), 1)), np.ones(len(uv))
    height, width = p.texture.shape[:2]
    rows, columns = np.floor(uv[:, 1] * height).astype(int) % height, np.floor(uv[:, 0] * width).astype(int) % width
    texel = p.texture[rows, columns] / 255.0
    alpha = np.ones(len(uv))
    if p.alpha == "BLEND":
        alpha = texel[:, 3]
    elif p.alpha == "MASK":
        alpha = (texel[:, 3] > 0.4).astype(float)
    return texel[:, :3] ** 2.2, alpha


def _lit(p: ReadPrimitive, normals: Array, colour: Array) -> Array:
    normals = unit(normals)
    if p.two_sided:
        normals = normals * np.where(normals[:, 2:3] < 0, -1, 1)
    light = 0.16 + 0.95 * np.clip((normals @ _KEY) * 0.9 + 0.1, 0, 1) + 0.22 * np.clip(normals @ _FILL, 0, 1)
    colour = colour * light[:, None]
    mirrored = np.clip(normals @ unit(_KEY + [0, 0, 1]), 0, 1)[:, None]
    if p.name.startswith("eye"):
        return colour + 0.9 * mirrored**180
    return colour + 0.05 * mirrored**22 if p.name == "skin" else colour


def preview(primitives: list[ReadPrimitive], pose: Pose, size: int = 256) -> Array:
    """sRGB-like uint8 [size,size,3] of the face from the front."""
    canvas = _Canvas(size)
    for p in sorted(primitives, key=lambda q: q.alpha != "OPAQUE"):
        if p.name == "hair":  # several passes, or holes of one card would hide what lies behind
            group = np.floor(np.arange(len(p.t)) * 0.7548777 * 7).astype(int) // 3 % _HAIR_PASSES
            for k in range(_HAIR_PASSES):
                canvas.draw(p, p.t[group == k], pose)
        else:
            canvas.draw(p, p.t, pose)
    return (np.clip(canvas.picture, 0, 1) ** (1 / 2.2) * 255).astype(np.uint8)


def contact_sheet(path: Path, out: Path, size: int = 210, columns: int = 9) -> None:
    """Writes a PNG with a tile for neutral, for each shape at weight 1, and for jawOpen with mouthClose."""
    primitives = read(path)
    tiles: list[tuple[str, Pose]] = [("neutral", {}), *((k, {k: 1.0}) for k in ARKIT)]
    tiles.append(("jawOpen+mouthClose", {"jawOpen": 1, "mouthClose": 1}))
    sheet = np.zeros((-(-len(tiles) // columns) * size, columns * size, 3), np.uint8)
    for i, (name, pose) in enumerate(tiles):
        large = preview(primitives, pose, size * 2)
        tile = np.ascontiguousarray(cv2.resize(large, (size, size), interpolation=cv2.INTER_AREA))
        cv2.putText(tile, name, (4, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.36, (255, 255, 255), 1, cv2.LINE_AA)
        row, column = divmod(i, columns)
        sheet[row * size : (row + 1) * size, column * size : (column + 1) * size] = tile
    cv2.imwrite(str(out), sheet[..., ::-1])
