"""Faces for a text that is filmed: its speech through EmoTalk, sentence by sentence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from itertools import groupby

from flashback.errors import Unavailable
from flashback.rpc import SLOW_S, drain, typed_errors
from flashback.v1 import emotalk_pb2, emotalk_pb2_grpc, renderer_pb2


async def faces(
    emotalk: emotalk_pb2_grpc.EmoTalkAsyncStub, parts: Iterable[renderer_pb2.SpeechPart]
) -> list[renderer_pb2.SpeechPart]:
    """Parts that hold the faces of the spoken ones.

    Raises what EmoTalk answers, Unavailable when it ends before the last face.
    """
    spoken = [part for part in parts if part.audio or part.last_of_sentence]
    requests: asyncio.Queue[emotalk_pb2.AnimateRequest] = asyncio.Queue()
    start = emotalk_pb2.AnimateStart(session_id="say", post_processing=True)
    requests.put_nowait(emotalk_pb2.AnimateRequest(start=start))
    found: list[renderer_pb2.SpeechPart] = []
    with typed_errors("emotalk"):
        call = emotalk.Animate(drain(requests), timeout=SLOW_S * 10)
        try:
            events = aiter(call)
            fps = (await anext(events)).description.fps
            for _, sentence in groupby(spoken, key=lambda part: part.sentence):
                for part in sentence:
                    requests.put_nowait(emotalk_pb2.AnimateRequest(audio=_speech(part)))
                found += [part async for part in _sentence(events, fps)]
        except StopAsyncIteration as error:
            raise Unavailable("EmoTalk ended before the last face was made; see its log.") from error
        finally:
            call.cancel()
    return found


async def _sentence(
    events: AsyncIterator[emotalk_pb2.AnimateEvent], fps: int
) -> AsyncIterator[renderer_pb2.SpeechPart]:
    """The faces of one sentence, to its last."""
    async for event in events:
        frames = event.frames
        if frames.weights:
            face = renderer_pb2.FaceTrack(
                fps=fps, first_frame=frames.first_frame, blendshapes=frames.weights, blinks=True
            )
            yield renderer_pb2.SpeechPart(turn_id=frames.turn_id, sentence=frames.sentence, face=face)
        if frames.last:
            return
    raise Unavailable("EmoTalk ended before the last face was made; see its log.")


def _speech(part: renderer_pb2.SpeechPart) -> emotalk_pb2.SpokenAudio:
    return emotalk_pb2.SpokenAudio(
        turn_id=part.turn_id,
        sentence=part.sentence,
        audio=part.audio,
        emotion=part.emotion,
        last=part.last_of_sentence,
    )
