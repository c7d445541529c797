"""Draws one session's talking head from 52 weights into an I420 buffer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flashback.media.blendshapes import index
from services.renderer import stamp as frame_stamp
from services.renderer.engine import REACH, Sway
from services.renderer.engines.rig import compose, manner, opening, warp
from services.renderer.engines.rig.layers import MOUTH_PARTS, TONGUE_BETWEEN
from services.renderer.engines.rig.model import Patch, RigModel, load_rig, sway_reaches
from services.renderer.engines.rig.raster import rasterise
from services.renderer.engines.rig.window import Window

F32 = NDArray[np.float32]


STILL = Sway()


class _Work:
    """Buffers for one window of the face."""

    def __init__(self, window: Window) -> None:
        h, w = window.h, window.w
        self.points = np.empty_like(window.rest)
        self.vertices = np.stack(
            [*window.rest[:2], window.blend, np.zeros_like(window.blend), *window.other], axis=1
        ).astype(np.float32)
        self.mixed = False
        self.ids = np.empty((h, w), np.int32)
        self.bary = np.empty((2, h, w), np.float32)
        self.near = np.empty((h, w), np.float32)
        self.top = np.empty(w, np.float32)
        self.low = np.empty(w, np.float32)
        self.line = np.empty(w, np.float32)
        self.picture = np.zeros((h, w, 4), np.float32)


class RigCanvas:
    """One session's picture. Not for two threads at once; the model may be shared."""

    def __init__(self, model: RigModel) -> None:
        n, half = model.size, model.size // 2
        self.model = model
        self.buffer = np.empty(n * n * 3 // 2, np.uint8)
        self._out = (
            self.buffer[: n * n].reshape(n, n),
            self.buffer[n * n : n * n + half * half].reshape(half, half),
            self.buffer[n * n + half * half :].reshape(half, half),
        )
        self._person = [plane.person.copy() for plane in model.planes]
        self._alpha = [plane.alpha.copy() for plane in model.planes[:2]]
        self._forward = np.zeros_like(model.field.basis[0])
        self._shift = np.zeros_like(self._forward)
        shape = self._shift.shape
        self._wide_shift = np.zeros((2, shape[1], shape[2] * model.field.step), np.float32)
        four = np.empty(n, np.uint32)
        self._scratch = (np.empty((2, n), np.float32), np.empty(n, np.int32), four, four.view(np.uint8))
        self._grid = model.field.basis.reshape(52, -1)
        self._shapes = np.flatnonzero(model.field.moves)
        self._grid = np.ascontiguousarray(self._grid[self._shapes])
        self._mouth = _Work(model.mouth)
        self._eyes = [_Work(eye.window) for eye in model.eye]
        self._inverse = np.empty((len(MOUTH_PARTS), 6), np.float32)
        self._gains = np.ones(len(MOUTH_PARTS), np.float32)
        self._eye_inverse = np.empty(6, np.float32)
        self._no_weights = np.zeros(52, np.float32)
        self._wide = np.zeros(52, np.float32)
        self._wide[index("jawOpen")] = 1
        self._moves = np.zeros((n, 3), np.float32)
        self._half_moves = np.zeros((half, 3), np.float32)
        self._ramp = np.arange(2 * n, dtype=np.float32)
        self._reaches = sway_reaches(n)
        self._stamped = False
        for out, plane in zip(self._out, model.planes, strict=True):
            out[:] = plane.back

    def draw(
        self,
        weights: F32,
        sway: Sway = STILL,
        breath: float = 0.0,
        stamp: int | None = None,
    ) -> memoryview:
        """Draws the next frame.

        weights: float32 [52] in ARKIT_52 order, cut to 0..1; sway: shifts as shares of the width, roll in radians,
        cut at REACH; breath: rise of the shoulders as a share of the width; stamp: a frame number to write
        (services.renderer.stamp).
        Returns I420, BT.601 limited range, size*size*3/2 bytes: this canvas's own `buffer`, valid until the next call.
        """
        w = np.clip(weights, 0, 1, dtype=np.float32)
        w[np.isnan(w)] = 0
        self._draw_face(w)
        self._restore()
        self._sway(sway, breath)
        self._lay_badge()
        if stamp is not None:
            frame_stamp.write(self._out[0], stamp)
            self._stamped = True
        return self.buffer.data

    def _draw_face(self, w: F32) -> None:
        m, f = self.model, self.model.field
        self._forward.fill(0)
        warp.mix(w, self._shapes, self._grid, self._forward.reshape(-1))
        warp.backward(self._forward, f.step, 3, self._shift)
        warp.widen(self._shift, f.step, self._wide_shift)
        luma, blue, red = m.planes
        person, alpha, wide, ramp = self._person, self._alpha, self._wide_shift, self._ramp
        at, work = (f.step, f.x0, f.y0), self._scratch
        skin, rim = luma.packed_person, luma.packed_alpha
        warp.warp_plane(wide, *at, 1, luma.spans, skin, skin, ramp, person[0], person[0], luma.margin, work)
        warp.warp_plane(wide, *at, 1, luma.edge_spans, rim, rim, ramp, alpha[0], alpha[0], luma.margin, work)
        skin, rim = blue.packed_person, blue.packed_alpha
        second = red.packed_person
        warp.warp_plane(wide, *at, 2, blue.spans, skin, second, ramp, person[1], person[2], blue.margin, work)
        warp.warp_plane(wide, *at, 2, blue.edge_spans, rim, rim, ramp, alpha[1], alpha[1], blue.margin, work)
        self._draw_mouth(w)
        for i in (0, 1):
            self._draw_eye(w, i)

    def _draw_skin(self, w: F32, window: Window, work: _Work, patch: Patch, early: float, late: float) -> None:
        f = self.model.field
        work.points[:] = window.rest
        warp.mix(w, window.shapes, window.basis.reshape(len(window.shapes), -1), work.points.reshape(-1))
        tri = window.tri if early > 0 or late > 0 else window.tri[: window.core]
        rasterise(work.points, tri, window.x0, window.y0, True, work.ids, work.bary, work.near)
        opening.bound(work.points, window.upper, window.x0, 1, work.top)
        opening.bound(work.points, window.lower, window.x0, -1, work.low)
        opening.finish(work.points, window.corners, window.x0, work.top, work.low, work.line)
        if early > 0 or late > 0 or work.mixed:
            work.vertices[:, 3] = window.share * np.float32(early) + window.late * np.float32(late)
            work.mixed = early > 0 or late > 0
        opening.skin(
            work.vertices, window.tri, work.ids, work.bary, window.x0, window.y0, self._shift, f.x0, f.y0, f.step,
            patch.neutral, patch.second, patch.x0, patch.y0, work.picture,
        )  # fmt: skip
        opening.seam(
            work.top, work.low, window.y0, work.ids, work.bary, window.tri, window.rest, window.side, work.line,
            work.picture,
        )  # fmt: skip

    def _draw_mouth(self, w: F32) -> None:
        m, window, work = self.model, self.model.mouth, self._mouth
        self._draw_skin(w, window, work, m.mouth_patch, manner.open_gain(w), 0.0)
        for n in range(len(self._inverse)):
            opening.place(w, self._wide, m.layer_fits[n], self._inverse[n])
        self._gains[TONGUE_BETWEEN] = manner.tongue_between(w)
        shade = np.array([manner.LIP_SHADOW, 512 / m.size / manner.LIP_SHADOW_ROWS, manner.mouth_light(w)], np.float32)
        opening.mouth(
            work.top, work.low, window.x0, window.y0, work.ids, self._inverse, m.layers, self._gains, m.layers_x,
            m.layers_y, m.cavity, shade, work.picture,
        )  # fmt: skip
        self._put(window, work)

    def _draw_eye(self, w: F32, i: int) -> None:
        m, eye, work = self.model, self.model.eye[i], self._eyes[i]
        window = eye.window
        self._draw_skin(w, window, work, eye.patch, *manner.lid_gains(float(w[eye.blink])))
        opening.place(w, self._no_weights, eye.fit, self._eye_inverse)
        shadow = np.array([manner.LID_SHADOW, 512 / m.size / manner.LID_SHADOW_ROWS], np.float32)
        opening.eye(
            work.top, work.low, eye.rest_top, window.x0, window.y0, work.ids, self._eye_inverse, eye.ball, eye.light,
            shadow, eye.patch.x0, eye.patch.y0, work.picture,
        )  # fmt: skip
        self._put(window, work)

    def _put(self, window: Window, work: _Work) -> None:
        opening.put(
            work.picture, window.x0, window.y0, self.model.planes[0].margin, self._person[0], self._person[1],
            self._person[2],
        )  # fmt: skip

    def _restore(self) -> None:
        m = self.model
        if self._stamped:
            self._out[0][: frame_stamp.SQUARE] = m.planes[0].back[: frame_stamp.SQUARE]
            self._stamped = False
        for i, (picture, _) in enumerate(m.badge):
            k = m.planes[i].scale
            x, y = m.badge_at[0] // k, m.badge_at[1] // k
            cut = np.s_[y : y + picture.shape[0], x : x + picture.shape[1]]
            self._out[i][cut] = m.planes[i].back[cut]

    def _sway(self, sway: Sway, breath: float) -> None:
        m = self.model
        n, (px, py) = m.size, m.pivot
        dx, dy = min(max(sway.x, -REACH), REACH) * n, min(max(sway.y, -REACH), REACH) * n
        roll, lift = min(max(sway.roll, -REACH), REACH), min(max(breath, -REACH), REACH) * n
        moves, half = self._moves, self._half_moves
        level = self._level(max(abs(dx), abs(dy)) + abs(roll) * max(px, py), abs(lift))
        compose.sway_moves(m.sway, np.array([dx, dy, roll, lift, py], np.float32), moves, half)
        for i, plane in enumerate(m.planes):
            luma = i == 0
            centre = np.float32(px if luma else (px - 0.5) / 2)
            compose.sway_plane(
                plane.runs[level], moves if luma else half, centre, self._ramp, self._person[i],
                self._alpha[min(i, 1)], plane.back, 0 if luma else 128, plane.margin, self._out[i],
            )  # fmt: skip

    def _level(self, head: float, chest: float) -> int:
        """Index of the least of sway_reaches() that covers a shift of so many pixels."""
        return next(
            (i for i, reach in enumerate(self._reaches[:-1]) if head + chest + 2 <= reach), len(self._reaches) - 1
        )

    def _lay_badge(self) -> None:
        m = self.model
        for i, (picture, alpha) in enumerate(m.badge):
            k = m.planes[i].scale
            compose.overlay(picture, alpha, m.badge_at[0] // k, m.badge_at[1] // k, self._out[i])


def warm(folder: Path) -> None:
    """Compiles every kernel into numba's cache by drawing one frame, so that a later start is quick."""
    canvas = RigCanvas(load_rig(folder, 128))
    weights = np.full(52, 0.1, np.float32)
    canvas.draw(weights, Sway(0.002, 0.002, 0.005), 0.001)
