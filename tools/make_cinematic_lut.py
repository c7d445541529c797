"""Writes services/postfx/looks/cinematic.cube: a gentle look after print film.

Soft S-shaped contrast with a lifted toe and a rolled-off shoulder, shadows leaning to teal, highlights to warm white,
shadows a little less saturated; hues of skin keep their colour and only take the contrast.
Run: python tools/make_cinematic_lut.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from services.postfx.lut import write_cube  # noqa: E402

SIZE = 25
SKIN_HUE, SKIN_WIDTH = 0.065, 0.05
"""Hue (0..1 around the circle) of skin under neutral light, and how far the protection reaches."""


def smooth(low: float, high: float, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Hermite step from 0 at `low` to 1 at `high`."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def contrast(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """S-curve through the middle greys, black at 1.8 %, white at 98 %."""
    curve = x + 0.14 * np.sin(2 * np.pi * (x - 0.5)) * x * (1 - x) * 4 * 0.5
    film: NDArray[np.float64] = 0.018 + 0.962 * curve
    return film


def skin(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """0..1: how much a colour is one of skin, by hue and moderate saturation."""
    high, low = rgb.max(-1), rgb.min(-1)
    span = np.maximum(high - low, 1e-6)
    red, green, blue = np.moveaxis(rgb, -1, 0)
    hue = np.where(
        high == red, (green - blue) / span, np.where(high == green, 2 + (blue - red) / span, 4 + (red - green) / span)
    )
    distance = np.abs((hue / 6 - SKIN_HUE + 0.5) % 1 - 0.5)
    saturation = span / np.maximum(high, 1e-6)
    near: NDArray[np.float64] = 1 - smooth(SKIN_WIDTH * 0.5, SKIN_WIDTH * 1.8, distance)
    return near * smooth(0.05, 0.17, saturation)


def look(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """Colours (..., 3) in 0..1, sRGB-encoded -> the full look."""
    toned = contrast(rgb)
    luma = (toned @ [0.299, 0.587, 0.114])[..., None]
    shade, light = 1 - smooth(0.05, 0.55, luma), smooth(0.45, 0.95, luma)
    toned = luma + (toned - luma) * (1.04 - 0.16 * shade)
    tint = shade * np.array([-0.030, 0.004, 0.022]) + light * np.array([0.016, 0.001, -0.022])
    graded: NDArray[np.float64] = np.clip(toned + tint * (1 - 0.8 * skin(rgb)[..., None]), 0, 1)
    return graded


def main() -> None:
    axis = np.linspace(0, 1, SIZE)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")
    table = look(np.stack([red, green, blue], -1)).astype(np.float32)
    out = ROOT / "services" / "postfx" / "looks" / "cinematic.cube"
    out.write_text(write_cube(table, "Flashback cinematic"), encoding="utf-8")
    print(f"{out.relative_to(ROOT)}: {SIZE}^3, {out.stat().st_size // 1024} kB")


if __name__ == "__main__":
    main()
