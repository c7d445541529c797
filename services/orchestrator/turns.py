"""The turn machine: who speaks now, and which cancel generation is current. Pure: no I/O, no clock.

States are those of flashback.v1.TurnState. Every interruption increments `generation`; whatever carries an older one
is stale everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class State(Enum):
    """What the face shows."""

    IDLE = "idle"
    LISTENING = "listening"
    THINKING = "thinking"
    SPEAKING = "speaking"


class CancelReason(Enum):
    """Why a turn ended early, in the Realtime API's words."""

    TURN_DETECTED = "turn_detected"
    CLIENT_CANCELLED = "client_cancelled"


@dataclass(frozen=True)
class Interruption:
    """A turn was cut: everything older than `generation` must fall silent."""

    turn_id: str
    generation: int
    reason: CancelReason


class TurnMachine:
    """One session's turns. At most one turn is active; a new one interrupts it."""

    def __init__(self) -> None:
        self.state = State.IDLE
        self.generation = 0
        self.turn_id: str | None = None
        self._user_speaking = False

    @property
    def active(self) -> bool:
        """A turn is being thought about or spoken."""
        return self.turn_id is not None

    def begin(self, turn_id: str) -> Interruption | None:
        """A question starts a turn; returns what it interrupted, if anything."""
        cut = self.cancel(CancelReason.TURN_DETECTED)
        self.turn_id = turn_id
        self._user_speaking = False
        self.state = State.THINKING
        return cut

    def user_started(self) -> Interruption | None:
        """The user's voice began: barge-in when a turn is active."""
        cut = self.cancel(CancelReason.TURN_DETECTED)
        self._user_speaking = True
        self.state = State.LISTENING
        return cut

    def user_stopped(self) -> None:
        """The user's voice ended; the words are still being recognised."""
        if self._user_speaking:
            self._user_speaking = False
            self.state = State.THINKING

    def nothing_heard(self) -> None:
        """The voice held no words."""
        if not self.active:
            self.state = State.LISTENING if self._user_speaking else State.IDLE

    def playback_started(self, turn_id: str) -> bool:
        """The turn's first speech plays. False when it is stale."""
        if turn_id != self.turn_id:
            return False
        self.state = State.SPEAKING
        return True

    def finished(self, turn_id: str) -> bool:
        """The turn's last speech has played, or it ended without any. False when it is stale."""
        if turn_id != self.turn_id:
            return False
        self.turn_id = None
        self.state = State.LISTENING if self._user_speaking else State.IDLE
        return True

    def cancel(self, reason: CancelReason) -> Interruption | None:
        """Cuts the active turn, whether it already speaks or not; None when there is none."""
        if self.turn_id is None:
            return None
        self.generation += 1
        cut = Interruption(self.turn_id, self.generation, reason)
        self.turn_id = None
        self.state = State.LISTENING if self._user_speaking else State.IDLE
        return cut
