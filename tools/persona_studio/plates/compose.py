"""Develops and composites the rendered plates to PNG: portrait.png and plates/."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from ..arrays import Array
from ..rig2d.poses import CLOSED, OPEN, SMILE
from ..rigged import Rigged
from .masks import crops, feather, moved
from .stored import load_plate
from .tone import develop, grain

_BLENDED = {"open": ("mouth_open", OPEN), "closed": ("eyes_closed", CLOSED), "smile": ("smile", SMILE)}


def _save(picture: Array, path: Path) -> None:
    """sRGB [H,W,3] or grey [H,W], 0..1, as an 8-bit PNG."""
    ordered = picture[..., ::-1] if picture.ndim == 3 else picture
    cv2.imwrite(str(path), (np.clip(ordered, 0, 1) * 255 + 0.5).astype(np.uint8))


def compose(rig: Rigged, out: Path, work: Path, resolution: int) -> None:
    """Writes a PNG for every plate in `work`. Raises FileNotFoundError when neutral has not been rendered."""
    look = rig.person.params["grade"]
    folder = out / "plates"
    folder.mkdir(parents=True, exist_ok=True)

    def plate(name: str) -> Array | None:
        return load_plate(work, rig.person.name, resolution, name)

    linear = plate("neutral")
    if linear is None:
        raise FileNotFoundError(f"{work} has no plate `neutral` at {resolution} pixels: render it first.")
    neutral = develop(linear, look)
    _save(grain(neutral), out / "portrait.png")
    if (background := plate("background")) is not None:
        _save(grain(develop(background, look)), folder / "background.png")
    if (matte := plate("matte")) is not None:
        _save(matte[..., 3], folder / "matte.png")
    boxes = crops(rig)
    for name, (title, pose) in _BLENDED.items():
        if (picture := plate(name)) is not None:
            ramp = resolution // 16 if name == "open" else 0
            soft = feather(resolution, boxes[name], max(2, resolution // 100), ramp)
            w = np.minimum(soft, moved(rig, pose, resolution))
            _save(grain(neutral * (1 - w) + develop(picture, look) * w), folder / f"{title}.png")
    for name in ("interior", "eyes"):
        if (picture := plate(name)) is not None:
            _save(develop(picture, look), folder / f"{name}.png")
