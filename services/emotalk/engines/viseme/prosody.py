"""How something is said: pitch, its accents and its range, from which the upper face takes its part.

Pitch is the highest peak of the autocorrelation of the sound below 900 Hz, divided by the window's own (Boersma 1993).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from services.emotalk.engine import FPS, RATE, Samples
from services.emotalk.engines.viseme.articulation import around, smoothstep
from services.emotalk.engines.viseme.spectra import Floats, recent, windows

LENGTH = RATE // 20
FFT = 1024
LOWEST_HZ, HIGHEST_HZ, BAND_HZ = 75, 450, 900
LAGS = np.arange(RATE // HIGHEST_HZ, RATE // LOWEST_HZ + 1)
VOICED = 0.70
"""Correlation from which a frame counts as voiced."""
AUDIBLE_DB = -12.0
USUAL_SPREAD, LIVELY_SPREAD = 0.8, 1.6
"""Semitones about the voice's own mean, root mean square: neither lively nor flat; that much more is fully lively."""
LEAP = 4.0
"""Semitones a voice does not change by within a frame, to and fro: pitch was mistaken."""
RISE = FPS * 4 // 15
"""Frames over which a change of expression comes about: 0.27 s."""
_UNSURE = 6.0


@dataclass(frozen=True)
class Prosody:
    """float32[t] each. accent: 0..1, pitch above the voice's own; liveliness: -1 (monotonous) to 1; speech: 0..1."""

    accent: Floats
    liveliness: Floats
    speech: Floats


def analyse(samples: Samples, loudness: Floats) -> Prosody:
    """Of an utterance (float32[n], 16 kHz) and its loudness (Spectra.loudness)."""
    level = around(loudness, np.max)
    semitones, voiced = pitch(samples, len(level))
    voiced *= (level > AUDIBLE_DB) & _continued(semitones)
    amount = recent(voiced, FPS)
    some = np.maximum(amount, 1e-6)
    usual = recent(voiced * semitones, FPS) / some
    variance = np.maximum(recent(voiced * semitones**2, FPS) / some - usual**2, 0.0)
    spread = np.sqrt(variance * amount / (amount + _UNSURE))
    speech = smoothstep(recent((level > AUDIBLE_DB).astype(np.float32), FPS).astype(np.float32), 0.5, 4.0)
    accent = smoothstep(((semitones - usual) * voiced).astype(np.float32), 0.3, 3.0)
    liveliness = np.clip((spread - USUAL_SPREAD) / LIVELY_SPREAD, -1.0, 1.0) * np.minimum(amount / _UNSURE, 1.0)
    return Prosody(eased(accent), eased(liveliness.astype(np.float32)), eased(speech))


def pitch(samples: Samples, frames: int) -> tuple[Floats, Floats]:
    """float32[frames] each: pitch in semitones above 100 Hz, and whether there is any (1 or 0)."""
    pieces = windows(samples, frames, FPS, LENGTH)
    pieces = (pieces - pieces.mean(1, keepdims=True)) * np.hanning(LENGTH).astype(np.float32)
    spectrum = np.fft.rfft(pieces, FFT)[:, : BAND_HZ * FFT // RATE]
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    likeness = power @ _cosines() / np.maximum(power @ _whole(), 1e-12)[:, None]
    peaks = (likeness[:, 1:-1] > likeness[:, :-2]) & (likeness[:, 1:-1] >= likeness[:, 2:])
    best = np.where(peaks, likeness[:, 1:-1], -1.0).argmax(1) + 1
    rows = np.arange(frames)
    a, b, c = (likeness[rows, best + side] for side in (-1, 0, 1))
    lag = LAGS[best] + 0.5 * (a - c) / np.minimum(a - 2 * b + c, -1e-6).clip(-10.0)
    hz = np.clip(RATE / lag, LOWEST_HZ, HIGHEST_HZ)
    return (12 * np.log2(hz / 100)).astype(np.float32), (b > VOICED).astype(np.float32)


def _continued(semitones: Floats) -> NDArray[np.bool_]:
    """Frames whose pitch is close to that of both neighbours."""
    near = np.abs(np.diff(semitones, prepend=-np.inf, append=-np.inf)) < LEAP
    together: NDArray[np.bool_] = near[:-1] & near[1:]
    return together


def eased(values: Floats) -> Floats:
    """Changes come about over RISE frames, never before their cause."""
    kernel = np.hanning(RISE + 2)[1:-1]
    changed: Floats = np.convolve(values, kernel / kernel.sum())[: len(values)].astype(np.float32)
    return changed


@cache
def _cosines() -> Floats:
    """float32[bins, LAGS]: power spectrum -> autocorrelation, divided by that of the window."""
    bins = np.arange(BAND_HZ * FFT // RATE)
    window = np.hanning(LENGTH)
    own = np.fft.irfft(np.abs(np.fft.rfft(window, 2 * LENGTH)) ** 2)[LAGS] / (window @ window)
    slight = 1.0 - 0.0003 * (LAGS - LAGS[0])
    waves = np.cos(2 * np.pi * np.outer(bins, LAGS) / FFT)
    cosines: Floats = (_whole()[:, None] * waves / own * slight).astype(np.float32)
    return cosines


@cache
def _whole() -> Floats:
    """float32[bins]: each bin counts twice, for its mirror image, but the first."""
    weights = np.full(BAND_HZ * FFT // RATE, 2.0, np.float32)
    weights[0] = 1.0
    return weights
