"""Which mouth shape is being heard: a small network over the cepstra around each frame.

Two hidden layers of tanh, softmax over the 15 visemes. `tools/viseme_model` made its weights (model.npz) from speech
synthesised with known mouth shapes in many voices, distorted as microphones and rooms distort.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.emotalk.engine import FPS
from services.emotalk.engines.viseme.spectra import CEPSTRA, FINE, Floats, Spectra, recent

VISEMES = ("sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "I", "O", "U")
"""Oculus/Meta names, in the order of the network's outputs."""
OFFSETS = (-8, -5, -3, -1, 1, 3, 5)
"""The spectra the network sees of a frame, in rows before and after it: 67 ms back, 42 ms ahead."""
INPUTS = len(OFFSETS) * (CEPSTRA + 1) + CEPSTRA
AUDIBLE_DB = -25.0
"""Spectra this close to the voice's level say what the voice is like."""
_UNSURE = 5.0

MODEL = Path(__file__).with_name("model.npz")


@dataclass(frozen=True)
class Network:
    """mean, scale: float32[INPUTS], of the inputs; layers: weights [in, out] and biases [out], float32."""

    mean: Floats
    scale: Floats
    layers: tuple[tuple[Floats, Floats], ...]

    @classmethod
    def load(cls, file: Path = MODEL) -> Network:
        with np.load(file) as data:
            count = sum(name.startswith("weights") for name in data.files)
            layers = tuple(
                (data[f"weights{i}"].astype(np.float32), data[f"biases{i}"].astype(np.float32)) for i in range(count)
            )
            return cls(data["mean"].astype(np.float32), data["scale"].astype(np.float32), layers)

    def probabilities(self, inputs: Floats) -> Floats:
        """float32[t, INPUTS] -> float32[t, 15], of the visemes; rows add up to 1."""
        rows = (inputs - self.mean) / self.scale
        for weights, biases in self.layers[:-1]:
            rows = np.tanh(rows @ weights + biases)
        rows = rows @ self.layers[-1][0] + self.layers[-1][1]
        rows = np.exp(rows - rows.max(1, keepdims=True))
        probabilities: Floats = rows / rows.sum(1, keepdims=True)
        return probabilities


def inputs(spectra: Spectra) -> Floats:
    """float32[t, INPUTS]: cepstra and loudness at OFFSETS, and the voice's own mean cepstra of late."""
    rows = np.concatenate([spectra.cepstra, spectra.loudness[:, None]], axis=1)
    reach = max(-OFFSETS[0], OFFSETS[-1])
    padded = np.concatenate([np.repeat(rows[:1], reach, 0), rows, np.repeat(rows[-1:], reach, 0)])
    around = [padded[reach + offset : reach + offset + len(rows) : FINE] for offset in OFFSETS]
    return np.concatenate([*around, _voice(spectra)], axis=1)


def _voice(spectra: Spectra) -> Floats:
    """float32[t, CEPSTRA]: mean cepstra of what was audible lately; towards 0 as long as that is little."""
    audible = (spectra.loudness > AUDIBLE_DB).astype(np.float64)
    rate = FPS * FINE
    weight = recent(audible, rate) + _UNSURE
    sums = [recent(audible * column, rate) / weight for column in spectra.cepstra.T]
    return np.stack(sums, axis=1)[::FINE].astype(np.float32)
