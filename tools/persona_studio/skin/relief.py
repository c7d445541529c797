"""Roughness and height of the skin over texels [n]."""

from __future__ import annotations

import numpy as np

from ..arrays import Array
from ..geometry.noise import cellular, fbm
from ..geometry.vectors import smoothstep
from ..person import Person
from .atlas import MOUTH, SOCKET_LEFT
from .regions import gauss3
from .texels import Texels


def roughness(person: Person, t: Texels) -> Array:
    """Microfacet roughness [n], 0..1: lower on forehead, nose and chin, on lips and in the mouth."""
    shine = np.clip(
        gauss3(t.folded, (0, 7.7, 1.5), (0.32, 0.28, 0.4))
        + gauss3(t.folded, (0, 7.1, 1.6), (0.16, 0.35, 0.4))
        + 0.6 * gauss3(t.folded, (0, 6.35, 1.5), (0.2, 0.15, 0.3))
        + 0.55 * gauss3(t.folded, (0.42, 7.12, 1.2), (0.2, 0.12, 0.3)),
        0,
        1,
    )
    gloss = person.params["skin"].get("gloss", 0)
    rough = 0.53 - gloss - 0.10 * shine + 0.04 * t.blotches + 0.05 * t.patches + 0.04 * t.pores
    rough = rough * (1 - t.lips) + t.lips * (0.37 + 0.08 * t.creases)
    rough = np.where(t.island == MOUTH, 0.22, rough)
    return np.where(t.island >= SOCKET_LEFT, 0.30, rough)


def _wrinkles(t: Texels) -> tuple[Array, Array]:
    """Faint directional wrinkles of the forehead (horizontal) and under the eyes, mm."""
    x, y, z = t.mm[:, 0], t.mm[:, 1], t.mm[:, 2]
    forehead = gauss3(t.folded, (0, 7.82, 1.42), (0.42, 0.17, 0.4))
    eyes = gauss3(t.folded, (0.33, 7.15, 1.33), (0.20, 0.07, 0.2)) + 0.7 * gauss3(
        t.folded, (0.56, 7.25, 1.15), (0.09, 0.13, 0.2)
    )
    return (
        0.030 * forehead * fbm(np.stack([x / 22, y / 2.1, z / 22], 1), 3, t.seed + 73),
        0.045 * eyes * fbm(np.stack([x / 5, y / 0.95, z / 5], 1), 2, t.seed + 74),
    )


def height(t: Texels) -> Array:
    """Relief [n] in millimetres: facets between furrows, pores, wrinkles, lip creases, moles."""
    nearest, second = cellular(t.mm / 0.62, t.seed + 71)
    facets = smoothstep(0.02, 0.30, second - nearest)
    relief = 0.040 * facets - 0.110 * t.pores
    relief = relief + 0.034 * fbm(t.mm / 1.6, 3, t.seed + 72) + 0.05 * fbm(t.mm / 6.5, 2, t.seed + 76)
    forehead, eyes = _wrinkles(t)
    relief = relief + forehead + eyes
    relief = relief * (1 - t.lips) + t.lips * (0.085 * t.creases + 0.02 * t.fine)
    relief = relief * (1 - 0.5 * t.scalp)
    mouth = 0.15 * fbm(t.mm / 2.5, 3, t.seed + 75)
    return np.where(t.island == MOUTH, mouth, relief) + 0.25 * t.moles * t.head
