"""The 15 mouth shapes of the Oculus/Meta set as targets for a small set of articulators.

An articulator is one degree of freedom of the mouth; each drives one ARKit shape, or its left and right halves alike.
Jaw opens 0.05-0.35 in speech on our rigs (1.0 is a scream). Strength says how much a shape insists on its target when
neighbours pull elsewhere (Cohen & Massaro 1993, "Modeling coarticulation in synthetic visual speech": dominance).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flashback.media.blendshapes import ARKIT_52, index

ARTICULATORS: dict[str, str] = {
    "jaw": "jawOpen",
    "lower": "mouthLowerDown",
    "upper": "mouthUpperUp",
    "stretch": "mouthStretch",
    "corner": "mouthSmile",
    "funnel": "mouthFunnel",
    "pucker": "mouthPucker",
    "roll_lower": "mouthRollLower",
    "roll_upper": "mouthRollUpper",
    "press": "mouthPress",
    "close": "mouthClose",
    "tongue": "tongueOut",
}
NAMES: tuple[str, ...] = tuple(ARTICULATORS)
COUNT = len(NAMES)
JAW = NAMES.index("jaw")
ROUNDING: tuple[int, ...] = (NAMES.index("funnel"), NAMES.index("pucker"))
SPREADING: tuple[int, ...] = (NAMES.index("stretch"), NAMES.index("corner"))
TONGUE = NAMES.index("tongue")

SHAPES: dict[str, dict[str, float]] = {
    "sil": {},
    "PP": {"jaw": 0.03, "close": 0.03, "press": 0.18, "roll_lower": 0.30, "roll_upper": 0.25},
    "FF": {"jaw": 0.09, "roll_lower": 0.95, "upper": 0.85},
    "TH": {"jaw": 0.13, "lower": 0.28, "upper": 0.22, "tongue": 0.48},
    "DD": {"jaw": 0.12, "lower": 0.26, "upper": 0.16, "tongue": 0.10},
    "kk": {"jaw": 0.14, "lower": 0.20, "upper": 0.12},
    "CH": {"jaw": 0.08, "funnel": 0.40, "pucker": 0.12, "lower": 0.20, "upper": 0.14},
    "SS": {"jaw": 0.07, "stretch": 0.26, "lower": 0.40, "upper": 0.27},
    "nn": {"jaw": 0.11, "lower": 0.22, "upper": 0.14, "tongue": 0.08},
    "RR": {"jaw": 0.11, "funnel": 0.26, "pucker": 0.20, "lower": 0.12, "upper": 0.06},
    "aa": {"jaw": 0.34, "lower": 0.22, "upper": 0.16},
    "E": {"jaw": 0.20, "stretch": 0.22, "lower": 0.26, "upper": 0.18, "corner": 0.10},
    "I": {"jaw": 0.11, "corner": 0.22, "stretch": 0.20, "lower": 0.26, "upper": 0.18},
    "O": {"jaw": 0.24, "funnel": 0.55, "pucker": 0.15},
    "U": {"jaw": 0.10, "pucker": 0.66, "funnel": 0.28},
}

VOWELS = frozenset({"aa", "E", "I", "O", "U"})
CLOSURES = frozenset({"PP", "FF"})
"""Shapes that must be reached in full: lips shut, lower lip on the teeth."""

_STRENGTH: dict[str, dict[str, float]] = {
    "sil": {"": 0.8},
    "PP": {"": 0.5, "funnel": 0.1, "pucker": 0.1, "stretch": 0.1, "corner": 0.1},
    "FF": {"": 0.6, "funnel": 0.3, "pucker": 0.3, "stretch": 0.2, "corner": 0.2},
    "TH": {"": 0.5, "funnel": 0.1, "pucker": 0.1, "stretch": 0.1, "corner": 0.1, "tongue": 4.0},
    "DD": {"": 0.4, "jaw": 0.55, "funnel": 0.1, "pucker": 0.1, "stretch": 0.1, "corner": 0.1, "tongue": 3.0},
    "kk": {"": 0.3, "jaw": 0.40, "funnel": 0.05, "pucker": 0.05, "stretch": 0.05, "corner": 0.05},
    "CH": {"": 0.8, "jaw": 1.0, "funnel": 1.0, "pucker": 0.8},
    "SS": {"": 0.7, "jaw": 1.1, "funnel": 0.25, "pucker": 0.25},
    "nn": {"": 0.4, "jaw": 0.55, "funnel": 0.1, "pucker": 0.1, "stretch": 0.1, "corner": 0.1, "tongue": 3.0},
    "RR": {"": 0.4, "funnel": 0.6, "pucker": 0.6},
    "aa": {"": 1.0, "jaw": 1.2},
    "E": {"": 1.0},
    "I": {"": 1.0},
    "O": {"": 1.0, "funnel": 1.6, "pucker": 1.6},
    "U": {"": 1.0, "funnel": 1.8, "pucker": 1.8},
}


@dataclass(frozen=True)
class Target:
    """A shape as float64[COUNT] vectors: where the articulators go and how strongly."""

    values: NDArray[np.float64]
    strength: NDArray[np.float64]


def _target(shape: str) -> Target:
    values = np.array([SHAPES[shape].get(name, 0.0) for name in NAMES])
    strengths = _STRENGTH[shape]
    return Target(values, np.array([strengths.get(name, strengths[""]) for name in NAMES]))


TARGETS: dict[str, Target] = {shape: _target(shape) for shape in SHAPES}


def _places(shape: str) -> list[int]:
    """Places of a shape: one, or its left and right halves when it comes in two."""
    return [index(shape)] if shape in ARKIT_52 else [index(shape + "Left"), index(shape + "Right")]


_PLACES = [(place, source) for source, name in enumerate(ARTICULATORS.values()) for place in _places(name)]
SHAPE_PLACES: NDArray[np.intp] = np.array([place for place, _ in _PLACES])
"""For spreading articulators over the 52: weights[SHAPE_PLACES] = articulators[SHAPE_SOURCES]."""
SHAPE_SOURCES: NDArray[np.intp] = np.array([source for _, source in _PLACES])
