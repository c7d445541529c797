"""The blendshape viewer in a headless Chromium that draws in software, and what its tests look at."""

from __future__ import annotations

import io
import wave
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page

RATE = 24_000
JAW = 17
"""Place of jawOpen in the viewer's own order."""
EASED_MS = 150
"""After so long the face has gone over to whoever leads it."""
STILL = "matchMedia = () => ({ matches: true })"
"""A user who wants no motion: the head does not sway."""
WITHOUT_3D = """
const real = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...how) {
  return kind === 'webgl2' ? null : real.call(this, kind, ...how);
};
"""
"""A browser that cannot draw in 3D: everything else runs, at full speed."""
WINDOW = {"width": 1000, "height": 600}
"""A window in which the drawing is quick, and picture and sliders lie side by side."""


def recording(loudness: list[float], part_s: float = 0.5) -> bytes:
    """A WAV file of a 220 Hz tone that is as loud (root mean square) as told, for `part_s` seconds each."""
    time = np.arange(int(part_s * RATE)) / RATE
    tone = np.sin(2 * np.pi * 220 * time) * np.sqrt(2)
    samples = np.concatenate([tone * rms for rms in loudness])
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return out.getvalue()


def choose(page: Page, data: bytes, name: str = "speech.wav", kind: str = "audio/wav") -> None:
    """Hands a file to the page as the file dialogue does."""
    page.set_input_files("#file", {"name": name, "mimeType": kind, "buffer": data})


def face_drawn(page: Page) -> None:
    """Returns once a head is loaded and drawn."""
    page.wait_for_function("flashback.viewer.drawn > 0")


def picture(page: Page) -> NDArray[np.uint8]:
    """What the 3D view shows now: uint8[height, width, 3]."""
    shot = page.screenshot(clip=page.locator("#view").bounding_box())
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"))


def log(page: Page) -> list[dict[str, Any]]:
    """What was drawn so far: {now, leader, time, weights} for each picture."""
    found: list[dict[str, Any]] = page.evaluate("flashback.viewer.log")
    return found
