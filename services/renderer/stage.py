"""One session's performance: speech and states go in, one frame's pose, audio and events come out.

Nothing here waits, draws or reads a clock: time is the number of frames taken so far.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flashback.media.clock import SPEECH_RATE, FrameClock
from services.renderer.engine import Pose
from services.renderer.motion.face import LEAD_S, FaceMotion
from services.renderer.motion.manners import Manner
from services.renderer.motion.mouth import Said
from services.renderer.motion.spoken_face import Track, Tracks
from services.renderer.speech import Part, SpeechQueue, Stretch, seconds

USUAL_LEVEL = 2500.0
"""Root mean square of ordinary speech to begin with, in 16-bit steps."""


@dataclass(frozen=True, slots=True)
class SentenceStarted:
    """A sentence's first sample is at `start_sample` of media time."""

    turn_id: str
    sentence: int
    start_sample: int
    generation: int


@dataclass(frozen=True, slots=True)
class TurnFinished:
    """All of a turn's speech has been performed; `end_sample` is the first sample after it."""

    turn_id: str
    end_sample: int


@dataclass(frozen=True, slots=True)
class SpeechCancelled:
    """`at_sample` is the first sample without the cancelled speech."""

    generation: int
    at_sample: int


Event = SentenceStarted | TurnFinished | SpeechCancelled


@dataclass(frozen=True, slots=True)
class Take:
    """One frame: what to draw, and what goes beside the picture.

    `turn_id` stays from a turn's first speech to its end, also while more of it is awaited (`speech` is false then).
    """

    pose: Pose
    turn_id: str
    generation: int
    state: Manner
    speech: bool
    events: tuple[Event, ...]


class Stage:
    """The performer of one session. seed: of everything left to chance."""

    def __init__(self, clock: FrameClock, seed: int) -> None:
        self._clock = clock
        self._face = FaceMotion(seed, clock.fps)
        self._queue = SpeechQueue()
        self._tracks = Tracks()
        self._frame = 0
        self._state = Manner.IDLE
        self._generation = 0
        self._tail: Stretch | None = None
        self._turn: Part | None = None
        self._level = USUAL_LEVEL

    @property
    def next_start(self) -> int:
        """Media time of the frame that `next_frame` will return."""
        return self._clock.start(self._frame)

    def skip_to(self, sample: int) -> None:
        """Media time jumps ahead to the first frame that starts at `sample` or later; never back."""
        frame = self._clock.frame_at(sample)
        if self._clock.start(frame) < sample:
            frame += 1
        self._frame = max(self._frame, frame)

    def set_state(self, state: Manner) -> None:
        self._state = state
        if state is not Manner.SPEAKING and not self._queue.busy:
            self._face.feel(0.0, 0.0)

    def say(self, part: Part) -> list[Event]:
        """Queues speech. A part of an older generation is dropped; one of a newer generation cancels what is older."""
        if part.generation < self._generation:
            return []
        events: list[Event] = []
        if part.generation > self._generation:
            if self._queue.busy:
                events = self.cancel(part.generation)
            self._generation = part.generation
        self._queue.add(part)
        return events

    def follow(self, track: Track) -> None:
        """More of the face that comes with a sentence; one of an older generation is dropped."""
        if track.generation >= self._generation:
            self._tracks.add(track)

    def cancel(self, generation: int) -> list[Event]:
        """Drops all speech older than `generation`: the mouth goes to rest, the face listens."""
        self._generation = max(self._generation, generation)
        was_busy = self._queue.busy
        self._tail = self._queue.cut(self._generation)
        self._tracks.cut(self._generation)
        if self._turn is not None and self._turn.generation < self._generation:
            self._turn = None
        if not self._queue.busy:
            self._face.hush()
            self._face.feel(0.0, 0.0)
            if self._state is Manner.SPEAKING or (was_busy and self._state is Manner.IDLE):
                self._state = Manner.LISTENING
        return [SpeechCancelled(generation, self.next_start + (len(self._tail.audio) if self._tail else 0))]

    def next_frame(self) -> Take:
        """Performs one frame period."""
        start, length = self.next_start, self._clock.length(self._frame)
        for arrival in self._queue.place(start):
            self._tracks.place(arrival.part.key, seconds(arrival.origin), arrival.part.generation)
            if arrival.late_by:
                self._face.delay(seconds(arrival.late_since), seconds(arrival.late_by))
            self._face.say(
                Said(
                    m.shape, seconds(arrival.origin + m.start), seconds(arrival.origin + m.start + m.duration), m.stress
                )
                for m in arrival.part.marks
            )
        stretch = self._queue.take(start, length)
        events: list[Event] = []
        for part, sample in stretch.started:
            self._face.feel(part.valence, part.arousal)
            events.append(SentenceStarted(part.turn_id, part.sentence, sample, part.generation))
        events += [TurnFinished(part.turn_id, sample) for part, sample in stretch.ended]
        voice = self._with_tail(stretch)
        self._turn = stretch.voice or self._turn
        turn = voice or self._turn
        if stretch.ended and not self._queue.busy:
            self._turn = None
        speaking = stretch.voice is not None or self._queue.busy
        manner = Manner.SPEAKING if speaking else self._state
        time = seconds(start) + length / (2 * SPEECH_RATE)
        spoken = self._tracks.at(time + LEAD_S) if speaking else None
        weights, sway, breath = self._face.pose(time, manner, self._loudness(stretch.audio), spoken)
        pose = Pose(self._frame, start, weights, sway, breath, stretch.audio)
        self._frame += 1
        return Take(
            pose=pose,
            turn_id=turn.turn_id if turn else "",
            generation=turn.generation if turn else self._generation,
            state=manner,
            speech=voice is not None,
            events=tuple(events),
        )

    def _with_tail(self, stretch: Stretch) -> Part | None:
        """Lets the last few samples of cut speech ring out; returns whose speech the frame holds."""
        tail, self._tail = self._tail, None
        if tail is None:
            return stretch.voice
        n = min(len(tail.audio), len(stretch.audio))
        mixed = stretch.audio[:n].astype(np.int32) + tail.audio[:n]
        stretch.audio[:n] = np.clip(mixed, -32768, 32767)
        return stretch.voice or tail.voice

    def _loudness(self, audio: NDArray[np.int16]) -> float:
        """Level of a frame relative to the voice's usual level, 0..1."""
        level = float(np.sqrt(np.mean(np.square(audio, dtype=np.float32))))
        if level > 0.2 * self._level:
            self._level += 0.02 * (level - self._level)
        return min(level / (1.6 * self._level), 1.0)
