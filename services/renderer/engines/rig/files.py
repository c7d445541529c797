"""Reads a persona's picture files and checks them: `rig.npz`, `portrait.png`, `plates/*.png`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from flashback.errors import Broken
from flashback.media.blendshapes import ARKIT_52

Grade = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
F32 = NDArray[np.float32]

SKIN, LINING, GUM_UP, TEETH_UP, GUM_LOW, TEETH_LOW, TONGUE, EYE_LEFT, EYE_RIGHT = range(9)
GROUPS = ("upperLip", "lowerLip", "eyelidLeft", "eyelidRight")


class PersonaError(Broken):
    """A persona's picture file is missing, damaged or does not fit the others; the message names it."""

    def __init__(self, path: Path, wrong: str) -> None:
        super().__init__(f"{path}: {wrong}. Restore the file or build the persona again.")
        self.path = path


@dataclass(frozen=True)
class RigData:
    """`rig.npz` scaled to the output size. Lengths in pixels, pixel centres at whole numbers, y down.

    xy [N,2], depth [N] (metres, small is near), dxy [52,N,2], ddepth [52,N], tri [T,3], tri_part [T], vertex_part [N],
    plate_open and plate_closed [N,2] (where a vertex lies in those plates), use_open [N] 0..1, groups name -> [N] 0..1.
    """

    size: int
    xy: F32
    depth: F32
    dxy: F32
    ddepth: F32
    tri: NDArray[np.int32]
    tri_part: NDArray[np.uint8]
    vertex_part: NDArray[np.uint8]
    plate_open: F32
    plate_closed: F32
    use_open: F32
    groups: dict[str, F32]
    pivot: tuple[float, float]


@dataclass(frozen=True)
class Plates:
    """Pictures at the output size: uint8 [size,size,3] RGB, the matte float32 [size,size] 0..1."""

    neutral: NDArray[np.uint8]
    mouth_open: NDArray[np.uint8]
    eyes_closed: NDArray[np.uint8]
    interior: NDArray[np.uint8]
    eyes: NDArray[np.uint8]
    background: NDArray[np.uint8]
    matte: F32


def read_rig(folder: Path, size: int) -> RigData:
    """Raises PersonaError when `rig.npz` is missing, unreadable, lacks an array or holds one of a wrong shape."""
    path = folder / "rig.npz"
    try:
        with np.load(path, allow_pickle=False) as archive:
            z = {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise PersonaError(path, "the file is missing") from None
    except Exception as error:
        raise PersonaError(path, f"the file cannot be read ({type(error).__name__})") from error
    _check(path, z)
    k = size / float(z["size"])
    groups = dict(zip((str(n) for n in z["group_names"]), z["groups"].astype(np.float32), strict=True))
    missing = [name for name in GROUPS if name not in groups]
    if missing:
        raise PersonaError(path, f"the vertex group {missing[0]!r} is missing")
    points = {
        n: z[n].astype(np.float32) * np.float32(k) - np.float32(0.5) for n in ("xy", "plate_open", "plate_closed")
    }
    return RigData(
        size=size,
        xy=points["xy"],
        depth=z["depth"].astype(np.float32),
        dxy=z["dxy"].astype(np.float32) * np.float32(k),
        ddepth=z["ddepth"].astype(np.float32),
        tri=z["tri"].astype(np.int32),
        tri_part=z["tri_part"].astype(np.uint8),
        vertex_part=z["vertex_part"].astype(np.uint8),
        plate_open=points["plate_open"],
        plate_closed=points["plate_closed"],
        use_open=z["use_open"].astype(np.float32),
        groups=groups,
        pivot=(float(z["pivot"][0]) * k - 0.5, float(z["pivot"][1]) * k - 0.5),
    )


def _check(path: Path, z: dict[str, NDArray[np.generic]]) -> None:
    names = [
        "size",
        "shapes",
        "xy",
        "depth",
        "dxy",
        "ddepth",
        "tri",
        "tri_part",
        "vertex_part",
        "plate_open",
        "plate_closed",
        "use_open",
        "pivot",
    ]
    for name in [*names, "group_names", "groups"]:
        if name not in z:
            raise PersonaError(path, f"the array {name!r} is missing")
    n, t = len(z["xy"]), len(z["tri"])
    shapes = {
        "size": (),
        "xy": (n, 2),
        "depth": (n,),
        "dxy": (52, n, 2),
        "ddepth": (52, n),
        "tri": (t, 3),
        "tri_part": (t,),
        "vertex_part": (n,),
        "plate_open": (n, 2),
        "plate_closed": (n, 2),
        "use_open": (n,),
        "pivot": (2,),
        "groups": (len(z["group_names"]), n),
    }
    for name, shape in shapes.items():
        if z[name].shape != shape:
            raise PersonaError(path, f"the array {name!r} has shape {z[name].shape}, expected {shape}")
        if not np.issubdtype(z[name].dtype, np.number) or not np.isfinite(z[name].astype(np.float64)).all():
            raise PersonaError(path, f"the array {name!r} holds values that are not finite numbers")
    if tuple(str(s) for s in z["shapes"]) != ARKIT_52:
        raise PersonaError(path, "the array 'shapes' does not hold ARKit's 52 names in order")
    tri = z["tri"].astype(np.int64)
    if t == 0 or tri.min() < 0 or tri.max() >= n:
        raise PersonaError(path, "the array 'tri' points at vertices that do not exist")
    if z["size"].astype(np.int64) < 64:
        raise PersonaError(path, "the picture size it was made for is below 64 pixels")


def _read_picture(path: Path, mode: str, expected: int, size: int) -> NDArray[np.uint8]:
    try:
        with Image.open(path) as image:
            image.load()
            picture = image.convert(mode)
    except FileNotFoundError:
        raise PersonaError(path, "the file is missing") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise PersonaError(path, f"the picture cannot be read ({type(error).__name__})") from error
    if picture.size != (expected, expected):
        raise PersonaError(
            path, f"the picture is {picture.width}x{picture.height}, rig.npz was made for {expected}x{expected}"
        )
    if size != expected:
        picture = picture.resize((size, size), Image.Resampling.LANCZOS, reducing_gap=None)
    return np.asarray(picture, np.uint8)


def rig_size(folder: Path) -> int:
    """The picture size in pixels that `rig.npz` was made for. Raises PersonaError."""
    path = folder / "rig.npz"
    try:
        with np.load(path, allow_pickle=False) as archive:
            return int(archive["size"])
    except FileNotFoundError:
        raise PersonaError(path, "the file is missing") from None
    except Exception as error:
        raise PersonaError(path, f"the file cannot be read ({type(error).__name__})") from error


def read_plates(folder: Path, size: int) -> Plates:
    """Ungraded plates at the output size. Raises PersonaError."""
    made_for = rig_size(folder)

    def rgb(name: str) -> NDArray[np.uint8]:
        return _read_picture(folder / name, "RGB", made_for, size)

    matte = _read_picture(folder / "plates/matte.png", "L", made_for, size).astype(np.float32) / np.float32(255)
    return Plates(
        neutral=rgb("portrait.png"),
        mouth_open=rgb("plates/mouth_open.png"),
        eyes_closed=rgb("plates/eyes_closed.png"),
        interior=rgb("plates/interior.png"),
        eyes=rgb("plates/eyes.png"),
        background=rgb("plates/background.png"),
        matte=matte,
    )
