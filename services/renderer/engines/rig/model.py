"""Everything of one persona that all sessions share: plates in Y, U, V and the precomputed geometry."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flashback.media.blendshapes import index
from services.renderer.engines.rig import files
from services.renderer.engines.rig.blur import spread
from services.renderer.engines.rig.colour import halve, to_byte, yuv
from services.renderer.engines.rig.compose import BARE, EDGE, OPAQUE
from services.renderer.engines.rig.field import Field, build_field
from services.renderer.engines.rig.files import F32, Grade, Plates, RigData, read_plates, read_rig
from services.renderer.engines.rig.layers import MOUTH_PARTS, eye_shade, light_teeth, mouth_layers
from services.renderer.engines.rig.opening import bound, finish
from services.renderer.engines.rig.window import Window, eye_window, mouth_window

FRONT_M = 0.010
"""Metres behind its foremost point up to which a mouth layer's motion is fitted."""

STIR = 0.2
"""Pixels, at 512, that a full weight must move a place for it to be redrawn at all."""

U8 = NDArray[np.uint8]
I32 = NDArray[np.int32]


@dataclass(frozen=True)
class Badge:
    """A small picture uint8 [h,w,4] RGBA laid over every frame, its top left corner at (x, y), all even numbers."""

    picture: U8
    x: int
    y: int


@dataclass(frozen=True)
class Plane:
    """One plane of the person, premultiplied by the matte, with `margin` pixels around, and what lies behind it.

    packed_person, packed_alpha: uint32 [h*w], the same with each pixel's right, lower and lower right neighbours;
    spans and edge_spans: int32 [n,3] (row, first, last+1) where the face moves, and where it moves near the outline;
    runs: int32 [n,4] for compose.sway_plane, one for each of sway_reaches().
    """

    person: U8
    alpha: U8
    packed_person: NDArray[np.uint32]
    packed_alpha: NDArray[np.uint32]
    back: U8
    margin: int
    scale: int
    spans: I32
    edge_spans: I32
    runs: tuple[I32, ...]


@dataclass(frozen=True)
class Patch:
    """What a window's skin is drawn from: two plates float32 [h,w,4] Y, U, V, 0, whose corner is (x0, y0)."""

    x0: int
    y0: int
    neutral: F32
    second: F32


@dataclass(frozen=True)
class Eye:
    """One eye.

    ball: the eyeball float32 [h,w,4] RGB, corner as the patch; blink: place of the weight that shuts it; fit: motion of
    the eyeball [53,6]; light: on it, [h,w,3] of the window; rest_top [w]: the upper lid's edge in the portrait.
    """

    window: Window
    patch: Patch
    ball: F32
    blink: int
    fit: F32
    light: F32
    rest_top: F32


@dataclass(frozen=True)
class RigModel:
    """One persona, loaded and graded; immutable, shared by sessions and threads.

    layers float32 [4,h,w,4] Y, U, V, alpha 0..1 with corner (layers_x, layers_y) and motions layer_fits [4,53,6];
    cavity [3] Y, U, V; sway [size,2]: share of head motion and of breath in each row; pivot x, y in pixels.
    """

    size: int
    planes: tuple[Plane, Plane, Plane]
    field: Field
    mouth: Window
    mouth_patch: Patch
    layers: F32
    layers_x: int
    layers_y: int
    layer_fits: F32
    cavity: F32
    eye: tuple[Eye, Eye]
    sway: F32
    pivot: tuple[float, float]
    badge: tuple[tuple[U8, U8], ...]
    badge_at: tuple[int, int]


def graded_plates(folder: Path, size: int, grade: Grade | None) -> tuple[RigData, Plates]:
    """Reads a persona's files, lights the upper teeth, then grades each plate once. Raises PersonaError."""
    rig = read_rig(folder, size)
    plates = read_plates(folder, size)
    look: Grade = grade if grade is not None else (lambda picture: picture)
    interior = light_teeth(rig, plates)
    return rig, Plates(
        neutral=look(plates.neutral),
        mouth_open=look(plates.mouth_open),
        eyes_closed=look(plates.eyes_closed),
        interior=look(interior),
        eyes=look(plates.eyes),
        background=look(plates.background),
        matte=np.clip((plates.matte - np.float32(0.012)) / np.float32(0.976), 0, 1),
    )


def sway_rows(size: int, pivot_y: float) -> F32:
    """Share of head motion and of breath for each row, float32 [size,2]: the head moves whole, the shoulders stay."""
    rows = np.arange(size, dtype=np.float32)
    t = np.clip((rows - pivot_y) / (0.16 * size), -1, 1)
    b = np.clip((rows - pivot_y) / (0.14 * size) + 0.3, 0, 1)
    return np.stack([0.5 - 0.5 * np.sin(t * np.pi / 2), b * b * (3 - 2 * b)], 1).astype(np.float32)


