"""Small image filters used while a persona is loaded."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]


def gaussian(image: F32, sigma: float) -> F32:
    """Gaussian blur over the first two axes of float32 [h,w] or [h,w,c], borders replicated."""
    radius = max(1, int(np.ceil(3 * sigma)))
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2).astype(np.float32)
    taps /= taps.sum()
    out = image.astype(np.float32)
    for axis in (0, 1):
        pad = [(0, 0)] * out.ndim
        pad[axis] = (radius, radius)
        wide = np.pad(out, pad, mode="edge")
        length = out.shape[axis]
        total = np.zeros_like(out)
        for i, tap in enumerate(taps):
            part = [slice(None)] * out.ndim
            part[axis] = slice(i, i + length)
            total += tap * wide[tuple(part)]
        out = total
    return out


def spread(mask: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """Square dilation of a mask by radius pixels."""
    out = mask.copy()
    for axis in (0, 1):
        reach = out.copy()
        for step in range(1, radius + 1):
            for sign in (-step, step):
                moved = np.roll(out, sign, axis)
                edge = [slice(None), slice(None)]
                edge[axis] = slice(0, step) if sign > 0 else slice(-step, None)
                moved[tuple(edge)] = False
                reach |= moved
        out = reach
    return out


def fill(image: F32, known: F32, sigma: float) -> F32:
    """Replaces what is not known (weight 0..1 [h,w]) by a blur of what is; image float32 [h,w,c]."""
    out = image * known[..., None]
    reach = known.copy()
    width = sigma
    for _ in range(5):
        num = gaussian(out * 1.0, width)
        den = gaussian(reach, width)
        new = num / np.maximum(den, 1e-4)[..., None]
        gain = np.clip(den * 20, 0, 1) * (1 - reach)
        out = out + new * gain[..., None]
        reach = reach + gain
        width *= 1.8
    return np.asarray(out / np.maximum(reach, 1e-4)[..., None], np.float32)
