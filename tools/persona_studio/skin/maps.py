"""All maps of the skin, painted once per persona and kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..arrays import Array
from ..person import Person
from .atlas import MOUTH, SOCKET_LEFT, dilate
from .colour import albedo
from .relief import height, roughness
from .texels import collect


def paint(person: Person, faces: Array, resolution: int) -> tuple[dict[str, Array], Array, Array]:
    """Maps [R,R] or [R,R,3], row 0 on top, of the body faces (indices [F]).

    Returns ({"albedo" linear RGB, "rough" 0..1, "height" mm, "wet" 0..1, "mask" bool}, atlas coordinates [F,4,2],
    islands [F]).
    """
    t, uvc, islands = collect(person, faces, resolution)
    wet = (t.island == MOUTH) | (t.island >= SOCKET_LEFT)
    full = np.zeros((resolution, resolution, 6), np.float32)
    full[t.rows, t.columns] = np.concatenate(
        [
            np.clip(albedo(person, t), 0.004, 0.95),
            roughness(person, t)[:, None],
            height(t)[:, None],
            wet[:, None],
        ],
        1,
    )
    full = dilate(full, t.drawn, 16)
    maps = {
        "albedo": full[..., :3],
        "rough": full[..., 3],
        "height": full[..., 4],
        "wet": full[..., 5],
        "mask": t.drawn,
    }
    return maps, uvc, islands


def painted(person: Person, faces: Array, resolution: int, work: Path) -> tuple[dict[str, Array], Array, Array]:
    """paint(), kept in work/maps_<persona>_<resolution>.npz as float16; remove that file after a change of
    parameters.
    """
    file = work / f"maps_{person.name}_{resolution}.npz"
    if file.is_file():
        stored = np.load(file)
        maps = {k: stored[k].astype(np.float32) for k in stored.files if k not in ("uvc", "islands", "mask")}
        return {**maps, "mask": stored["mask"]}, stored["uvc"], stored["islands"]
    maps, uvc, islands = paint(person, faces, resolution)
    halves = {k: (a if a.dtype == bool else a.astype(np.float16)) for k, a in maps.items()}
    np.savez(file, uvc=uvc, islands=islands, **halves)
    return maps, uvc, islands
