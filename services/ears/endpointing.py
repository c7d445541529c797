"""When speech begins and ends, from speech probabilities alone; time is samples of the microphone stream."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flashback.media.clock import ANALYSIS_RATE, samples

CHUNK_SAMPLES = 512
"""One speech probability covers 512 samples (32 ms at 16 kHz), as Silero VAD gives it."""


@dataclass(frozen=True)
class Policy:
    """start, stop: probabilities with hysteresis; onset, pause, silence, longest: whole chunks."""

    start: float = 0.5
    stop: float = 0.35
    onset: int = 3
    pause: int = 6
    silence: int = 16
    longest: int = 938

    @staticmethod
    def chunks(ms: float) -> int:
        """The chunks that last at least `ms` milliseconds; never none."""
        return max(1, -(-samples(ms, ANALYSIS_RATE) // CHUNK_SAMPLES))


@dataclass(frozen=True)
class Onset:
    """Sustained speech; it began at `speech_start` and was certain at `at`. Sample positions."""

    speech_start: int
    at: int


@dataclass(frozen=True)
class Pause:
    """Silence that may become the end of the turn: time to work out the words."""

    at: int


@dataclass(frozen=True)
class Resumed:
    """Speech went on after a Pause."""

    at: int


@dataclass(frozen=True)
class End:
    """The turn ended: `speech_end` is one past the last voiced sample, `at` where the silence was long enough."""

    speech_end: int
    at: int


Turn = Onset | Pause | Resumed | End


class Endpointer:
    """One per microphone. Feed it one probability a chunk, in order."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._position = 0
        self._evidence = 0
        self._start = 0
        self._speaking = False
        self._paused = False
        self._voiced_until = 0
        self._silent = 0

    @property
    def speaking(self) -> bool:
        """Between an Onset and its End."""
        return self._speaking

    def step(self, probability: float) -> Iterable[Turn]:
        """Events of one chunk, in order."""
        start, self._position = self._position, self._position + CHUNK_SAMPLES
        return self._during_speech(start, probability) if self._speaking else self._before_speech(start, probability)

    def finish(self) -> Iterable[Turn]:
        """The microphone is gone: an open turn ends here."""
        return [self._end()] if self._speaking else []

    def _before_speech(self, start: int, probability: float) -> Iterable[Turn]:
        """Voiced chunks count up, others down, so that a click is forgotten and a soft consonant forgiven."""
        if probability < self.policy.start:
            self._evidence = max(0, self._evidence - 1)
            return []
        if self._evidence == 0:
            self._start = start
        self._evidence += 1
        if self._evidence < self.policy.onset:
            return []
        self._evidence, self._silent = 0, 0
        self._speaking, self._paused = True, False
        self._voiced_until = self._position
        return [Onset(self._start, self._position)]

    def _during_speech(self, start: int, probability: float) -> Iterable[Turn]:
        threshold = self.policy.start if self._silent else self.policy.stop
        if probability >= threshold:
            resumed = [Resumed(start)] if self._paused else []
            self._paused, self._silent, self._voiced_until = False, 0, self._position
        else:
            resumed = []
            self._silent += 1
        if self._silent >= self.policy.silence or self._position - self._start >= self.policy.longest * CHUNK_SAMPLES:
            return [*resumed, self._end()]
        if self._silent >= self.policy.pause and not self._paused:
            self._paused = True
            return [Pause(self._position)]
        return resumed

    def _end(self) -> End:
        self._speaking, self._paused, self._evidence, self._silent = False, False, 0, 0
        return End(self._voiced_until, self._position)
