"""Wire messages <-> the stage's own types."""

from __future__ import annotations

import numpy as np

from flashback.errors import InvalidInput
from flashback.media.blendshapes import ARKIT_52, ARKIT_52_ALPHABETICAL
from flashback.v1 import renderer_pb2
from services.renderer.motion.manners import Manner
from services.renderer.motion.spoken_face import Track
from services.renderer.speech import Mark, Part
from services.renderer.stage import Event, SentenceStarted, TurnFinished

MAX_FPS = 120
_ORDER = [ARKIT_52_ALPHABETICAL.index(name) for name in ARKIT_52]


def part_of(message: renderer_pb2.SpeechPart) -> Part:
    """Raises InvalidInput when the audio is not whole 16-bit samples."""
    if len(message.audio) % 2:
        raise InvalidInput("SpeechPart.audio must be whole 16-bit samples (s16le mono, 24 kHz).")
    return Part(
        turn_id=message.turn_id,
        generation=message.generation,
        sentence=message.sentence,
        audio=np.frombuffer(message.audio, "<i2"),
        marks=tuple(Mark(v.shape, v.start_sample, v.duration_samples, v.weight) for v in message.visemes),
        valence=message.emotion.valence,
        arousal=message.emotion.arousal,
        last_of_sentence=message.last_of_sentence or message.last_of_turn,
        last_of_turn=message.last_of_turn,
    )


def only_face(message: renderer_pb2.SpeechPart) -> bool:
    """Whether a part has nothing but frames of a sentence's face."""
    return message.HasField("face") and not (
        message.audio or message.visemes or message.last_of_sentence or message.last_of_turn
    )


def track_of(message: renderer_pb2.SpeechPart) -> Track:
    """The frames of a part's `face`. Raises InvalidInput when they are not whole, not numbers, or too many a second."""
    face = message.face
    if not 1 <= face.fps <= MAX_FPS:
        raise InvalidInput(f"FaceTrack.fps is 1 to {MAX_FPS}, not {face.fps}.")
    if len(face.blendshapes) % len(ARKIT_52):
        raise InvalidInput(f"FaceTrack.blendshapes has {len(face.blendshapes)} numbers, no whole rows of 52.")
    rows = np.array(face.blendshapes, np.float32).reshape(-1, len(ARKIT_52))[:, _ORDER]
    if not np.isfinite(rows).all():
        raise InvalidInput("FaceTrack.blendshapes holds values that are not numbers.")
    return Track(
        key=(message.turn_id, message.sentence),
        generation=message.generation,
        fps=face.fps,
        first=face.first_frame,
        rows=np.clip(rows, 0.0, 1.0),
        blinks=face.blinks,
    )


def manner_of(message: renderer_pb2.SetState) -> Manner:
    """Raises InvalidInput for a state that is not named in the contract."""
    try:
        return Manner(message.state)
    except ValueError as error:
        raise InvalidInput(f"SetState.state {message.state} is not a state of the turn.") from error


def message_of(event: Event) -> renderer_pb2.StageEvent:
    if isinstance(event, SentenceStarted):
        return renderer_pb2.StageEvent(
            sentence_started=renderer_pb2.SentenceStarted(
                turn_id=event.turn_id,
                sentence=event.sentence,
                start_sample=event.start_sample,
                generation=event.generation,
            )
        )
    if isinstance(event, TurnFinished):
        return renderer_pb2.StageEvent(
            turn_finished=renderer_pb2.TurnFinished(turn_id=event.turn_id, end_sample=event.end_sample)
        )
    return renderer_pb2.StageEvent(
        cancelled=renderer_pb2.SpeechCancelled(generation=event.generation, at_sample=event.at_sample)
    )
