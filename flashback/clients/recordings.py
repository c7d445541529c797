"""A recording's blendshapes on the wire and as a program wants them; what both clients share. Nothing here does I/O."""

from __future__ import annotations

import uuid
from typing import Any, TypedDict

import grpc

from flashback.compat import emotalk_pb2
from flashback.errors import FlashbackError, Full, InvalidInput, TooLarge, Unavailable, from_call
from flashback.v1 import emotalk_pb2 as live_pb2

SERVICE = "emotalk"
CHANNELS = 52
LEVELS = 2
PERSONS = 24
BUSY = "queue is full"
"""In the error message of a full service that knows no gRPC status."""

WRITTEN_TOO_LATE = "Internal error from Core"
"""What grpc.aio says when a message is written to a call that the service has just ended."""

SERVING = "SERVING"
UNREACHABLE = "unreachable"

HEALTH_S = 5.0
DESCRIBE_S = 10.0
WHOLE_S = 3600.0
"""Longest that a recording waits and is worked on, unless the client is told otherwise."""

CHANNEL_OPTIONS = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
"""How large a recording may be is the service's to say."""


class Frame(TypedDict):
    """timecode: seconds from the start of the recording; frame_number: 0, 1, 2 ... within its chunk.

    blendshapes: 52 weights in the layout arkit-52-alphabetical, not clipped to 0..1.
    """

    timecode: float
    frame_number: int
    blendshapes: list[float]


class Chunk(TypedDict):
    """Consecutive frames of a recording, 30 a second. chunk_index: 0, 1, 2 ..."""

    request_id: str
    chunk_index: int
    frames: list[Frame]
    is_final: bool


class Description(TypedDict):
    """What the service runs. device: "cpu", or the accelerator's name; layout, channels: order of the weights."""

    engine: str
    device: str
    fps: int
    layout: str
    channels: list[str]
    queue_depth: int
    queue_size: int
    workers: int
    live_streams: int
    max_live_streams: int


def audio_request(
    audio: bytes,
    emotion_level: int,
    person_id: int,
    post_processing: bool,
    chunk_duration: float,
    chunk_overlap: float,
    request_id: str | None,
) -> emotalk_pb2.AudioRequest:
    """Raises InvalidInput for an empty recording, and a level or person that there is not; the rest is the service's to
    judge.
    """
    if not audio:
        raise InvalidInput("The recording is empty.")
    check_level(emotion_level)
    check_person(person_id)
    return emotalk_pb2.AudioRequest(
        request_id=request_id or uuid.uuid4().hex,
        audio_data=audio,
        emotion_level=emotion_level,
        person_id=person_id,
        post_processing=post_processing,
        chunk_duration=chunk_duration,
        chunk_overlap=chunk_overlap,
    )


def check_level(level: int) -> None:
    """Raises InvalidInput for an emotion level that EmoTalk does not have."""
    if level not in range(LEVELS):
        raise InvalidInput(f"emotion_level is 0 or 1, not {level}.")


def check_person(person: int) -> None:
    """Raises InvalidInput for a speaking style that EmoTalk does not have."""
    if person not in range(PERSONS):
        raise InvalidInput(f"person_id is 0 to {PERSONS - 1}, not {person}.")


def told(response: emotalk_pb2.BlendshapeResponse) -> FlashbackError | None:
    """The error that a response is, if it is one. The status that the call then ends with may say more."""
    if not response.error_message:
        return None
    return (Full if BUSY in response.error_message else FlashbackError)(response.error_message)


def as_chunk(response: emotalk_pb2.BlendshapeResponse) -> Chunk:
    """Raises FlashbackError for frames of other than 52."""
    frames: list[Frame] = [
        {"timecode": f.timecode, "frame_number": f.frame_number, "blendshapes": list(f.blendshapes)}
        for f in response.frames
    ]
    for frame in frames:
        if len(frame["blendshapes"]) != CHANNELS:
            given = len(frame["blendshapes"])
            raise FlashbackError(f"The EmoTalk service sent a frame of {given} blendshapes; {CHANNELS} are expected.")
    return {
        "request_id": response.request_id,
        "chunk_index": response.chunk_index,
        "frames": frames,
        "is_final": response.is_final,
    }


def as_description(message: live_pb2.EmoTalkDescription) -> Description:
    """The message as a dict."""
    return {
        "engine": message.engine,
        "device": message.device,
        "fps": message.fps,
        "layout": message.layout,
        "channels": list(message.channels),
        "queue_depth": message.queue_depth,
        "queue_size": message.queue_size,
        "workers": message.workers,
        "live_streams": message.live_streams,
        "max_live_streams": message.max_live_streams,
    }


def as_error(error: grpc.RpcError) -> FlashbackError:
    """The typed error of a failed call, of grpc's or grpc.aio's."""
    call: Any = error
    if call.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return Unavailable("The EmoTalk service did not finish in time.")
    if call.code() is grpc.StatusCode.INTERNAL and call.details() == WRITTEN_TOO_LATE:
        return Unavailable("The EmoTalk service ended the call.")
    trailing = {key: value for key, value in call.trailing_metadata() or () if isinstance(value, str)}
    typed = from_call(SERVICE, call.code(), call.details() or "", trailing)
    if isinstance(typed, Unavailable) and not typed.from_service:
        return Unavailable("No EmoTalk service is answering.")
    if isinstance(typed, TooLarge) and not typed.from_service:
        return TooLarge("The recording is larger than the EmoTalk service takes.")
    return typed


def broken_off() -> FlashbackError:
    """The error of a stream that ended well, and yet before its final chunk."""
    return FlashbackError("The EmoTalk service ended before the final chunk.")


def unreadable(path: object, error: OSError) -> InvalidInput:
    """The error of a recording that is not there."""
    return InvalidInput(f"{path} cannot be read: {error.strerror or error}.")


def pause_s(full: Full, left_s: float) -> float:
    """Seconds until a full service is asked again. Raises `full` itself when no time is left for that."""
    if full.retry_after_s >= left_s:
        raise full
    return float(max(full.retry_after_s, 1))
