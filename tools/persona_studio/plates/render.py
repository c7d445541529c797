"""Renders plates with Cycles and keeps them as linear float data. Needs bpy."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from ..arrays import Array
from ..render import cycles, scene
from ..render.materials import flatten
from ..rig2d.poses import CLOSED, OPEN, SMILE
from ..rigged import Pose, Rigged
from .masks import Box, crops
from .stored import plate_file

_POSES: dict[str, Pose] = {"open": OPEN, "closed": CLOSED, "smile": SMILE, "interior": OPEN, "eyes": {}}


def _rendered(rig: Rigged, name: str, path: Path, resolution: int, samples: int, boxes: dict[str, Box]) -> Array:
    if name == "neutral":
        return cycles.render(scene.portrait(rig, {}, resolution), path, samples)
    if name == "background":
        return cycles.render(scene.empty_studio(rig, resolution), path, 4, denoise=False)
    if name == "matte":
        silhouette = scene.portrait(rig, {}, resolution, backdrop=False)
        flatten(silhouette)
        return cycles.render(silhouette, path, 20, denoise=False, transparent=True)
    bare = name in ("interior", "eyes")
    posed = scene.portrait(rig, _POSES[name], resolution, hair=not bare, only=name if bare else None)
    return cycles.render(posed, path, max(16, samples // 2), crop=boxes[name])


def render(rig: Rigged, work: Path, resolution: int, samples: int, names: list[str]) -> None:
    """Renders the named plates that are not in `work` yet. samples: of neutral; cropped plates get half of it."""
    boxes = crops(rig)
    for name in names:
        file = plate_file(work, rig.person.name, resolution, name)
        if file.is_file():
            continue
        start = time.monotonic()
        picture = _rendered(rig, name, file.with_suffix(".exr"), resolution, samples, boxes)
        np.save(file, picture.astype(np.float16))
        print(f"plate {name}: {time.monotonic() - start:.0f} s", flush=True)
