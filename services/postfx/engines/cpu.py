"""Grading on the CPU by tables made once per look: no per-pixel arithmetic but look-ups.

Stills go through a 33^3 table (sampled from the look with tetrahedral interpolation) in Pillow's C code. Live frames
are graded in YUV without a pass over RGB: luma by a table over 256 Y x 64 Cb x 64 Cr, chroma by one over 64^3 that
holds the shift of Cb and Cr. Shifts are taken of clamped colours, so that triples outside the RGB cube stay continuous.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from services.postfx.engine import Pixels
from services.postfx.lut import Lut, graded
from services.postfx.yuv import TO_YUV, yuv_to_rgb

_GRID = 33
_FINE = np.arange(256, dtype=np.float32)
_COARSE = np.arange(64, dtype=np.float32) * 4 + 1.5
_CHUNK = 1 << 16


class CpuGrader:
    """Grader made of tables (about 4 MB)."""

    def __init__(self, lut: Lut, intensity: float) -> None:
        self._same = intensity == 0
        axis = np.linspace(0, 1, _GRID, dtype=np.float32)
        blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")
        nodes = np.stack([red, green, blue], -1).reshape(-1, 3)
        table = _in_chunks(lut, intensity, nodes)
        self._still = ImageFilter.Color3DLUT(_GRID, table.reshape(-1))
        cells = Lut(table.reshape(_GRID, _GRID, _GRID, 3))
        shift = _between(_between(_yuv_shift(cells), _COARSE, 0), _COARSE, 1)
        luma = _between(shift[..., 0], _FINE, 2) + _FINE
        self._luma = np.clip(np.rint(luma), 0, 255).astype(np.uint8).reshape(-1)
        chroma = np.rint(_between(shift[..., 1:], _COARSE, 2)).astype(np.int16)
        self._cb, self._cr = (np.ascontiguousarray(chroma[..., k]).reshape(-1) for k in (0, 1))

    def still(self, pixels: Pixels) -> Pixels:
        """See Grader."""
        if self._same:
            return pixels.copy()
        graded_rgb = np.asarray(Image.fromarray(np.ascontiguousarray(pixels[..., :3])).filter(self._still))
        if pixels.shape[2] == 3:
            return graded_rgb
        return np.concatenate([graded_rgb, pixels[..., 3:]], axis=2)

    def frame(self, i420: Pixels, width: int, height: int) -> Pixels:
        """See Grader."""
        if self._same:
            return i420.copy()
        rows, columns = height // 2, width // 2
        size, quarter = width * height, rows * columns
        luma = i420[:size].reshape(rows, 2, width)
        cb = i420[size : size + quarter].reshape(rows, columns)
        cr = i420[size + quarter :].reshape(rows, columns)
        colour = (cb >> 2).astype(np.uint32) << 6 | cr >> 2
        out = np.empty_like(i420)
        fine = np.repeat(colour << 8, 2, axis=1)[:, None, :] | luma
        np.take(self._luma, fine, out=out[:size].reshape(rows, 2, width), mode="clip")
        total = luma[:, 0].astype(np.uint16) + luma[:, 1]
        mean = (total[:, ::2] + total[:, 1::2]) >> 4
        coarse = colour << 6 | mean
        for plane, shifts, at in ((cb, self._cb, size), (cr, self._cr, size + quarter)):
            moved = np.take(shifts, coarse, mode="clip")
            moved += plane
            np.clip(moved, 0, 255, out=moved)
            out[at : at + quarter] = moved.reshape(-1)
        return out


def _in_chunks(lut: Lut, intensity: float, rgb: NDArray[np.float32]) -> NDArray[np.float32]:
    """`graded` in pieces that stay in the processor's cache."""
    return np.concatenate([graded(lut, intensity, rgb[i : i + _CHUNK]) for i in range(0, len(rgb), _CHUNK)])


def _yuv_shift(look: Lut) -> NDArray[np.float32]:
    """What the look adds to Y, Cb, Cr on a lattice: (33 Cb, 33 Cr, 33 Y, 3), nodes 0, 8 .. 256, on the 8-bit scale."""
    nodes = np.arange(33, dtype=np.float32) * 8
    cb, cr, y = np.meshgrid(nodes, nodes, nodes, indexing="ij")
    rgb = np.clip(yuv_to_rgb(np.stack([y, cb, cr], -1).reshape(-1, 3)), 0, 1)
    shift = (_in_chunks(look, 1.0, rgb) - rgb) @ TO_YUV.T
    return np.asarray(shift.reshape(33, 33, 33, 3), np.float32)


def _between(nodes: NDArray[np.float32], places: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Linear interpolation along one axis of the lattice, at `places` on the 8-bit scale."""
    low = (places / 8).astype(np.int32)
    shape = [1] * nodes.ndim
    shape[axis] = len(places)
    part = (places / 8 - low).astype(np.float32).reshape(shape)
    return np.asarray(nodes.take(low, axis) * (1 - part) + nodes.take(low + 1, axis) * part, np.float32)


class CpuEngine:
    """GradeEngine without special hardware."""

    name = "cpu"

    def grader(self, lut: Lut, intensity: float) -> CpuGrader:
        """See GradeEngine."""
        return CpuGrader(lut, intensity)


def create() -> CpuEngine:
    """Entry point."""
    return CpuEngine()
