"""Which part of the picture a plate covers, and how it is blended over neutral."""

from __future__ import annotations

import cv2
import numpy as np

from ..arrays import Array
from ..camera import RESOLUTION, project
from ..geometry.vectors import smoothstep
from ..rig2d.poses import OPEN
from ..rigged import Pose, Rigged

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 as fractions of the picture from its top left corner."""


def _box(skins: list[Array], mask: Array, pad: float) -> Box:
    q = np.concatenate([project(skin[mask])[0] for skin in skins]) / RESOLUTION
    lo, hi = q.min(0) - pad, q.max(0) + pad
    return (max(0, lo[0]), max(0, lo[1]), min(1, hi[0]), min(1, hi[1]))


def crops(rig: Rigged) -> dict[str, Box]:
    """Boxes of the plates that show only part of the picture, from the projected geometry."""
    opened, neutral = rig.posed(OPEN)["skin"], rig.posed({})["skin"]
    ax, y, z = np.abs(rig.p0[:, 0]), rig.p0[:, 1], rig.p0[:, 2]
    face = (ax < 0.80) & (z > 0.2)
    jaw = face & (y < 7.02) & (y > 6.0)
    mouth = (ax < 0.36) & (y < 6.80) & (y > 6.42) & (z > 1.1)
    eyes = (ax < 0.62) & (y > 7.10) & (y < 7.48) & (z > 0.9)
    cheeks = face & (y < 7.42) & (y > 6.1)
    return {
        "open": _box([opened, neutral], jaw, 0.012),
        "smile": _box([neutral], cheeks, 0.02),
        "closed": _box([neutral], eyes, 0.004),
        "eyes": _box([neutral], eyes, -0.010),
        "interior": _box([opened, neutral], mouth, 0.0),
    }


def feather(resolution: int, box: Box, pixels: int, top: int = 0) -> Array:
    """Soft mask float32 [R,R,1] of a box; `top`: an additional ramp, in pixels, below its upper edge."""
    x0, y0 = int(box[0] * resolution) + pixels, int(box[1] * resolution) + pixels
    x1, y1 = int(box[2] * resolution) - pixels, int(box[3] * resolution) - pixels
    m = np.zeros((resolution, resolution), np.float32)
    m[y0:y1, x0:x1] = 1
    if top:
        m *= smoothstep(y0, y0 + top, np.arange(resolution))[:, None].astype(np.float32)
    return cv2.GaussianBlur(m, (0, 0), pixels / 2.2)[..., None]


def moved(rig: Rigged, pose: Pose, resolution: int) -> Array:
    """Soft mask float32 [R,R,1] of where a pose moves the visible skin by more than half a pixel (at 1024)."""
    a, b = (project(rig.posed(p)["skin"], resolution)[0] for p in ({}, pose))
    front = (rig.normals[:, 2] > -0.1) & (rig.p0[:, 2] > 0.62) & (rig.p0[:, 1] > 5.9)
    k = front & (np.linalg.norm(b - a, axis=1) > 0.5 * resolution / 1024)
    m = np.zeros((resolution, resolution), np.uint8)
    for q in (a[k], b[k]):
        for x, y in np.round(q).astype(int):
            cv2.circle(m, (int(x), int(y)), max(2, resolution // 64), 255, -1)
    m = cv2.morphologyEx(m, cv2.MORPH_CLOSE, np.ones((resolution // 40, resolution // 40), np.uint8))
    return cv2.GaussianBlur(m.astype(np.float32) / 255, (0, 0), resolution / 170)[..., None]
