"""How the face carries itself in each state of the turn, and how a sentence's emotion colours it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray


class Manner(IntEnum):
    """Behaviours, numbered as TurnState on the wire."""

    IDLE = 1
    LISTENING = 2
    THINKING = 3
    SPEAKING = 4


@dataclass(frozen=True)
class Bearing:
    """Where a manner holds the face. Shapes in 0..1, head as engine.Sway, gaze in eye-look weights (right, up of the
    picture positive), seconds between events as (least, most)."""

    roll: float = 0.0
    x: float = 0.0
    y: float = 0.0
    brow_inner: float = 0.0
    brow_outer: float = 0.0
    brow_down: float = 0.0
    smile: float = 0.0
    squint: float = 0.0
    press: float = 0.0
    gaze_x: float = 0.0
    gaze_y: float = 0.0
    wander: float = 0.10
    fixation_s: tuple[float, float] = (2.0, 5.0)
    nods_s: tuple[float, float] | None = None
    away: float = 0.0


BEARINGS: dict[Manner, Bearing] = {
    Manner.IDLE: Bearing(smile=0.06, wander=0.13, away=0.22),
    Manner.LISTENING: Bearing(
        roll=0.014, x=0.003, y=0.002, brow_inner=0.10, brow_outer=0.07, smile=0.09, wander=0.05, nods_s=(3.0, 7.0)
    ),
    Manner.THINKING: Bearing(
        roll=-0.009, y=-0.003, brow_inner=0.06, brow_down=0.12, squint=0.12, press=0.10, gaze_x=0.40, gaze_y=0.34,
        wander=0.14, fixation_s=(2.0, 3.6),
    ),
    Manner.SPEAKING: Bearing(smile=0.04, brow_inner=0.03, wander=0.08, away=0.18),
}  # fmt: skip

EASED: tuple[str, ...] = (
    "roll", "x", "y", "brow_inner", "brow_outer", "brow_down", "smile", "squint", "press", "frown", "wide",
)  # fmt: skip
"""What eases from one bearing to the next; the order of `bearing_vector`."""


def bearing_vector(manner: Manner, valence: float, arousal: float) -> NDArray[np.float64]:
    """Where the eased part of the face wants to be, float64[len(EASED)].

    valence, arousal: -1..1 (Russell's circumplex). Pleasure smiles with the cheeks; displeasure lowers the lip corners
    and raises the inner brows (concern); arousal lifts brows and lids.
    """
    bearing = BEARINGS[manner]
    glad, sad = max(valence, 0.0), max(-valence, 0.0)
    awake, calm = max(arousal, 0.0), max(-arousal, 0.0)
    extra = {
        "smile": 0.34 * glad - 0.05 * sad,
        "squint": 0.16 * glad + 0.05 * calm,
        "frown": 0.28 * sad,
        "brow_inner": 0.34 * sad + 0.10 * awake,
        "brow_outer": 0.20 * awake,
        "brow_down": 0.08 * sad * (1 + awake),
        "wide": 0.16 * awake,
        "roll": 0.008 * sad,
    }
    return np.array([getattr(bearing, name, 0.0) + extra.get(name, 0.0) for name in EASED])
