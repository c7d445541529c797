"""The mouth shapes of the 15 visemes as ARKit weights, in the order of the service's channels.

The scale is that of speech: a jaw opens to 0.35 in conversation, 1.0 is a scream.
"""

from __future__ import annotations

import numpy as np

from flashback.media.blendshapes import LAYOUTS
from services.emotalk.engine import CHANNELS, LAYOUT
from services.emotalk.engines.viseme.network import VISEMES
from services.emotalk.engines.viseme.spectra import Floats

PLACES: dict[str, int] = {name: place for place, name in enumerate(LAYOUTS[LAYOUT])}
"""Place of each ARKit channel in a weight vector of this service."""

SHAPES: dict[str, dict[str, float]] = {
    "sil": {},
    "PP": {"jawOpen": 0.04, "mouthClose": 0.05, "mouthPress": 0.24, "mouthRollLower": 0.30, "mouthRollUpper": 0.25},
    "FF": {"jawOpen": 0.09, "mouthRollLower": 0.85, "mouthUpperUp": 0.70, "mouthShrugLower": 0.10},
    "TH": {"jawOpen": 0.13, "mouthLowerDown": 0.28, "mouthUpperUp": 0.22, "tongueOut": 0.30},
    "DD": {"jawOpen": 0.12, "mouthLowerDown": 0.26, "mouthUpperUp": 0.16, "tongueOut": 0.06},
    "kk": {"jawOpen": 0.14, "mouthLowerDown": 0.20, "mouthUpperUp": 0.12},
    "CH": {
        "jawOpen": 0.08, "jawForward": 0.10, "mouthFunnel": 0.42, "mouthPucker": 0.14, "mouthLowerDown": 0.20,
        "mouthUpperUp": 0.14,
    },
    "SS": {
        "jawOpen": 0.07, "jawForward": 0.04, "mouthStretch": 0.26, "mouthDimple": 0.06, "mouthLowerDown": 0.40,
        "mouthUpperUp": 0.27,
    },
    "nn": {"jawOpen": 0.11, "mouthLowerDown": 0.22, "mouthUpperUp": 0.14, "tongueOut": 0.05},
    "RR": {"jawOpen": 0.11, "mouthFunnel": 0.26, "mouthPucker": 0.20, "mouthLowerDown": 0.12, "mouthUpperUp": 0.06},
    "aa": {"jawOpen": 0.36, "mouthLowerDown": 0.22, "mouthUpperUp": 0.16},
    "E": {"jawOpen": 0.20, "mouthStretch": 0.22, "mouthLowerDown": 0.26, "mouthUpperUp": 0.18, "mouthSmile": 0.10},
    "I": {
        "jawOpen": 0.11, "mouthSmile": 0.22, "mouthStretch": 0.20, "mouthDimple": 0.06, "mouthLowerDown": 0.26,
        "mouthUpperUp": 0.18,
    },
    "O": {"jawOpen": 0.25, "mouthFunnel": 0.55, "mouthPucker": 0.15},
    "U": {"jawOpen": 0.10, "mouthPucker": 0.66, "mouthFunnel": 0.28},
}  # fmt: skip
"""By viseme; names without a side stand for both halves."""


def places(name: str) -> list[int]:
    """Places of a channel, or of both halves of one that comes in two."""
    return [PLACES[name]] if name in PLACES else [PLACES[name + "Left"], PLACES[name + "Right"]]


def _targets() -> Floats:
    rows = np.zeros((len(VISEMES), CHANNELS), np.float32)
    for row, viseme in enumerate(VISEMES):
        for name, value in SHAPES[viseme].items():
            rows[row, places(name)] = value
    return rows


TARGETS: Floats = _targets()
"""float32[15, 52]: SHAPES as vectors, in the order of VISEMES."""
MOUTH: tuple[int, ...] = tuple(int(place) for place in np.flatnonzero(TARGETS.any(0)))
"""Channels that any viseme moves."""
