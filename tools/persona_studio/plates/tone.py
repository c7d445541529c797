"""Development of a linear render: tone curve, sharpening, grain."""

from __future__ import annotations

import cv2
import numpy as np

from ..arrays import Array

_SHOULDER = 0.42
"""Linear below, a soft roll-off to 1 above."""
_PIVOT = 0.46


def grade(linear: Array, exposure: float = 1.0, contrast: float = 1.12, sat: float = 1.10) -> Array:
    """Own filmic-like display transform: linear RGB [H,W,3 or more] -> sRGB [H,W,3], 0..1."""
    x = np.maximum(linear[..., :3], 0) * exposure
    luminance = (x * [0.2126, 0.7152, 0.0722]).sum(-1, keepdims=True)
    x = np.maximum(luminance + (x - luminance) * sat, 0)
    k = _SHOULDER
    y = np.where(x < k, x, k + (1 - k) * (1 - np.exp(-(x - k) / (1 - k))))
    g = np.where(y < 0.0031308, 12.92 * y, 1.055 * np.power(np.maximum(y, 1e-8), 1 / 2.4) - 0.055)
    p = _PIVOT
    g = np.where(g < p, p * (g / p) ** contrast, 1 - (1 - p) * ((1 - g) / (1 - p)) ** contrast)
    return np.clip(g, 0, 1)


def develop(linear: Array, look: dict[str, float]) -> Array:
    """grade() with the arguments in `look`, and a light unsharp mask (the denoiser softens fine detail); float32
    [H,W,3].
    """
    g = grade(linear, **look)
    return np.clip(g + 0.45 * (g - cv2.GaussianBlur(g, (0, 0), 1.1)), 0, 1).astype(np.float32)


def grain(picture: Array, seed: int = 0, amount: float = 0.0045) -> Array:
    """A trace of sensor grain on [H,W,3]; also prevents banding of the backdrop."""
    noise = np.random.default_rng(seed).normal(0, 1, picture.shape[:2]).astype(np.float32)
    return picture + cv2.GaussianBlur(noise, (0, 0), 0.6)[..., None] * amount
