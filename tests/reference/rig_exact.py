"""Slow, exact renderer of the rig: a depth buffer over every triangle, 3 x 3 samples a pixel, floating point.

It shares the persona's prepared plates and the amounts in `manner` with the engine; geometry, warp, openings and
compositing are worked out here on their own. A sample finds its surface by depth; the surface's shift at that sample is
applied to the pixel's centre, so that a face at rest is the portrait itself and outlines are antialiased.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numba import njit
from numpy.typing import NDArray

from flashback.media.blendshapes import index
from services.renderer.engine import Sway
from services.renderer.engines.rig import files, manner
from services.renderer.engines.rig.blur import gaussian
from services.renderer.engines.rig.colour import halve, to_byte, yuv
from services.renderer.engines.rig.layers import MOUTH_PARTS, TONGUE_BETWEEN, eye_shade, mouth_layers
from services.renderer.engines.rig.model import graded_plates, sway_rows
from services.renderer.engines.rig.raster import rasterise
from services.renderer.engines.rig.window import lid_shares

F32 = NDArray[np.float32]
FINE = 3


@njit(cache=True)
def _sample(image: F32, x: float, y: float, out: F32) -> None:
    h, w = image.shape[0], image.shape[1]
    x, y = min(max(x, 0.0), w - 1.0001), min(max(y, 0.0), h - 1.0001)
    i, j = int(y), int(x)
    u, v = x - j, y - i
    for c in range(image.shape[2]):
        top = image[i, j, c] * (1 - u) + image[i, j + 1, c] * u
        low = image[i + 1, j, c] * (1 - u) + image[i + 1, j + 1, c] * u
        out[c] = top * (1 - v) + low * v


@njit(cache=True)
def _interpolate(
    ids: NDArray[np.int32], bary: F32, tri: NDArray[np.int32], values: F32, y: int, x: int, out: F32
) -> None:
    t = ids[y, x]
    u, v = bary[0, y, x], bary[1, y, x]
    a, b, c = tri[t, 0], tri[t, 1], tri[t, 2]
    for k in range(values.shape[1]):
        out[k] = u * values[a, k] + v * values[b, k] + (1 - u - v) * values[c, k]


@njit(cache=True)
def _skin(
    ids: NDArray[np.int32],
    bary: F32,
    tri: NDArray[np.int32],
    values: F32,
    beyond: F32,
    hole: NDArray[np.bool_],
    person: F32,
    mouth_open: F32,
    eyes_closed: F32,
    fine: int,
    out: F32,
    cover: F32,
) -> None:
    """values [N,9]: source x, y; open-plate x, y and share; closed-plate x, y and share; one spare column."""
    h, w = out.shape[0], out.shape[1]
    colour, other, at = np.zeros(4, np.float32), np.zeros(3, np.float32), np.zeros(9, np.float32)
    for y in range(h):
        for x in range(w):
            for sy in range(y * fine, y * fine + fine):
                for sx in range(x * fine, x * fine + fine):
                    if hole[sy, sx]:
                        continue
                    if ids[sy, sx] < 0:
                        _sample(person, x - beyond[y, x, 0], y - beyond[y, x, 1], colour)
                    else:
                        _interpolate(ids, bary, tri, values, sy, sx, at)
                        px, py = (sx + 0.5) / fine - 0.5 - x, (sy + 0.5) / fine - 0.5 - y
                        _sample(person, at[0] - px, at[1] - py, colour)
                        for k in range(2):
                            share = min(at[4 + 3 * k], 1.0)
                            if share > 0:
                                plate = mouth_open if k == 0 else eyes_closed
                                _sample(plate, at[2 + 3 * k] - px, at[3 + 3 * k] - py, other)
                                for c in range(3):
                                    colour[c] += share * (other[c] - colour[c])
                    for c in range(4):
                        out[y, x, c] += colour[c]
                    cover[y, x] += 1


@njit(cache=True)
def _behind(
    ids: NDArray[np.int32],
    bary: F32,
    tri: NDArray[np.int32],
    values: F32,
    hole: NDArray[np.bool_],
    picture: F32,
    corner_x: int,
    corner_y: int,
    light: F32,
    gain: float,
    layer: F32,
    fine: int,
) -> None:
    """Paints a surface behind an opening into layer [fh,fw,3], sample by sample; values [N,2] source x, y."""
    h, w = ids.shape
    colour, at = np.zeros(3, np.float32), np.zeros(2, np.float32)
    for sy in range(h):
        for sx in range(w):
            if ids[sy, sx] < 0 or not hole[sy, sx]:
                continue
            y, x = sy // fine, sx // fine
            _interpolate(ids, bary, tri, values, sy, sx, at)
            px, py = (sx + 0.5) / fine - 0.5 - x, (sy + 0.5) / fine - 0.5 - y
            _sample(picture, at[0] - px - corner_x, at[1] - py - corner_y, colour)
            for c in range(3):
                layer[sy, sx, c] += gain * (colour[c] * light[y, x, c] - layer[sy, sx, c])


@njit(cache=True)
def _sway(canvas: F32, back: F32, move: NDArray[np.float64], px: float, out: F32) -> None:
    n = out.shape[0]
    colour = np.zeros(4, np.float32)
    for y in range(n):
        for x in range(n):
            _sample(canvas, x + move[y, 0], y + move[y, 1] - move[y, 2] * (x - px), colour)
            for c in range(3):
                out[y, x, c] = colour[c] + (1 - colour[3]) * back[y, x, c]


class ExactRig:
    """Loads a persona folder like `load_rig` does; `draw` gives one frame."""

    def __init__(
        self, folder: Path, size: int = 512, grade: Callable[[NDArray[np.uint8]], NDArray[np.uint8]] | None = None
    ) -> None:
        self.rig, self.plates = graded_plates(folder, size, grade)
        self.size = size
        self.inside = mouth_layers(self.rig, self.plates.interior)
        self.light = eye_shade(self.rig, self.plates)
        self.back = self.plates.background.astype(np.float32)
        alpha = self.plates.matte[..., None]
        self.person = np.concatenate([self.plates.neutral - (1 - alpha) * self.back, alpha], 2).astype(np.float32)
        self.lids = [lid_shares(self.rig, side) for side in ("Left", "Right")]
        self.rows = sway_rows(size, self.rig.pivot[1]).astype(np.float64)
        self.rest_top = self._tops(self._shape(np.zeros(52, np.float32)))[1][1]

    def _shape(self, weights: F32) -> F32:
        rig = self.rig
        xy = rig.xy + np.tensordot(weights, rig.dxy, 1)
        return np.concatenate([xy.T, (rig.depth + weights @ rig.ddepth)[None]]).astype(np.float32)

    def _raster(self, points: F32, parts: tuple[int, ...]) -> tuple[NDArray[np.int32], F32, NDArray[np.int32]]:
        n = self.size * FINE
        fine = points.copy()
        fine[:2] = (points[:2] + 0.5) * FINE - 0.5
        tri = np.ascontiguousarray(self.rig.tri[np.isin(self.rig.tri_part, parts)])
        ids, bary = np.empty((n, n), np.int32), np.zeros((2, n, n), np.float32)
        rasterise(fine, tri, 0, 0, False, ids, bary, np.empty((n, n), np.float32))
        return ids, bary, tri

    def _tops(self, points: F32) -> tuple[list[NDArray[np.bool_]], list[F32]]:
        """Openings seen (mouth, eyes) as masks of samples, and each one's upper edge per sample column, in pixels."""
        skin = self._raster(points, (files.SKIN,))[0] >= 0
        masks = []
        for parts in (tuple(range(files.LINING, files.TONGUE + 1)), (files.EYE_LEFT, files.EYE_RIGHT)):
            masks.append((self._raster(points, parts)[0] >= 0) & ~skin)
        tops = [
            np.where(m.any(0), (m.argmax(0) / FINE - 0.5), np.inf).astype(np.float32)[None, :].repeat(len(m), 0)
            for m in masks
        ]
        return masks, tops

    def draw(self, weights: F32, sway: Sway, breath: float = 0.0) -> NDArray[np.uint8]:
        """One frame as I420 bytes, uint8 [size*size*3/2]; arguments as RigCanvas.draw."""
        n = self.size
        points = self._shape(weights)
        ids, bary, tri = self._raster(points, (files.SKIN,))
        (mouth, eyes), (mouth_top, eye_top) = self._tops(points)
        canvas = self._draw_skin(weights, ids, bary, tri, mouth | eyes)
        fine = np.zeros((n * FINE, n * FINE, 3), np.float32)
        rows = ((np.arange(n * FINE) // FINE).astype(np.float32))[:, None]
        self._draw_mouth(weights, points, mouth, mouth_top, rows, fine)
        self._draw_eyes(points, eyes, eye_top, rows, fine)
        holes = fine.reshape(n, FINE, n, FINE, 3).sum((1, 3))
        seen = (mouth | eyes).reshape(n, FINE, n, FINE).sum((1, 3))
        canvas[..., :3] += holes
        canvas[..., 3] += seen
        canvas /= FINE * FINE
        return self._finish(canvas, sway, breath)

    def _draw_skin(
        self, weights: F32, ids: NDArray[np.int32], bary: F32, tri: NDArray[np.int32], hole: NDArray[np.bool_]
    ) -> F32:
        rig, n = self.rig, self.size
        values = np.zeros((len(rig.xy), 9), np.float32)
        values[:, 0:2] = rig.xy
        values[:, 2:4], values[:, 4] = rig.plate_open, rig.use_open * manner.open_gain(weights)
        values[:, 5:7] = rig.plate_closed
        for (upper, lower), name in zip(self.lids, ("eyeBlinkLeft", "eyeBlinkRight"), strict=True):
            early, late = manner.lid_gains(float(weights[index(name)]))
            values[:, 7] += upper * early + lower * late
        shift = np.zeros((n * FINE, n * FINE, 3), np.float32)
        hit = ids >= 0
        u, v = bary[0][hit][:, None], bary[1][hit][:, None]
        t = tri[ids[hit]]
        source = u * rig.xy[t[:, 0]] + v * rig.xy[t[:, 1]] + (1 - u - v) * rig.xy[t[:, 2]]
        yy, xx = np.nonzero(hit)
        shift[hit, :2] = np.stack([(xx + 0.5) / FINE - 0.5, (yy + 0.5) / FINE - 0.5], 1) - source
        shift[hit, 2] = 1
        mean = shift.reshape(n, FINE, n, FINE, 3).mean((1, 3))
        soft = gaussian(mean, 8.8 * n / 512)
        beyond = np.ascontiguousarray(soft[..., :2] / (soft[..., 2:] + 0.06))
        canvas = np.zeros((n, n, 4), np.float32)
        _skin(
            ids, bary, tri, values, beyond, hole, self.person, self.plates.mouth_open.astype(np.float32),
            self.plates.eyes_closed.astype(np.float32), FINE, canvas, np.zeros((n, n), np.float32),
        )  # fmt: skip
        return canvas

    def _draw_mouth(self, weights: F32, points: F32, hole: NDArray[np.bool_], top: F32, rows: F32, fine: F32) -> None:
        n, inside = self.size, self.inside
        down = np.clip((rows - top) * (512 / n / manner.LIP_SHADOW_ROWS), 0, 1)
        light = (manner.LIP_SHADOW + (1 - manner.LIP_SHADOW) * down) * manner.mouth_light(weights)
        fine[hole] = inside.cavity
        even = np.ones((n, n, 3), np.float32)
        for n_layer, (group, colour) in enumerate(zip(MOUTH_PARTS, inside.colour, strict=True)):
            gain = manner.tongue_between(weights) if n_layer == TONGUE_BETWEEN else 1.0
            ids, bary, tri = self._raster(points, group)
            picture = np.ascontiguousarray(colour)
            _behind(ids, bary, tri, self.rig.plate_open, hole, picture, inside.x0, inside.y0, even, gain, fine, FINE)
        fine[hole] *= light[hole][:, None]

    def _draw_eyes(self, points: F32, hole: NDArray[np.bool_], top: F32, rows: F32, fine: F32) -> None:
        n = self.size
        eyes = self.plates.eyes.astype(np.float32)
        ids, bary, tri = self._raster(points, (files.EYE_LEFT, files.EYE_RIGHT))
        _behind(ids, bary, tri, self.rig.xy, hole, eyes, 0, 0, self.light, 1.0, fine, FINE)
        edge = np.where(np.isfinite(top), top, 0)
        lowered = np.clip((edge - np.where(np.isfinite(self.rest_top), self.rest_top, edge)) * 0.5, 0, 1)
        near = np.clip(1 - (rows - edge) * (512 / n / manner.LID_SHADOW_ROWS), 0, None)
        dim = 1 - manner.LID_SHADOW * lowered * near
        fine[hole] = np.minimum(fine[hole] * dim[hole][:, None], 255)

    def _finish(self, canvas: F32, sway: Sway, breath: float) -> NDArray[np.uint8]:
        n, (px, py) = self.size, self.rig.pivot
        head, chest = self.rows.T
        rows = np.arange(n)
        move = np.stack(
            [
                head * (sway.roll * (rows - py) - sway.x * n),
                chest * breath * n - head * sway.y * n,
                head * sway.roll,
            ],
            1,
        )
        out = np.empty((n, n, 3), np.float32)
        _sway(canvas, self.back, move, px, out)
        self.rgb = np.clip(out, 0, 255)
        planes = yuv(self.rgb)
        return np.concatenate(
            [to_byte(p).ravel() for p in (planes[..., 0], halve(planes[..., 1]), halve(planes[..., 2]))]
        )
