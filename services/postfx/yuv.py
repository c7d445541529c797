"""BT.601 limited range (ITU-R BT.601-7): Y 16..235, Cb and Cr 16..240 around 128."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

TO_YUV = np.array(
    [
        [0.299, 0.587, 0.114],
        [-0.299 / 1.772, -0.587 / 1.772, 0.5],
        [0.5, -0.587 / 1.402, -0.114 / 1.402],
    ],
    np.float32,
) * np.array([[219], [224], [224]], np.float32)
"""Rows Y, Cb, Cr; columns R, G, B in 0..1; without the offsets."""
OFFSET = np.array([16, 128, 128], np.float32)
TO_RGB = np.linalg.inv(TO_YUV.astype(np.float64)).astype(np.float32)


def rgb_to_yuv(rgb: Floats) -> Floats:
    """(n, 3) RGB in 0..1 -> (n, 3) Y, Cb, Cr as floats on the 8-bit scale."""
    return np.asarray(rgb @ TO_YUV.T + OFFSET, np.float32)


def yuv_to_rgb(yuv: Floats) -> Floats:
    """(n, 3) Y, Cb, Cr on the 8-bit scale -> (n, 3) RGB; outside 0..1 where the triple is no displayable colour."""
    return np.asarray((yuv - OFFSET) @ TO_RGB.T, np.float32)
