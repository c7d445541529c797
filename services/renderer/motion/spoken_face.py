"""Faces that come with the speech: blendshape frames by sentence, laid on the media clock, looked up between frames."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from flashback.media.blendshapes import ARKIT_52

Key = tuple[str, int]
"""Turn and sentence."""
Row = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Track:
    """Consecutive frames of one sentence. rows: float32[n, 52], order of blendshapes.ARKIT_52, 0..1.

    Frame first + i shows (first + i) / fps seconds of the sentence. blinks: whether the rows blink.
    """

    key: Key
    generation: int
    fps: int
    first: int
    rows: NDArray[np.float32]
    blinks: bool = False


@dataclass(frozen=True, slots=True)
class SpokenFace:
    """The face at one instant. row: float32[52]."""

    row: Row
    blinks: bool


@dataclass(slots=True)
class _Sentence:
    generation: int
    fps: int
    blinks: bool
    origin: float | None = None
    rows: dict[int, Row] = field(default_factory=dict)


class Tracks:
    """The tracks of one session."""

    def __init__(self) -> None:
        self._sentences: dict[Key, _Sentence] = {}

    def add(self, track: Track) -> None:
        """More frames of a sentence, before or after its audio is known."""
        found = self._sentences.get(track.key)
        if found is None or found.fps != track.fps:
            origin = found.origin if found else None
            found = self._sentences[track.key] = _Sentence(track.generation, track.fps, track.blinks, origin)
        found.rows.update(enumerate(track.rows, track.first))

    def place(self, key: Key, origin: float, generation: int) -> None:
        """A sentence's first sample plays at `origin` seconds; may change as long as audio is late."""
        if key not in self._sentences:
            self._sentences[key] = _Sentence(generation, 0, False)
        self._sentences[key].origin = origin

    def cut(self, generation: int) -> None:
        """Drops what is older than `generation`."""
        self._sentences = {k: s for k, s in self._sentences.items() if s.generation >= generation}

    def at(self, time: float) -> SpokenFace | None:
        """The face at `time` (seconds, never going back); None where no frame covers it."""
        now = self._now(time)
        if now is None:
            return None
        place = (time - (now.origin or 0.0)) * now.fps
        before = math.floor(place)
        row = now.rows.get(before)
        if row is None:
            return None
        after = now.rows.get(before + 1, row)
        return SpokenFace(row + (after - row) * np.float32(place - before), now.blinks)

    def _now(self, time: float) -> _Sentence | None:
        """The sentence that began last; those before it are forgotten."""
        begun = [(s.origin, k) for k, s in self._sentences.items() if s.origin is not None and s.origin <= time]
        if not begun:
            return None
        origin, key = max(begun)
        for old, other in begun:
            if old < origin:
                del self._sentences[other]
        for other in list(self._sentences):
            if other[0] == key[0]:
                break
            del self._sentences[other]
        return self._sentences[key]


class Handover:
    """Lets one source of weights follow another without a jump: the difference between them dies away in `frames`."""

    def __init__(self, frames: int) -> None:
        self._frames = frames
        self._age = frames
        self._offset: Row = np.zeros(len(ARKIT_52), np.float32)
        self._shown: Row | None = None
        self._source: object = None

    def pass_on(self, weights: Row, source: object) -> Row:
        """What to show for a frame's weights (float32[52]) from a source; call once a frame."""
        if source != self._source and self._shown is not None:
            self._offset, self._age = self._shown - weights, 0
        self._source = source
        if self._age < self._frames:
            self._age += 1
            weights = weights + self._offset * np.float32((1 - self._age / self._frames) ** 2)
        self._shown = weights
        return weights
