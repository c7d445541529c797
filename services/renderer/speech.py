"""The queue of speech a stage has been given: parts in, stretches of audio out, with what begins and ends where."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from flashback.media.clock import SPEECH_RATE, samples

FADE = samples(5)
"""Samples over which audio is faded where speech is cut."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One viseme, samples from the start of its sentence; stress 0..1."""

    shape: str
    start: int
    duration: int
    stress: float


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of one sentence's speech. audio: int16[n], 24 kHz; valence and arousal: -1..1."""

    turn_id: str
    generation: int
    sentence: int
    audio: NDArray[np.int16]
    marks: tuple[Mark, ...] = ()
    valence: float = 0.0
    arousal: float = 0.0
    last_of_sentence: bool = False
    last_of_turn: bool = False

    @property
    def key(self) -> tuple[str, int]:
        return self.turn_id, self.sentence


@dataclass(slots=True)
class Placed:
    """A part with its first sample's place on the media clock; `used` samples of it have been played."""

    part: Part
    start: int
    used: int = 0


@dataclass(frozen=True, slots=True)
class Arrival:
    """What `SpeechQueue.place` found out about a part: its sentence's origin, and by how much its audio came late."""

    part: Part
    origin: int
    late_since: int
    late_by: int


@dataclass(slots=True)
class Stretch:
    """Audio of one frame. `started`, `ended`: parts whose sentence begins, whose turn ends, and the sample where."""

    audio: NDArray[np.int16]
    voice: Part | None = None
    started: list[tuple[Part, int]] = field(default_factory=list)
    ended: list[tuple[Part, int]] = field(default_factory=list)


class SpeechQueue:
    """Parts lie end to end on the media clock from the frame in which the first of them plays.

    When audio runs out within a sentence, silence is inserted and the rest of the sentence lies that much later.
    """

    def __init__(self) -> None:
        self._waiting: deque[Part] = deque()
        self._placed: deque[Placed] = deque()
        self._end = 0
        self._sentence: tuple[str, int] | None = None
        self._open = False
        self._origin = 0
        self._begun: tuple[str, int] | None = None
        self._resumed = False
        self._last_value = 0

    @property
    def busy(self) -> bool:
        """Whether anything waits to be played."""
        return bool(self._waiting or self._placed)

    def add(self, part: Part) -> None:
        self._waiting.append(part)

    def place(self, now: int) -> list[Arrival]:
        """Gives every new part its place on the clock, `now` at the earliest (first sample of the next frame)."""
        arrivals = []
        while self._waiting:
            part = self._waiting.popleft()
            late_since, late_by = self._end, 0
            start = self._end
            if part.key != self._sentence:
                start = max(self._end, now)
                self._sentence, self._origin = part.key, start
            elif len(part.audio) and now > self._end:
                start, late_by = now, now - self._end
                self._origin += late_by
                self._resumed = True
            self._placed.append(Placed(part, start))
            self._end = start + len(part.audio)
            self._open = not (part.last_of_sentence or part.last_of_turn)
            arrivals.append(Arrival(part, self._origin, late_since, late_by))
        return arrivals

    def take(self, now: int, length: int) -> Stretch:
        """The next `length` samples, from `now`."""
        out = Stretch(np.zeros(length, np.int16))
        at = 0
        while self._placed and at < length:
            head = self._placed[0]
            part = head.part
            if self._begun != part.key:
                self._begun = part.key
                out.started.append((part, now + at))
            piece = part.audio[head.used : head.used + length - at]
            if len(piece):
                out.voice = part
                out.audio[at : at + len(piece)] = piece
                if self._resumed:
                    _fade(out.audio[at : at + FADE], rising=True)
                    self._resumed = False
                head.used += len(piece)
                at += len(piece)
            if head.used < len(part.audio):
                break
            self._placed.popleft()
            if part.last_of_turn:
                out.ended.append((part, now + at))
        last = int(out.audio[at - 1]) if at else self._last_value
        if at < length:
            if self._open:
                _run_down(out.audio[at:], last)
            last = 0
        self._last_value = last
        return out

    def cut(self, generation: int) -> Stretch | None:
        """Drops everything older than `generation`.

        Returns the faded few samples that end what was being said, or None when nothing of it had begun to play.
        """
        tail = None
        if self._placed and self._placed[0].part.generation < generation:
            head = self._placed[0]
            if head.used or self._begun == head.part.key:
                audio = head.part.audio[head.used : head.used + FADE].copy()
                _fade(audio, rising=False)
                tail = Stretch(audio, voice=head.part) if len(audio) else None
        self._waiting = deque(p for p in self._waiting if p.generation >= generation)
        kept = deque(p for p in self._placed if p.part.generation >= generation)
        if len(kept) < len(self._placed) or not kept:
            self._sentence = self._begun = None
            self._open = self._resumed = False
            self._waiting.extendleft(p.part for p in reversed(kept))
            kept.clear()
            self._end = self._last_value = 0
        self._placed = kept
        return tail


def _run_down(silence: NDArray[np.int16], value: int) -> None:
    """Audio ran out in mid-sentence at `value`: down to zero in a ramp rather than a step."""
    n = min(FADE, len(silence))
    silence[:n] = (value * np.linspace(1.0, 0.0, n + 1)[1:]).astype(np.int16)


def _fade(audio: NDArray[np.int16], *, rising: bool) -> None:
    ramp = np.linspace(0.0, 1.0, len(audio))
    audio[:] = (audio * (ramp if rising else ramp[::-1])).astype(np.int16)


def seconds(sample: int) -> float:
    """Media time in seconds."""
    return sample / SPEECH_RATE
