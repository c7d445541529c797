"""The "AI-generated" badge: a small rounded pill at the top right, clear of captions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from services.postfx.engine import Pixels
from services.postfx.yuv import rgb_to_yuv

Floats = NDArray[np.float32]

TEXT = "AI-generated"
OPACITY = 0.70
_PILL = (18, 21, 27)
_INK = (245, 247, 250)
_OVERSAMPLE = 4
SMALLEST_FRAME = 64


@dataclass(frozen=True)
class Badge:
    """pixels: RGBA uint8 (h, w, 4), straight alpha, even sizes; x, y: its top left corner in the frame, even."""

    pixels: Pixels
    x: int
    y: int


def draw(width: int, height: int) -> Badge:
    """The badge for a frame of that size (at least 64 x 64); its text is 2.8 % of the shorter side, at least 11 px."""
    side = min(width, height)
    size = min(max(11.0, 0.028 * side), 0.09 * width)
    font = ImageFont.load_default(size * _OVERSAMPLE)
    left, _, right, _ = font.getbbox(TEXT, anchor="ls")
    pad = 0.72 * size
    w = _even((right - left) / _OVERSAMPLE + 2 * pad)
    h = _even(1.75 * size)
    canvas = Image.new("L", (w * _OVERSAMPLE, h * _OVERSAMPLE), 0)
    shape = ImageDraw.Draw(canvas)
    shape.rounded_rectangle((0, 0, canvas.width - 1, canvas.height - 1), radius=canvas.height // 2, fill=255)
    letters = Image.new("L", canvas.size, 0)
    _, cap_top, _, _ = font.getbbox("A", anchor="ls")
    baseline = (canvas.height - cap_top) / 2
    ImageDraw.Draw(letters).text(((canvas.width - (right - left)) / 2 - left, baseline), TEXT, 255, font, anchor="ls")
    pill, ink = (_shrink(mask, w, h) for mask in (canvas, letters))
    alpha = pill * OPACITY + ink * (0.95 - OPACITY)
    colour = np.array(_PILL) + (ink * 0.95 / np.maximum(alpha, 1e-6)).clip(0, 1)[..., None] * (
        np.array(_INK, float) - np.array(_PILL)
    )
    pixels = np.concatenate([colour, alpha[..., None] * 255], axis=2).round().astype(np.uint8)
    margin = max(4, round(0.026 * side))
    return Badge(pixels, _even(width - margin - w), _even(margin))


def _shrink(mask: Image.Image, width: int, height: int) -> NDArray[np.float64]:
    return np.asarray(mask.resize((width, height), Image.Resampling.BOX), np.float64) / 255


def _even(value: float) -> int:
    return max(0, round(value / 2) * 2)


class I420Badge:
    """Lays a badge over I420 frames of one size, in place."""

    def __init__(self, badge: Badge, width: int, height: int) -> None:
        pixels = badge.pixels.astype(np.float32)
        h, w = pixels.shape[:2]
        yuv = rgb_to_yuv(pixels[..., :3].reshape(-1, 3) / np.float32(255)).reshape(h, w, 3)
        alpha: Floats = pixels[..., 3] / np.float32(255)
        small_alpha = _quarter(alpha)
        self._width, self._height = width, height
        self._y, self._x = badge.y, badge.x
        self._layers: list[tuple[Floats, Floats]] = [
            (1 - alpha, yuv[..., 0] * alpha),
            *((1 - small_alpha, _quarter(yuv[..., k] * alpha)) for k in (1, 2)),
        ]

    def blend(self, i420: Pixels) -> None:
        """i420: flat uint8 planes of the frame size given, writable."""
        size = self._width * self._height
        planes: list[Pixels] = [i420[:size].reshape(self._height, self._width)]
        for k in (0, 1):
            plane = i420[size + k * size // 4 : size + (k + 1) * size // 4]
            planes.append(plane.reshape(self._height // 2, self._width // 2))
        for plane, (keep, add), scale in zip(planes, self._layers, (1, 2, 2), strict=True):
            y, x = self._y // scale, self._x // scale
            region = plane[y : y + keep.shape[0], x : x + keep.shape[1]]
            region[:] = np.rint(region * keep + add).astype(np.uint8)


def _quarter(values: Floats) -> Floats:
    """Means of 2 x 2 blocks."""
    h, w = values.shape
    means: Floats = values.reshape(h // 2, 2, w // 2, 2).mean(axis=(1, 3))
    return means
