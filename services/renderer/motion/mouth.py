"""Mouth shapes over time: dominance blending of the visemes, with closures that are always reached.

Cohen & Massaro (1993): every viseme has a dominance for each articulator that is full over its core and dies away
before and after; the mouth is the dominance-weighted mean of the targets. Lips that must shut (p, b, m) or rest on the
teeth (f, v) are laid over that blend as gates whose plateau is never shorter than a frame, so that a frame shows them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from services.renderer.motion.visemes import CLOSURES, COUNT, JAW, NAMES, ROUNDING, SPREADING, TARGETS, TONGUE

Vector = NDArray[np.float64]

REST_STRENGTH = 0.04
"""Dominance of the closed mouth when nothing is being said."""
CORE = 0.4
"""Share of a viseme's duration over which its dominance is full."""
REACH_S = 0.45
"""Visemes further away than this do not matter."""
SETTLE_FRAMES = 3
"""A mouth whose plan changed reaches the new plan within this many frames."""

_BEFORE = np.full(COUNT, 0.060)
_AFTER = np.full(COUNT, 0.055)
_BEFORE[JAW], _AFTER[JAW] = 0.055, 0.060
_BEFORE[list(ROUNDING)], _AFTER[list(ROUNDING)] = 0.120, 0.075
_BEFORE[list(SPREADING)], _AFTER[list(SPREADING)] = 0.080, 0.070
_BEFORE[TONGUE], _AFTER[TONGUE] = 0.035, 0.035

_GATED = np.ones(COUNT)
_GATED[NAMES.index("pucker")], _GATED[list(SPREADING)] = 0.2, 0.6
"""How far a closure overrides each articulator: lips stay pursed through the b of `blue`."""
_GATE_IN_S, _GATE_OUT_S = 0.055, 0.050


@dataclass(frozen=True, slots=True)
class Said:
    """One viseme on the media clock, seconds. `stress` is 0..1."""

    shape: str
    start: float
    end: float
    stress: float


class Mouth:
    """The mouth of one session. `frame_s`: length of a frame, seconds."""

    def __init__(self, frame_s: float) -> None:
        self._frame_s = frame_s
        self._said: list[Said] = []
        self._shown = np.zeros(COUNT)
        self._planned = np.zeros(COUNT)
        self._time = 0.0
        self._leave: Vector | None = None
        self._offset = np.zeros(COUNT)
        self._offset_age = SETTLE_FRAMES

    def say(self, visemes: Iterable[Said]) -> None:
        """Adds to the plan. Shapes outside the set are treated as silence; they must come in order of time."""
        self._said += [v if v.shape in TARGETS else Said("sil", v.start, v.end, v.stress) for v in visemes]
        self._leave = self._planned

    def delay(self, since: float, by: float) -> None:
        """Moves what starts at or after `since` later by `by` seconds: its audio was late."""
        self._said = [
            Said(v.shape, v.start + by, v.end + by, v.stress) if v.start >= since - 1e-6 else v for v in self._said
        ]
        self._leave = self._planned

    def hush(self) -> None:
        """Drops the plan: the mouth closes from where it is, within SETTLE_FRAMES frames."""
        self._said.clear()
        self._leave = self._shown

    def shape(self, time: float, loudness: float) -> Vector:
        """Articulators at `time` (seconds, never going back), float64[COUNT].

        loudness: of the audio at that time, 0..1 of the voice's usual level; opens the jaw a little more or less.
        """
        self._forget(time)
        if self._leave is not None:
            # The new plan would have shown something else in the last frame: that difference is carried over and
            # dies away, so that no change of plan is ever seen as a jump.
            self._offset = self._leave - self._blend(self._time)
            self._offset_age = 0
            self._leave = None
        shape = self._blend(time)
        if self._offset_age < SETTLE_FRAMES:
            self._offset_age += 1
            shape += self._offset * (1 - self._offset_age / SETTLE_FRAMES) ** 2
        self._planned = shape.copy()
        shape[JAW] *= 0.86 + 0.24 * min(loudness, 1.0)
        for said in self._near(time):
            if said.shape in CLOSURES:
                gate = self._gate(said, time)
                if gate > 0:
                    shape += (TARGETS[said.shape].values - shape) * gate * _GATED
        np.clip(shape, 0.0, 1.0, out=shape)
        self._shown, self._time = shape, time
        return shape

    def _forget(self, time: float) -> None:
        keep = 0
        while keep < len(self._said) and self._said[keep].end < time - REACH_S:
            keep += 1
        del self._said[:keep]

    def _near(self, time: float) -> list[Said]:
        """What can matter at `time`; a long answer may be queued behind it."""
        return list(takewhile(lambda said: said.start < time + REACH_S, self._said))

    def _blend(self, time: float) -> Vector:
        near = self._near(time)
        if not near:
            return np.zeros(COUNT)
        centre = np.array([(v.start + v.end) / 2 for v in near])
        core = np.array([(v.end - v.start) * CORE / 2 for v in near])
        ahead = (centre - core - time)[:, None]
        behind = (time - centre - core)[:, None]
        distance = np.maximum(np.maximum(ahead / _BEFORE, behind / _AFTER), 0.0)
        stress = np.array([0.7 + 0.3 * v.stress for v in near])[:, None]
        dominance = np.stack([TARGETS[v.shape].strength for v in near]) * np.exp(-(distance**1.5))
        targets = np.stack([TARGETS[v.shape].values for v in near]) * stress
        blended: Vector = (dominance * targets).sum(0) / (dominance.sum(0) + REST_STRENGTH)
        return blended

    def _gate(self, said: Said, time: float) -> float:
        centre = said.start + 0.48 * (said.end - said.start)
        half = max((said.end - said.start) * 0.38, self._frame_s * 0.51)
        away = abs(time - centre) - half
        if away <= 0:
            return 1.0
        ramp = _GATE_IN_S if time < centre else _GATE_OUT_S
        return float(0.5 + 0.5 * np.cos(np.pi * away / ramp)) if away < ramp else 0.0
