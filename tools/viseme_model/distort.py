"""What microphones, rooms and other throats do to speech, drawn by chance."""

from __future__ import annotations

import numpy as np

from flashback.media.clock import ANALYSIS_RATE
from tools.viseme_model.speech import Floats, Spoken, resampled

_TAIL = 4000


def distorted(spoken: Spoken, rng: np.random.Generator) -> Spoken:
    """The same words by a shorter or longer throat, after a pause, in another room, noisier, louder or softer."""
    stretch = rng.uniform(0.86, 1.16)
    samples = resampled(spoken.samples, round(len(spoken.samples) * stretch))
    lead = int(rng.choice([0, 0, 2000, 8000]))
    samples = np.pad(samples, (lead, int(rng.choice([0, 4000]))))
    spans = [(v, start * stretch + lead / ANALYSIS_RATE, end * stretch + lead / ANALYSIS_RATE)
             for v, start, end in spoken.spans]  # fmt: skip
    samples = _level(_room(samples, rng), -20.0)
    if rng.random() < 0.7:
        samples = samples + _level(_noise(len(samples), rng), -20.0 - rng.uniform(12, 45))
    if rng.random() < 0.15:
        drive = rng.uniform(5, 20)
        samples = np.tanh(samples * drive) / drive
    samples = samples * 10 ** (rng.uniform(-22, 8) / 20)
    return Spoken(np.clip(samples, -1.0, 1.0), spans, spoken.voice)


def _room(samples: Floats, rng: np.random.Generator) -> Floats:
    """Colour (tilt, three broad bells), band limits, and a short diffuse tail."""
    n = len(samples) + _TAIL
    hz = np.fft.rfftfreq(n, 1 / ANALYSIS_RATE)
    octaves = np.log2(np.maximum(hz, 50.0))
    gain = np.zeros(len(hz))
    if rng.random() < 0.8:
        gain += rng.normal(0, 1.5) * (octaves - np.log2(1000))
        for _ in range(3):
            centre, width = np.log2(rng.uniform(150, 7000)), rng.uniform(0.3, 1.0)
            gain += rng.normal(0, 4) * np.exp(-0.5 * ((octaves - centre) / width) ** 2)
    if rng.random() < 0.15:
        gain -= 60 / (1 + np.exp(-(hz - rng.uniform(3400, 6500)) / 150))
    if rng.random() < 0.3:
        gain -= 40 / (1 + np.exp((hz - rng.uniform(60, 250)) / 20))
    spectrum = np.fft.rfft(samples, n) * 10 ** (gain / 20)
    if rng.random() < 0.4:
        tail = rng.normal(size=_TAIL) * np.exp(-np.arange(_TAIL) / (ANALYSIS_RATE * rng.uniform(0.02, 0.08)))
        tail *= 10 ** (rng.uniform(-25, -8) / 20) / np.sqrt((tail**2).sum())
        tail[0] += 1.0
        spectrum *= np.fft.rfft(tail, n)
    return np.fft.irfft(spectrum, n)[: len(samples)]


def _noise(count: int, rng: np.random.Generator) -> Floats:
    """Steady noise, white to pink."""
    spectrum = np.fft.rfft(rng.normal(size=count))
    spectrum *= np.maximum(np.fft.rfftfreq(count, 1 / ANALYSIS_RATE), 50.0) ** -rng.uniform(0, 1)
    return np.fft.irfft(spectrum, count)


def _level(samples: Floats, dbfs: float) -> Floats:
    return samples * (10 ** (dbfs / 20) / (np.sqrt(np.mean(samples**2)) + 1e-9))
