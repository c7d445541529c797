"""Decides what one session sends and asks for, and when. Policy only: the clock is handed in, nothing waits here.

Two lines of samples at 24 kHz: *media* positions are those of the frames; *timeline* positions count what was due to be
heard since playing began and become RTP timestamps. A frame that is late is held back for a slot: silence plays, and
media moves back along the timeline by one frame period, picture and sound together.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from flashback.media.clock import SPEECH_RATE, FrameClock
from services.gateway.pacing import Lead, Metronome
from services.gateway.playout import Frame, Picture, Playout

PREFILL = 2
"""Frames asked for before playing begins."""

MAX_AHEAD = 6
"""Frames asked for at most beyond the one that plays."""


@dataclass(frozen=True, slots=True)
class Show:
    """Send this picture at a timeline position."""

    picture: Picture
    position: int


@dataclass(frozen=True, slots=True)
class Hold:
    """No new picture for this timeline position."""

    position: int


@dataclass(frozen=True, slots=True)
class Sound:
    """Send 20 ms of s16le mono 24 kHz at a timeline position."""

    pcm: bytes
    position: int


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the source for all frames that start before this media position."""

    until: int


@dataclass(frozen=True, slots=True)
class Started:
    """A turn's speech is heard from this media position on."""

    turn_id: str
    at: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """A turn's speech was heard up to this media position."""

    turn_id: str
    at: int


@dataclass(frozen=True, slots=True)
class Moved:
    """Media time 0 is now at this timeline position (which may be negative)."""

    origin: int


Action = Show | Hold | Sound | Ask | Started | Stopped | Moved


class Player:
    """One session's playing. `advance` is to be called at `next_wake` and after each `arrived`."""

    def __init__(self, clock: FrameClock) -> None:
        self._clock = clock
        self._period_s = clock.length(0) / SPEECH_RATE
        self._lead = Lead(self._period_s)
        self._playout = Playout()
        self._metronome: Metronome | None = None
        self._slot = 0
        self._packet = 0
        self._asked = 0
        self._asks: deque[tuple[int, float]] = deque()
        self._turn: tuple[str, int] | None = None
        self._turn_end = 0
        self.origin: int | None = None
        self.frames_sent = 0
        self.frames_held = 0

    @property
    def playing(self) -> bool:
        return self._metronome is not None

    @property
    def media_position(self) -> int:
        """Media position of the next sound to be sent."""
        return self._playout.position

    @property
    def next_start(self) -> int:
        """Media position of the next frame expected."""
        return self._playout.next_start

    @property
    def buffered_samples(self) -> int:
        return self._playout.buffered_samples

    @property
    def lead_s(self) -> float:
        return self._lead.seconds

    def start(self, now: float) -> None:
        """The connection stands: playing begins."""
        if self._metronome is None:
            self._metronome = Metronome(self._clock, now)

    def arrived(self, frame: Frame, now: float) -> bool:
        """Takes a frame from the source. False when it is not wanted."""
        if not self._playout.push(frame):
            return False
        while self._asks and self._asks[0][0] <= frame.start:
            self._asks.popleft()
        if self._asks and self.playing:
            self._lead.arrived(now - self._asks[0][1], now)
        return True

    def forget_asked(self) -> int:
        """The source was lost with all that was asked of it. Returns the media position to go on from."""
        self._asked = self._playout.next_start
        self._asks.clear()
        return self._asked

    def cut(self, generation: int) -> int:
        """Mutes speech older than `generation` from the next packet on; returns that packet's media position."""
        if self._turn is not None and self._turn[1] < generation:
            self._turn = None
        return self._playout.cut(generation)

    def next_wake(self) -> float | None:
        """When `advance` has something to do; None before playing begins."""
        m = self._metronome
        if m is None:
            return None
        ask_due = m.frame_due(self._slot + self._ahead()) - self._lead.seconds
        due = min(m.frame_due(self._slot), ask_due if self._ahead() < MAX_AHEAD else m.frame_due(self._slot))
        return min(due, m.packet_due(self._packet)) if self._playout.packet_ready else due

    def advance(self, now: float) -> list[Action]:
        """Everything that is due."""
        actions: list[Action] = []
        m = self._metronome
        if m is not None:
            self.frames_held += m.catch_up(self._slot, now)
            while True:
                frame_due, packet_due = m.frame_due(self._slot), m.packet_due(self._packet)
                if frame_due <= now and (frame_due <= packet_due or not self._playout.packet_ready):
                    actions += self._start_slot(m)
                elif packet_due <= now and (pcm := self._playout.take_packet()) is not None:
                    actions.append(Sound(pcm, m.packet_position(self._packet)))
                    self._packet += 1
                else:
                    break
        return actions + self._ask(now)

    def _start_slot(self, m: Metronome) -> list[Action]:
        position = m.frame_position(self._slot)
        frame = self._playout.start_slot(self._clock.length(self._slot))
        self._slot += 1
        if frame is None:
            self.frames_held += 1
            self._lead.missed()
            return [Hold(position)]
        self.frames_sent += 1
        actions: list[Action] = [Show(frame.picture, position)]
        if self.origin != position - frame.start:
            self.origin = position - frame.start
            actions.append(Moved(self.origin))
        return actions + self._turns(frame)

    def _turns(self, frame: Frame) -> list[Action]:
        actions: list[Action] = []
        live = not self._playout.stale(frame)
        audible = frame.speech and live
        if self._turn is not None and (not live or frame.turn_id != self._turn[0]):
            actions.append(Stopped(self._turn[0], self._turn_end))
            self._turn = None
        if audible:
            if self._turn is None:
                actions.append(Started(frame.turn_id, frame.start))
                self._turn = (frame.turn_id, frame.generation)
            self._turn_end = frame.start + frame.samples
        return actions

    def _ahead(self) -> int:
        """Frames asked for, here or still to come, beyond the slots already started."""
        coming = max(0, self._asked - self._playout.next_start)
        return len(self._playout) + round(coming / self._clock.length(0))

    def _ask(self, now: float) -> list[Action]:
        m = self._metronome
        if m is None:
            want = PREFILL
        else:
            want = int((now + self._lead.seconds - m.frame_due(self._slot)) / self._period_s + 1.000001)
        more = min(want, MAX_AHEAD) - self._ahead()
        if more <= 0:
            return []
        first = self._clock.frame_at(max(self._asked, self._playout.next_start))
        self._asked = self._clock.start(first + more)
        self._asks.append((self._asked, now))
        return [Ask(self._asked)]
