"""What the ear tells of the mouth: short-time cepstra and loudness on a fine grid, each relative to the voice's level.

Everything here looks back no further than MEMORY_S and ahead no further than a window, so that a stretch of live speech
with that much before it gives what the whole utterance gives.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from services.emotalk.engine import FPS, RATE, Samples, frame_count

Floats = NDArray[np.float32]

FINE = 4
"""Spectra to a frame: 120 a second, 8.3 ms apart."""
WINDOW = RATE * 25 // 1000
FFT = 512
BANDS = 24
LOW_HZ, HIGH_HZ = 80.0, 7600.0
CEPSTRA = 13
"""Cepstral coefficients kept; the first is the mean of the bands."""
PRE_EMPHASIS = 0.97
RANGE_DB = 70.0
"""What is this far below the voice's level counts as silence."""
FLOOR_DB = -55.0
"""The level of a voice is never taken to be below this (dB of full scale): a quiet room is no speech."""
MEMORY_S = 1.5
"""The past that matters to anything here, and to what is built on it."""
_DECAY_S = 0.6
_SMOOTH = 5


@dataclass(frozen=True)
class Spectra:
    """Of an utterance with t = frame_count(n) frames; row FINE * k is centred on frame k.

    cepstra: float32[t * FINE, CEPSTRA], dB; loudness: float32[t * FINE], dB below the voice's level, -RANGE_DB or more.
    """

    cepstra: Floats
    loudness: Floats


def analyse(samples: Samples) -> Spectra:
    """Spectra of an utterance (float32[n], 16 kHz, full scale 1.0)."""
    rows = frame_count(len(samples)) * FINE
    pieces = windows(samples, rows, FPS * FINE, WINDOW)
    pieces = (pieces - pieces.mean(1, keepdims=True)) * _hann(WINDOW)
    power = np.einsum("ij,ij->i", pieces, pieces) / np.float32(_hann(WINDOW) @ _hann(WINDOW))
    level = _level(power)
    loudness = np.maximum(_db(power) - level, -RANGE_DB)
    pieces[:, 1:] -= PRE_EMPHASIS * pieces[:, :-1].copy()
    spectrum = np.fft.rfft(pieces, FFT).astype(np.complex64, copy=False)
    bands = (spectrum.real**2 + spectrum.imag**2) @ _mel()
    relative = np.maximum(_db(bands) - level[:, None], -RANGE_DB)
    return Spectra((relative @ _cosines()).astype(np.float32), loudness.astype(np.float32))


def windows(samples: Samples, rows: int, rate: int, length: int) -> Floats:
    """float32[rows, length]: row j is centred on sample j * RATE / rate; zeros beyond the utterance."""
    half = length // 2
    centres = (np.arange(rows) * RATE + rate // 2) // rate
    padded = np.zeros(max(int(centres[-1]), len(samples)) + 2 * length, np.float32)
    padded[half : half + len(samples)] = samples
    return np.lib.stride_tricks.sliding_window_view(padded, length)[centres]


def recent(values: NDArray[np.floating], rate: int) -> NDArray[np.float64]:
    """Of values (rows `rate` to the second), at each row the sum over the last MEMORY_S, fading with age."""
    fade = np.exp(-np.arange(round(MEMORY_S * rate)) / (_DECAY_S * rate))
    return np.convolve(values.astype(np.float64), fade)[: len(values)]


def _level(power: Floats) -> Floats:
    """How loud the voice has been lately, dB: a mean that leans to its loud parts, and forgets."""
    rate = FPS * FINE
    smooth = np.convolve(power, np.full(_SMOOTH, 1 / _SMOOTH, np.float32))[: len(power)]
    squared = np.maximum(recent(np.square(smooth, dtype=np.float64), rate), 0.0)
    level: Floats = np.maximum(_db(np.sqrt(squared / recent(np.ones(len(power)), rate))), FLOOR_DB).astype(np.float32)
    return level


def _db(power: NDArray[np.floating]) -> NDArray[np.floating]:
    decibels: NDArray[np.floating] = 10.0 * np.log10(power + 1e-12)
    return decibels


@cache
def _hann(length: int) -> Floats:
    window: Floats = np.hanning(length + 2)[1:-1].astype(np.float32)
    return window


@cache
def _mel() -> Floats:
    """float32[FFT // 2 + 1, BANDS]: triangles evenly spaced in mel (O'Shaughnessy), weighing all bands alike."""
    low, high = (2595 * math.log10(1 + hz / 700) for hz in (LOW_HZ, HIGH_HZ))
    edges_mel = np.linspace(low, high, BANDS + 2)
    edges = 700 * (10 ** (edges_mel / 2595) - 1)
    hz = np.arange(FFT // 2 + 1) * RATE / FFT
    rise = (hz[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - hz[:, None]) / (edges[2:] - edges[1:-1])
    weights = np.maximum(np.minimum(rise, fall), 0.0)
    window = _hann(WINDOW)
    mel: Floats = (weights / (weights.sum(0) * float(window @ window))).astype(np.float32)
    return mel


@cache
def _cosines() -> Floats:
    """float32[BANDS, CEPSTRA]: orthonormal DCT-II, but for the first, which is the mean."""
    at = (np.arange(BANDS) + 0.5) * np.pi / BANDS
    rows = np.cos(np.outer(at, np.arange(CEPSTRA))) * np.sqrt(2 / BANDS)
    rows[:, 0] = 1 / BANDS
    cosines: Floats = rows.astype(np.float32)
    return cosines