def _rows(mask: NDArray[np.bool_]) -> I32:
    spans = [(y, x[0], x[-1] + 1) for y in range(len(mask)) if len(x := np.flatnonzero(mask[y]))]
    return np.array(spans, np.int32).reshape(-1, 3)


def _pieces(mask: NDArray[np.bool_]) -> list[tuple[int, int, int]]:
    out = []
    for y in range(len(mask)):
        change = np.flatnonzero(np.diff(np.concatenate([[False], mask[y], [False]]).astype(np.int8)))
        out += [(y, int(a), int(b)) for a, b in zip(change[::2], change[1::2], strict=True)]
    return out


def _runs(alpha: U8, reach: int, furthest: int) -> I32:
    """Runs for a head that stays within `reach` pixels of its place, over all it can cover within `furthest`."""
    edge = spread((alpha > 0) & (alpha < 255), reach)
    edge |= spread(alpha == 255, reach) & spread(alpha == 0, reach)
    bare = spread(alpha > 0, furthest + 1) & (alpha == 0) & ~edge
    kinds = ((edge, EDGE), ((alpha == 255) & ~edge, OPAQUE), (bare, BARE))
    runs = [(*piece, kind) for mask, kind in kinds for piece in _pieces(mask)]
    return np.array(sorted(runs), np.int32).reshape(-1, 4)


def _moving(field: Field, size: int) -> NDArray[np.bool_]:
    nodes = spread(np.abs(field.basis).max((0, 1)) > STIR * size / 512, 1)
    full = np.zeros((size, size), np.bool_)
    block = np.repeat(np.repeat(nodes, field.step, 0), field.step, 1)
    h, w = min(size - field.y0, len(block)), min(size - field.x0, block.shape[1])
    full[field.y0 : field.y0 + h, field.x0 : field.x0 + w] = block[:h, :w]
    return full


def packed(plane: U8) -> NDArray[np.uint32]:
    """uint32 [h*w]: a pixel and its right, lower and lower right neighbours in its four bytes, lowest first."""
    wide = np.pad(plane, ((0, 1), (0, 1)), mode="edge").astype(np.uint32)
    four = wide[:-1, :-1] | wide[:-1, 1:] << 8 | wide[1:, :-1] << 16 | wide[1:, 1:] << 24
    return np.ascontiguousarray(four.ravel())


def sway_reaches(size: int) -> tuple[int, ...]:
    """Pixels that the outline may be from its place, ascending: the less it is, the less is blended."""
    return tuple(round(reach * size / 512) + 2 for reach in (3, 6, 14))


