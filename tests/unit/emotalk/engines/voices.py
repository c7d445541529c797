"""Speech for the tests: recordings with their true mouth shapes, and sounds made by formulas."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from services.emotalk.engine import FPS, RATE, Samples

FOLDER = Path(__file__).parents[3] / "data" / "visemes"


@dataclass(frozen=True)
class Recording:
    """spans: viseme, start and end in seconds."""

    name: str
    samples: Samples
    spans: list[tuple[str, float, float]]

    def shares(self, shape: str, frames: int) -> NDArray[np.float64]:
        """How much of each frame's period, centred on the frame, a viseme takes up."""
        starts = (np.arange(frames) - 0.5) / FPS
        parts = [np.minimum(starts + 1 / FPS, b) - np.maximum(starts, a) for s, a, b in self.spans if s == shape]
        return np.clip(parts, 0.0, None).sum(0) * FPS if parts else np.zeros(frames)

    def amount(self, of: dict[str, float], frames: int) -> NDArray[np.float64]:
        """Weighted sum of shares, by viseme."""
        return np.sum([weight * self.shares(shape, frames) for shape, weight in of.items()], axis=0)


def recordings() -> list[Recording]:
    """Spoken by the voices of our personas; the engine was not fitted to these sentences."""
    found = []
    for table in sorted(FOLDER.glob("*.json")):
        spans = [(s, a, b) for s, a, b in json.loads(table.read_text(encoding="utf-8"))["visemes"]]
        found.append(Recording(table.stem, flac(table.with_suffix(".flac")), spans))
    return found


def flac(file: Path) -> Samples:
    with av.open(str(file)) as container:
        blocks = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
    return (np.concatenate(blocks) / 32768).astype(np.float32)


def vowel(formants: tuple[float, float, float], seconds: float = 0.6, pitch: float = 120.0) -> Samples:
    """A vowel by formula: glottal pulses through five resonators, as they radiate (Klatt 1980), at about -20 dBFS."""
    n = int(seconds * RATE)
    phase = np.cumsum(np.full(n, pitch / RATE))
    pulses = np.diff(np.floor(phase), prepend=0.0)
    sound = _resonate(pulses, 0.0, 100.0)
    for hz, width in zip((*formants, 3500, 4500), (60, 90, 150, 200, 200), strict=True):
        sound = _resonate(sound, hz, width)
    sound = np.diff(sound, prepend=0.0)
    return (0.1 * sound / np.sqrt(np.mean(sound**2))).astype(np.float32)


def hiss(low: float, high: float, seconds: float = 0.3) -> Samples:
    """Noise of a band, at about -20 dBFS."""
    n = int(seconds * RATE)
    spectrum = np.fft.rfft(np.random.default_rng(7).normal(size=n))
    hz = np.fft.rfftfreq(n, 1 / RATE)
    spectrum[(hz < low) | (hz > high)] = 0
    sound = np.fft.irfft(spectrum, n)
    return (0.1 * sound / np.sqrt(np.mean(sound**2))).astype(np.float32)


def quiet(seconds: float) -> Samples:
    return np.zeros(int(seconds * RATE), np.float32)


def _resonate(sound: NDArray[np.float64], hz: float, width: float) -> NDArray[np.float64]:
    radius = np.exp(-np.pi * width / RATE)
    b, c = 2 * radius * np.cos(2 * np.pi * hz / RATE), -(radius**2)
    out = np.zeros(len(sound) + 2)
    for i, x in enumerate(sound):
        out[i + 2] = (1 - b - c) * x + b * out[i + 1] + c * out[i]
    return out[2:]
