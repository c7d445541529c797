"""3D colour tables: the .cube format (Adobe Cube LUT Specification 1.0) and tetrahedral interpolation."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flashback.errors import Broken

Floats = NDArray[np.float32]
LARGEST = 129
_KEYWORD = re.compile(r"[A-Z][A-Z0-9_]*")


@dataclass(frozen=True)
class Lut:
    """table: float32 (N, N, N, 3), indexed [blue][green][red] -> RGB. Inputs domain_min..domain_max span the grid."""

    table: Floats
    domain_min: tuple[float, float, float] = (0.0, 0.0, 0.0)
    domain_max: tuple[float, float, float] = (1.0, 1.0, 1.0)
    title: str = ""

    @property
    def size(self) -> int:
        return int(self.table.shape[0])


def parse_cube(text: str) -> Lut:
    """Reads a .cube file's text. Raises Broken, naming the line, when it is damaged or holds a 1D table."""
    title, size = "", 0
    lows, highs = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    lines = text.lstrip("\ufeff").splitlines()
    at = 0
    for at, raw in enumerate(lines):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        keyword, _, rest = line.partition(" ")
        if not _KEYWORD.fullmatch(keyword):
            break
        match keyword:
            case "TITLE":
                title = rest.strip().strip('"')
            case "LUT_3D_SIZE":
                size = _size(rest, at)
            case "DOMAIN_MIN":
                lows = _triple(rest, at)
            case "DOMAIN_MAX":
                highs = _triple(rest, at)
            case "LUT_1D_SIZE":
                raise Broken("This .cube file holds a 1D table; a 3D one (LUT_3D_SIZE) is needed.")
            case _:
                raise Broken(f"Line {at + 1} of the .cube file: unknown keyword {keyword}.")
    if not size:
        raise Broken("The .cube file names no LUT_3D_SIZE before its table.")
    if any(low >= high for low, high in zip(lows, highs, strict=True)):
        raise Broken("The .cube file's DOMAIN_MIN must lie below its DOMAIN_MAX.")
    return Lut(_table(lines[at:], size, at), lows, highs, title)


def _size(rest: str, at: int) -> int:
    try:
        size = int(rest)
    except ValueError:
        size = 0
    if not 2 <= size <= LARGEST:
        raise Broken(f"Line {at + 1} of the .cube file: LUT_3D_SIZE must be a number from 2 to {LARGEST}.")
    return size


def _triple(rest: str, at: int) -> tuple[float, float, float]:
    try:
        red, green, blue = (float(v) for v in rest.split())
    except ValueError as error:
        raise Broken(f"Line {at + 1} of the .cube file: three numbers are needed.") from error
    if not np.isfinite([red, green, blue]).all():
        raise Broken(f"Line {at + 1} of the .cube file: the numbers must be finite.")
    return red, green, blue


def _table(lines: list[str], size: int, offset: int) -> Floats:
    rows = [(n, row) for n, line in enumerate(lines, offset + 1) if (row := line.strip()) and not row.startswith("#")]
    if len(rows) != size**3:
        raise Broken(f"The .cube file has {len(rows)} rows; size {size} needs {size**3}.")
    try:
        table = np.array([row.split() for _, row in rows], dtype=np.float32)
    except ValueError:
        wrong = next((n for n, row in rows if not _is_triple(row)), offset + 1)
        raise Broken(f"Line {wrong} of the .cube file: three numbers are needed.") from None
    if table.shape != (size**3, 3) or not np.isfinite(table).all():
        raise Broken("The .cube file's rows must hold three finite numbers each.")
    return table.reshape(size, size, size, 3)


def _is_triple(row: str) -> bool:
    try:
        return len([float(v) for v in row.split()]) == 3
    except ValueError:
        return False


def write_cube(table: Floats, title: str) -> str:
    """The text of a .cube file for a table (N, N, N, 3) as in Lut."""
    rows = (f"{r:.4f} {g:.4f} {b:.4f}" for r, g, b in table.reshape(-1, 3))
    return "\n".join([f'TITLE "{title}"', f"LUT_3D_SIZE {table.shape[0]}", *rows, ""])


def tetrahedral(lut: Lut, rgb: Floats) -> Floats:
    """Looks up colours (n, 3) in the table; each cell is split into six tetrahedra along its grey diagonal.

    Inputs outside the domain are clamped to it.
    """
    low, high = np.array(lut.domain_min, np.float32), np.array(lut.domain_max, np.float32)
    last = lut.size - 1
    place = np.clip((rgb - low) / (high - low), 0, 1) * np.float32(last)
    cell = np.minimum(place.astype(np.int32), last - 1)
    part = place - cell
    strides = np.array([1, lut.size, lut.size * lut.size], np.int32)
    corner = cell @ strides
    order = np.argsort(-part, axis=1, kind="stable")
    sorted_part = np.take_along_axis(part, order, axis=1)
    steps = strides[order]
    flat = lut.table.reshape(-1, 3)
    out = flat[corner] * (1 - sorted_part[:, :1])
    for k in range(3):
        corner = corner + steps[:, k]
        following = sorted_part[:, k + 1 : k + 2] if k < 2 else np.float32(0)
        out += flat[corner] * (sorted_part[:, k : k + 1] - following)
    return np.asarray(out, np.float32)


def graded(lut: Lut, intensity: float, rgb: Floats) -> Floats:
    """Colours (n, 3) in 0..1 -> the look at `intensity`, in 0..1."""
    return np.clip(rgb + np.float32(intensity) * (tetrahedral(lut, rgb) - rgb), 0, 1)
