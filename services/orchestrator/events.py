"""What happens in a session, in the house's own words. Wire dialects translate these and never reach inside."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from services.orchestrator.transcript import TimedWord
from services.orchestrator.turns import CancelReason, State

# --- what a client asks for -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AddQuestion:
    """A typed question joins the conversation; StartAnswer answers it."""

    item_id: str
    text: str


@dataclass(frozen=True)
class StartAnswer:
    """Answer the newest question that has no answer yet."""


@dataclass(frozen=True)
class CancelAnswer:
    """Stop thinking and speaking."""


@dataclass(frozen=True)
class ClearOutput:
    """Silence what still plays."""


@dataclass(frozen=True)
class UpdateSession:
    """Settings a client may change while the session runs; None leaves one as it is."""

    ears_on: bool | None = None
    blendshapes: bool | None = None
    raw: dict[str, Any] = field(default_factory=dict)


Command = AddQuestion | StartAnswer | CancelAnswer | ClearOutput | UpdateSession

# --- what a session tells ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SessionStarted:
    session_id: str
    persona_id: str
    persona_name: str


@dataclass(frozen=True)
class SessionUpdated:
    pass


@dataclass(frozen=True)
class StateChanged:
    state: State


@dataclass(frozen=True)
class UserSpeechStarted:
    item_id: str
    at_ms: int


@dataclass(frozen=True)
class UserSpeechStopped:
    item_id: str
    at_ms: int


@dataclass(frozen=True)
class Heard:
    """What the recogniser understood; empty text means no words. `confidence` is 0..1."""

    item_id: str
    text: str
    recogniser: str
    confidence: float


@dataclass(frozen=True)
class QuestionAdded:
    item_id: str
    text: str
    spoken: bool


@dataclass(frozen=True)
class AnswerStarted:
    turn_id: str


@dataclass(frozen=True)
class SentenceReady:
    turn_id: str
    text: str


@dataclass(frozen=True)
class Cited:
    turn_id: str
    index: int
    document: str
    place: str
    text: str


@dataclass(frozen=True)
class Captioned:
    turn_id: str
    words: tuple[TimedWord, ...]


@dataclass(frozen=True)
class PlaybackBegan:
    turn_id: str


@dataclass(frozen=True)
class PlaybackEnded:
    turn_id: str


@dataclass(frozen=True)
class PlaybackCleared:
    turn_id: str
    audio_end_ms: int


@dataclass(frozen=True)
class AnswerEnded:
    """`heard` is what went into the history. Exactly one of completed, cancelled (a reason), failed (a message)."""

    turn_id: str
    text: str
    heard: str
    refused: bool = False
    cancelled: CancelReason | None = None
    failed: str | None = None


@dataclass(frozen=True)
class Notice:
    code: str
    message: str


@dataclass(frozen=True)
class Blendshapes:
    """Consecutive frames of the face. start_sample: media time of the first; rows of 52, arkit-52-alphabetical."""

    turn_id: str
    generation: int
    start_sample: int
    fps: int
    weights: tuple[float, ...]


@dataclass(frozen=True)
class Metrics:
    values: dict[str, Any]


Event = (
    SessionStarted
    | SessionUpdated
    | StateChanged
    | UserSpeechStarted
    | UserSpeechStopped
    | Heard
    | QuestionAdded
    | AnswerStarted
    | SentenceReady
    | Cited
    | Captioned
    | PlaybackBegan
    | PlaybackEnded
    | PlaybackCleared
    | AnswerEnded
    | Notice
    | Blendshapes
    | Metrics
)
