"""The whole face: the mouth, what prosody does to brows, cheeks and corners, and whose face it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from services.emotalk.engine import CHANNELS, Weights
from services.emotalk.engines.viseme.prosody import Prosody
from services.emotalk.engines.viseme.shapes import MOUTH, PLACES, places
from services.emotalk.engines.viseme.spectra import Floats

CALM = 0.9
"""Size of the mouth's movements at level 0."""

ACCENT = {"browInnerUp": 0.34, "browOuterUp": 0.24, "eyeWide": 0.08}
LIVELY = {"mouthSmile": 0.16, "cheekSquint": 0.14, "browOuterUp": 0.10, "browInnerUp": 0.06, "eyeWide": 0.06}
MONOTONOUS = {"browDown": 0.14, "mouthFrown": 0.10, "eyeSquint": 0.08}
"""How much of each channel full accent, liveliness and monotony bring. Brows rise with pitch (Cave et al. 1996)."""


@dataclass(frozen=True)
class Style:
    """A manner of speaking. gains: float32[52], of the mouth and of the face; warmth: mouthSmile while speaking."""

    gains: Floats
    warmth: float


def face(mouth: Weights, prosody: Prosody, level: int, person: int) -> Weights:
    """float32[t, 52], 0..1. mouth: of `articulation.mouth`; level 0: the mouth alone, calmly; 1: with the rest."""
    manner = style(person)
    weights = mouth.copy() if level else mouth * np.float32(CALM)
    if level:
        parts = (
            (ACCENT, prosody.accent),
            (LIVELY, np.maximum(prosody.liveliness, 0.0)),
            (MONOTONOUS, np.maximum(-prosody.liveliness, 0.0)),
            ({"mouthSmile": manner.warmth}, prosody.speech),
        )
        pursed = np.minimum(1.6 * (mouth[:, PLACES["mouthPucker"]] + mouth[:, PLACES["mouthFunnel"]]), 1.0)
        for channels, amount in parts:
            for name, share in channels.items():
                strength = amount * (1.0 - 0.8 * pursed) if name.startswith("mouth") else amount
                weights[:, places(name)] += (share * strength)[:, None]
    weights *= manner.gains
    return np.clip(weights, 0.0, 1.0, out=weights)


@cache
def style(person: int) -> Style:
    """Person 0 speaks plainly, others livelier or calmer in parts, each always alike. Halves of a face differ."""
    rng = np.random.default_rng((person, 52))
    spread = 1.0 if person else 0.0
    gains = np.ones(CHANNELS) + spread * rng.uniform(-0.06, 0.06, CHANNELS)
    gains *= 1.0 + spread * rng.uniform(-0.22, 0.30)
    gains[list(MOUTH)] = 1.0 + spread * rng.uniform(-0.06, 0.06, len(MOUTH))
    for name in ("jawOpen", "mouthPucker", "mouthFunnel", "mouthStretch"):
        gains[places(name)] *= 1.0 + spread * rng.uniform(-0.14, 0.16)
    lean = 0.025 + spread * rng.uniform(-0.05, 0.05)
    for name, place in PLACES.items():
        if name.endswith("Left") and name[:-4] + "Right" in PLACES:
            other = PLACES[name[:-4] + "Right"]
            gains[[place, other]] = gains[[place, other]].mean() * np.array([1.0 + lean, 1.0 - lean])
    return Style(gains.astype(np.float32), 0.04 + spread * float(rng.uniform(-0.03, 0.05)))
