"""RGB to limited-range BT.601, the colour space that WebRTC video is read in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
MATRIX = np.array(
    [[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]], np.float64
) / np.float64(255)
OFFSET = np.array([16.0, 128.0, 128.0])


def yuv(rgb: NDArray[np.uint8] | F32) -> F32:
    """[...,3] RGB 0..255 to float32 [...,3] Y 16..235, U and V 16..240 (ITU-R BT.601)."""
    return np.asarray(rgb.astype(np.float32) @ MATRIX.T.astype(np.float32) + OFFSET.astype(np.float32), np.float32)


def halve(plane: F32) -> F32:
    """Mean of each 2x2 block of float32 [h,w]: chroma as 4:2:0 keeps it."""
    h, w = plane.shape
    return np.asarray(plane.reshape(h // 2, 2, w // 2, 2).mean((1, 3)), np.float32)


def to_byte(plane: F32) -> NDArray[np.uint8]:
    """Rounds float32 to uint8."""
    return np.asarray(np.clip(plane + 0.5, 0, 255), np.uint8)