def _planes(plates: Plates, field: Field, size: int) -> tuple[Plane, Plane, Plane]:
    person, back = yuv(plates.neutral), yuv(plates.background)
    alpha = plates.matte
    neutral = np.array([0, 128, 128], np.float32)
    person = np.asarray(person - (1 - alpha[..., None]) * (back - neutral), np.float32)
    moving = _moving(field, size)
    reaches = sway_reaches(size)
    planes = []
    for c in range(3):
        scale = 1 if c == 0 else 2
        margin = 2 * round(24 * size / 1024) // scale
        p, b, a = person[..., c], back[..., c], alpha
        area = moving
        if scale == 2:
            p, b, a = halve(p), halve(b), halve(a)
            area = moving[::2, ::2] | moving[1::2, 1::2]
        a8 = to_byte(a * 255)
        near_edge = spread(a8 < 255, round(14 * size / 512 / scale))
        p8, a8_wide = np.pad(to_byte(p), margin, mode="edge"), np.pad(a8, margin, mode="edge")
        planes.append(
            Plane(
                person=p8,
                alpha=a8_wide,
                packed_person=packed(p8),
                packed_alpha=packed(a8_wide),
                back=to_byte(b),
                margin=margin,
                scale=scale,
                spans=_rows(area),
                edge_spans=np.array(_pieces(area & near_edge), np.int32).reshape(-1, 3),
                runs=tuple(_runs(a8, -(-r // scale), -(-reaches[-1] // scale)) for r in reaches),
            )
        )
    return planes[0], planes[1], planes[2]


def motion_fit(points: F32, shifts: F32) -> F32:
    """Least-squares affine motion per shape: points [n,2], shifts [52,n,2] -> float32 [53,6] (see opening.place)."""
    centre = points.mean(0)
    design = np.concatenate([np.ones((len(points), 1)), points - centre], 1)
    solved = np.linalg.lstsq(design, shifts.transpose(1, 0, 2).reshape(len(points), -1), rcond=None)[0]
    fit = np.zeros((53, 6), np.float32)
    fit[:52] = solved.reshape(3, 52, 2).transpose(1, 2, 0).reshape(52, 6)
    fit[52, :2] = centre
    return fit


def _layer_fit(rig: RigData, group: tuple[int, ...]) -> F32:
    """Motion of a mouth layer, fitted where it is nearest to the lips: what lies deeper moves less."""
    mine = np.isin(rig.vertex_part, group)
    front = mine & (rig.depth < rig.depth[mine].min() + FRONT_M)
    return motion_fit(rig.plate_open[front], rig.dxy[:, front])


def _patch(window: Window, neutral: U8, second: U8, size: int) -> tuple[Patch, tuple[slice, slice]]:
    x0, y0 = max(window.x0 - 10, 0), max(window.y0 - 10, 0)
    reach = window.other.max(1)
    x1 = min(max(window.x0 + window.w, int(reach[0])) + 10, size)
    y1 = min(max(window.y0 + window.h, int(reach[1])) + 10, size)
    cut = np.s_[y0:y1, x0:x1]
    pictures = [np.pad(yuv(plate[cut]), ((0, 0), (0, 0), (0, 1))) for plate in (neutral, second)]
    return Patch(x0, y0, pictures[0], pictures[1]), cut


def _eye(rig: RigData, plates: Plates, side: str, light: F32) -> Eye:
    window = eye_window(rig, side)
    patch, near = _patch(window, plates.neutral, plates.eyes_closed, rig.size)
    part = files.EYE_LEFT if side == "Left" else files.EYE_RIGHT
    ball = rig.xy[rig.vertex_part == part]
    centre, radius = ball.mean(0), np.ptp(ball[:, 0]) / 2
    mine = (rig.vertex_part == part) & (np.hypot(*(rig.xy - centre).T) < 0.75 * radius)
    top, low = np.empty(window.w, np.float32), np.empty(window.w, np.float32)
    bound(window.rest, window.upper, window.x0, 1, top)
    bound(window.rest, window.lower, window.x0, -1, low)
    finish(window.rest, window.corners, window.x0, top, low, np.empty(window.w, np.float32))
    cut = np.s_[window.y0 : window.y0 + window.h, window.x0 : window.x0 + window.w]
    return Eye(
        window=window,
        patch=patch,
        ball=np.pad(plates.eyes[near].astype(np.float32), ((0, 0), (0, 0), (0, 1))),
        blink=index("eyeBlink" + side),
        fit=motion_fit(rig.xy[mine], rig.dxy[:, mine]),
        light=np.ascontiguousarray(light[cut]),
        rest_top=top,
    )


def _badge(badge: Badge | None) -> tuple[tuple[tuple[U8, U8], ...], tuple[int, int]]:
    if badge is None:
        return (), (0, 0)
    colours = yuv(badge.picture[..., :3])
    alpha = badge.picture[..., 3].astype(np.float32)
    small = [halve(colours[..., c] * alpha) / np.maximum(halve(alpha), 1e-3) for c in (1, 2)]
    planes = [(to_byte(colours[..., 0]), to_byte(alpha))]
    planes += [(to_byte(np.asarray(plane, np.float32)), to_byte(halve(alpha))) for plane in small]
    return tuple(planes), (badge.x, badge.y)


def load_rig(folder: Path, size: int = 512, grade: Grade | None = None, badge: Badge | None = None) -> RigModel:
    """Reads and prepares a persona's picture data (seconds; blocks).

    size: pixels, a multiple of 16 from 128 to 1024; grade: uint8 [h,w,3] RGB to the same, applied once to each plate.
    Raises PersonaError for a file that is missing, damaged or does not fit, ValueError for another size.
    """
    if size % 16 or not 128 <= size <= 1024:
        raise ValueError(f"size is {size}; it must be a multiple of 16 from 128 to 1024")
    rig, plates = graded_plates(folder, size, grade)
    field = build_field(rig)
    inside = mouth_layers(rig, plates.interior)
    layers = np.concatenate([yuv(inside.colour), inside.alpha[..., None]], 3)
    light = eye_shade(rig, plates)
    mouth = mouth_window(rig)
    fits = np.stack([_layer_fit(rig, group) for group in MOUTH_PARTS])
    badge_planes, badge_at = _badge(badge)
    return RigModel(
        size=size,
        planes=_planes(plates, field, size),
        field=field,
        mouth=mouth,
        mouth_patch=_patch(mouth, plates.neutral, plates.mouth_open, size)[0],
        layers=np.asarray(layers, np.float32),
        layers_x=inside.x0,
        layers_y=inside.y0,
        layer_fits=fits,
        cavity=yuv(inside.cavity),
        eye=(_eye(rig, plates, "Left", light), _eye(rig, plates, "Right", light)),
        sway=sway_rows(size, rig.pivot[1]),
        pivot=rig.pivot,
        badge=badge_planes,
        badge_at=badge_at,
    )
