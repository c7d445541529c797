"""Wire messages <-> the stage's own types."""

from __future__ import annotations

import numpy as np

from flashback.errors import InvalidInput
from flashback.v1 import renderer_pb2
from services.renderer.motion.manners import Manner
from services.renderer.speech import Mark, Part
from services.renderer.stage import Event, SentenceStarted, TurnFinished


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
