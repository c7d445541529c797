"""When things are due. Policy only: the clock is handed in, nothing waits here."""

from __future__ import annotations

from flashback.media.clock import SPEECH_RATE, FrameClock

PACKET_SAMPLES = SPEECH_RATE // 50
"""One Opus packet: 20 ms at 24 kHz."""

MAX_BURST = 2
"""Frame slots played at once to catch up; what is missed beyond them is skipped."""


class Metronome:
    """Slots on an absolute schedule: frame slot k and audio packet n of a session lie on one line of samples.

    Times are seconds of a monotonic clock, positions are 24 kHz samples since the start. Both tracks take their RTP
    timestamps from these positions, so they cannot drift apart. After a stall the whole line is moved, for both tracks
    together.
    """

    def __init__(self, clock: FrameClock, now: float) -> None:
        self._clock = clock
        self._origin = now
        self._skipped = 0

    def frame_position(self, slot: int) -> int:
        """Position of a frame slot."""
        return self._clock.start(slot) + self._skipped

    def packet_position(self, packet: int) -> int:
        """Position of an audio packet."""
        return packet * PACKET_SAMPLES + self._skipped

    def frame_due(self, slot: int) -> float:
        return self._origin + self.frame_position(slot) / SPEECH_RATE

    def packet_due(self, packet: int) -> float:
        return self._origin + self.packet_position(packet) / SPEECH_RATE

    def catch_up(self, slot: int, now: float) -> int:
        """Moves the line when more than MAX_BURST slots from `slot` on are overdue. Returns the slots skipped."""
        period = self._clock.length(0)
        behind = int((now - self.frame_due(slot)) * SPEECH_RATE) // period + 1
        missed = max(0, behind - MAX_BURST)
        self._skipped += missed * period
        return missed


class Lead:
    """How long before it is due a frame is asked for.

    Follows the slowest recent turnaround (asked for -> here) like a jitter buffer: up at once, down slowly. A frame
    that came too late adds half a period.
    """

    MARGIN_S = 0.012
    DECAY_PER_S = 0.06
    FLOOR_S = 0.020

    def __init__(self, period_s: float) -> None:
        self._half_period = period_s / 2
        self._ceiling = 4 * period_s
        self._peak = 1.2 * period_s
        self._at: float | None = None

    @property
    def seconds(self) -> float:
        """Between 20 ms and four frame periods."""
        return min(max(self._peak + self.MARGIN_S, self.FLOOR_S), self._ceiling)

    def arrived(self, turnaround_s: float, now: float) -> None:
        """A frame came `turnaround_s` after it was asked for."""
        if self._at is not None:
            self._peak *= max(0.0, 1 - self.DECAY_PER_S * min(now - self._at, 1.0))
        self._at = now
        self._peak = min(max(self._peak, turnaround_s), self._ceiling)

    def missed(self) -> None:
        """A frame was not there when it was due."""
        self._peak = min(self._peak + self._half_period, self._ceiling)
