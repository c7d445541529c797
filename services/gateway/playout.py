"""The playout buffer: frames in media order, their speech, and the generation below which speech is mute. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from flashback.media.clock import SPEECH_RATE
from services.gateway.pacing import PACKET_SAMPLES

SAMPLE_BYTES = 2
FADE_SAMPLES = SPEECH_RATE * 5 // 1000
"""Speech that is cut fades within 5 ms."""

CAPACITY = 16
"""Frames kept at most; more than this were never asked for."""


@dataclass(frozen=True, slots=True)
class Picture:
    """I420 planes, one after the other, of a picture of even width and height."""

    width: int
    height: int
    i420: bytes


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture and the audio that plays while it is shown (s16le mono 24 kHz), at a media position in samples."""

    start: int
    audio: bytes
    picture: Picture
    turn_id: str
    generation: int
    speech: bool

    @property
    def samples(self) -> int:
        return len(self.audio) // SAMPLE_BYTES


@dataclass(slots=True)
class _Segment:
    audio: bytes
    start: int | None
    generation: int
    taken: int = 0


class Playout:
    """Frames wait here until their slot; their audio until its packet.

    `next_start` is the media position of the frame after the last one received.
    """

    def __init__(self) -> None:
        self._frames: deque[Frame] = deque()
        self._audio: deque[_Segment] = deque()
        self._samples = 0
        self._generation = 0
        self._faded = True
        self.next_start = 0
        self.position = 0

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def packet_ready(self) -> bool:
        """Whether `take_packet` has something to give."""
        return self._samples >= PACKET_SAMPLES

    @property
    def buffered_samples(self) -> int:
        """Media time waiting: frames, and audio already due."""
        return sum(f.samples for f in self._frames) + self._samples

    def push(self, frame: Frame) -> bool:
        """False when the frame is not wanted: older than what is here, or more than was ever asked for."""
        if frame.start < self.next_start or len(self._frames) >= CAPACITY:
            return False
        self._frames.append(frame)
        self.next_start = frame.start + frame.samples
        return True

    def start_slot(self, samples: int) -> Frame | None:
        """The frame that plays now, or None when it is not here: then `samples` of silence take its place."""
        frame = self._frames.popleft() if self._frames else None
        if frame is None:
            self._add(_Segment(bytes(samples * SAMPLE_BYTES), None, self._generation))
        else:
            self._add(_Segment(frame.audio, frame.start, frame.generation))
        return frame

    def _add(self, segment: _Segment) -> None:
        self._audio.append(segment)
        self._samples += len(segment.audio) // SAMPLE_BYTES

    def cut(self, generation: int) -> int:
        """Speech older than `generation` is mute from the next packet on. Returns that packet's media position."""
        if generation > self._generation:
            self._generation = generation
            self._faded = False
        return self.position

    def stale(self, frame: Frame) -> bool:
        """Whether the frame's speech has been cut."""
        return frame.generation < self._generation

    def take_packet(self) -> bytes | None:
        """20 ms of s16le mono 24 kHz; None when the slot it belongs to has not started."""
        if not self.packet_ready:
            return None
        self._samples -= PACKET_SAMPLES
        parts: list[bytes] = []
        missing = PACKET_SAMPLES * SAMPLE_BYTES
        while missing:
            segment = self._audio[0]
            piece = segment.audio[segment.taken : segment.taken + missing]
            parts.append(self._muted(piece) if segment.generation < self._generation else piece)
            segment.taken += len(piece)
            missing -= len(piece)
            if segment.start is not None:
                self.position = segment.start + segment.taken // SAMPLE_BYTES
            if segment.taken == len(segment.audio):
                self._audio.popleft()
        return b"".join(parts)

    def _muted(self, piece: bytes) -> bytes:
        if self._faded:
            return bytes(len(piece))
        self._faded = True
        samples = np.zeros(len(piece) // SAMPLE_BYTES, dtype="<i2")
        n = min(FADE_SAMPLES, len(samples))
        samples[:n] = np.frombuffer(piece, dtype="<i2", count=n) * np.linspace(1.0, 0.0, n, endpoint=False)
        return samples.tobytes()
