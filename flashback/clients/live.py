"""Live speech on the wire and as a program wants it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from flashback.clients.recordings import CHANNELS, Frame
from flashback.errors import FlashbackError, InvalidInput
from flashback.v1 import emotalk_pb2, media_pb2

SPEECH_RATE = 24_000
MAX_PIECE_BYTES = 1024 * 1024
"""Longer pieces go over the wire in several messages of at most this size."""


@dataclass(frozen=True, slots=True)
class SpokenPiece:
    """A piece of one sentence's speech. audio: s16le mono 24 kHz, whole samples.

    sentence: 0, 1, 2 ... within the turn. last: the sentence's last piece. valence, arousal: -1..1, emotion: neutral,
    joy, sadness, surprise or concern; they set the emotion level of the sentence and are read with its first piece.
    """

    audio: bytes
    turn_id: str = ""
    generation: int = 0
    sentence: int = 0
    last: bool = False
    emotion: str = ""
    valence: float = 0.0
    arousal: float = 0.0


@dataclass(frozen=True, slots=True)
class CancelSpeech:
    """Everything older than `generation` is dropped, queued or half computed."""

    generation: int


class LiveFrames(TypedDict):
    """Consecutive frames of one sentence; timecode and frame_number count from the sentence's start.

    is_final: the sentence's last; such a message may have no frames.
    """

    turn_id: str
    generation: int
    sentence: int
    frames: list[Frame]
    is_final: bool


def as_requests(piece: bytes | SpokenPiece | CancelSpeech) -> list[emotalk_pb2.AnimateRequest]:
    """Messages of one piece, in order. Bare bytes belong to one single sentence. InvalidInput for half a sample."""
    if isinstance(piece, CancelSpeech):
        cancel = emotalk_pb2.CancelAnimation(generation=piece.generation)
        return [emotalk_pb2.AnimateRequest(cancel=cancel)]
    if isinstance(piece, bytes):
        piece = SpokenPiece(piece)
    if len(piece.audio) % 2:
        raise InvalidInput("A piece of speech is s16le: whole samples of two bytes each.")
    emotion = media_pb2.Emotion(valence=piece.valence, arousal=piece.arousal, label=piece.emotion)
    ends = range(MAX_PIECE_BYTES, len(piece.audio) + MAX_PIECE_BYTES, MAX_PIECE_BYTES) or [MAX_PIECE_BYTES]
    return [
        emotalk_pb2.AnimateRequest(
            audio=emotalk_pb2.SpokenAudio(
                turn_id=piece.turn_id,
                generation=piece.generation,
                sentence=piece.sentence,
                audio=piece.audio[end - MAX_PIECE_BYTES : end],
                emotion=emotion,
                last=piece.last and end >= len(piece.audio),
            )
        )
        for end in ends
    ]


def as_live_frames(message: emotalk_pb2.FaceFrames, fps: int) -> LiveFrames:
    """Raises FlashbackError when the weights are not rows of 52."""
    weights = list(message.weights)
    if len(weights) % CHANNELS:
        raise FlashbackError(f"The EmoTalk service sent {len(weights)} weights; {CHANNELS} a frame are expected.")
    frames: list[Frame] = []
    for row in range(len(weights) // CHANNELS):
        number = message.first_frame + row
        values = weights[row * CHANNELS : (row + 1) * CHANNELS]
        frames.append({"timecode": number / fps, "frame_number": number, "blendshapes": values})
    return {
        "turn_id": message.turn_id,
        "generation": message.generation,
        "sentence": message.sentence,
        "frames": frames,
        "is_final": message.last,
    }
