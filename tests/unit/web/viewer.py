"""The blendshape viewer in a headless Chromium that draws in software, and what its tests look at."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page

from benchmarks.conversation.talk import wav_of

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
MOVE_SLIDER = "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }"
"""Moves a slider as a hand would."""
WINDOW = {"width": 1000, "height": 600}
"""A window in which the drawing is quick, and picture and sliders lie side by side."""


def recording(loudness: list[float], part_s: float = 0.5) -> bytes:
    """A WAV file of a 220 Hz tone that is as loud (root mean square) as told, for `part_s` seconds each."""
    time = np.arange(int(part_s * RATE)) / RATE
    tone = np.sin(2 * np.pi * 220 * time) * np.sqrt(2)
    samples = np.concatenate([tone * rms for rms in loudness])
    return wav_of((np.clip(samples, -1, 1) * 32767).astype(np.int16), RATE)


def choose(page: Page, data: bytes, name: str = "speech.wav", kind: str = "audio/wav") -> None:
    """Hands a file to the page as the file dialogue does."""
    page.set_input_files("#file", {"name": name, "mimeType": kind, "buffer": data})


def face_drawn(page: Page) -> None:
    """Returns once a head is loaded and drawn."""
    page.wait_for_function("flashback.viewer.drawn > 0")


def pixels(shot: bytes) -> NDArray[np.int16]:
    """A screenshot as int16[height, width, 3], 0..255."""
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"), np.int16)


def picture(page: Page) -> NDArray[np.int16]:
    """What the 3D view shows now."""
    return pixels(page.screenshot(clip=page.locator("#view").bounding_box()))


def only_the_jaw_moved(closed: NDArray[np.int16], opened: NDArray[np.int16]) -> None:
    """Asserts that two pictures of a head differ where the mouth is, and not above it."""
    assert closed.std() > 20, "nothing is drawn"
    changed = np.abs(opened - closed).max(2) > 24
    height, width = changed.shape
    mouth = changed[int(height * 0.52) : int(height * 0.85), int(width * 0.35) : int(width * 0.65)]
    assert mouth.mean() > 0.1
    assert changed[: int(height * 0.42)].mean() < 0.01, "more moved than the jaw"


def log(page: Page) -> list[dict[str, Any]]:
    """What was drawn so far: {now, leader, time, weights} for each picture."""
    found: list[dict[str, Any]] = page.evaluate("flashback.viewer.log")
    return found
