"""Media time is a count of audio samples: 24 kHz on the wire, 16 kHz for analysis, 48 kHz for WebRTC."""

from __future__ import annotations

from dataclasses import dataclass

SPEECH_RATE = 24_000
ANALYSIS_RATE = 16_000
WEBRTC_RATE = 48_000


def milliseconds(samples: int, rate: int = SPEECH_RATE) -> int:
    """Samples to milliseconds, rounded to the nearest."""
    return (samples * 1000 + rate // 2) // rate


def samples(ms: float, rate: int = SPEECH_RATE) -> int:
    """Milliseconds to samples, rounded to the nearest."""
    return round(ms * rate / 1000)


@dataclass(frozen=True)
class FrameClock:
    """Where video frames lie on the sample clock.

    fps: frames per second; rate: samples per second. When fps does not divide rate, frame lengths alternate so that
    frame n always starts at round(n * rate / fps): no drift.
    """

    fps: int = 25
    rate: int = SPEECH_RATE

    def start(self, frame: int) -> int:
        """First sample of a frame."""
        return (frame * self.rate + self.fps // 2) // self.fps

    def length(self, frame: int) -> int:
        """Samples that play while the frame is shown."""
        return self.start(frame + 1) - self.start(frame)

    def frame_at(self, sample: int) -> int:
        """The frame during which a sample plays."""
        frame = sample * self.fps // self.rate
        return frame + 1 if self.start(frame + 1) <= sample else frame
