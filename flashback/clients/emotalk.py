"""EmoTalk for programs that block: a recording in, chunks of 52 blendshapes out as they are ready."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc

from flashback.clients.recordings import (
    CHANNEL_OPTIONS,
    DESCRIBE_S,
    HEALTH_S,
    WHOLE_S,
    Chunk,
    Description,
    as_chunk,
    as_description,
    as_error,
    audio_request,
    broken_off,
    pause_s,
    told,
    unreadable,
)
from flashback.compat import emotalk_pb2, emotalk_pb2_grpc
from flashback.errors import FlashbackError, Full
from flashback.v1 import emotalk_pb2 as live_pb2
from flashback.v1 import emotalk_pb2_grpc as live_pb2_grpc


class Chunks(Iterator[Chunk]):
    """A recording's chunks as they arrive. `close`, or leaving a `with` block, gives up what is still to come.

    `len()` waits for all of them and keeps them, so that they can be iterated over afterwards; each comes once.
    """

    def __init__(self, stream: Generator[Chunk, None, None]) -> None:
        self._stream = stream
        self._kept: deque[Chunk] = deque()
        self._given = 0

    def __next__(self) -> Chunk:
        chunk = self._kept.popleft() if self._kept else next(self._stream)
        self._given += 1
        return chunk

    def __len__(self) -> int:
        self._kept.extend(self._stream)
        return self._given + len(self._kept)

    def __bool__(self) -> bool:
        return True

    def close(self) -> None:
        """Cancels the call, so that the service stops working on it. Doing so twice is fine."""
        self._kept.clear()
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class EmoTalk:
    """One channel to an EmoTalk service; may be used from several threads at once.

    address: `host:port` or `unix:/path`. timeout_s: longest that one recording may take, waiting included.
    Methods raise the errors of `flashback.errors`: InvalidInput for a recording or value the service refuses, TooLarge,
    Full (with `retry_after_s`) when its queue is full, Unavailable when nothing answers or the time is over.
    """

    def __init__(
        self,
        address: str = "localhost:50051",
        *,
        timeout_s: float = WHOLE_S,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._channel = grpc.insecure_channel(address, options=CHANNEL_OPTIONS)
        self._stub = emotalk_pb2_grpc.EmoTalkServiceStub(self._channel)
        self._live = live_pb2_grpc.EmoTalkStub(self._channel)
        self._timeout_s = timeout_s
        self._sleep = sleep

    def process_audio_file(
        self,
        path: str | os.PathLike[str],
        emotion_level: int = 1,
        person_id: int = 0,
        post_processing: bool = True,
        chunk_duration: float = 25.0,
        chunk_overlap: float = 0.5,
        *,
        wait: bool = False,
        request_id: str | None = None,
    ) -> Chunks:
        """As `process_audio`, of an audio file. InvalidInput when it cannot be read."""
        try:
            audio = Path(path).read_bytes()
        except OSError as error:
            raise unreadable(path, error) from error
        return self.process_audio(
            audio,
            emotion_level,
            person_id,
            post_processing,
            chunk_duration,
            chunk_overlap,
            wait=wait,
            request_id=request_id,
        )

    def process_audio(
        self,
        audio: bytes,
        emotion_level: int = 1,
        person_id: int = 0,
        post_processing: bool = True,
        chunk_duration: float = 25.0,
        chunk_overlap: float = 0.5,
        *,
        wait: bool = False,
        request_id: str | None = None,
    ) -> Chunks:
        """Chunks of frames, 30 a second, as they are ready. Asks the service when the first one is asked for.

        audio: a WAV, MP3, Ogg, FLAC, M4A or WebM file. emotion_level: 0 or 1. person_id: 0..23. post_processing:
        smoothing and blinks. chunk_duration, chunk_overlap: seconds. wait: ask a full service again after the time it
        names, instead of raising Full.
        """
        request = audio_request(
            audio, emotion_level, person_id, post_processing, chunk_duration, chunk_overlap, request_id
        )
        return Chunks(self._chunks(request, wait))

    def _chunks(self, request: emotalk_pb2.AudioRequest, wait: bool) -> Generator[Chunk, None, None]:
        until = time.monotonic() + self._timeout_s
        begun = False
        while True:
            try:
                with closing(self._once(request, until - time.monotonic())) as chunks:
                    for chunk in chunks:
                        begun = True
                        yield chunk
                return
            except Full as full:
                if begun or not wait:
                    raise
                pause = pause_s(full, until - time.monotonic())
            self._sleep(pause)

    def _once(self, request: emotalk_pb2.AudioRequest, timeout_s: float) -> Generator[Chunk, None, None]:
        call: Any = self._stub.ProcessAudio(request, timeout=max(timeout_s, 0.0))
        final = False
        error: FlashbackError | None = None
        try:
            for response in call:
                error = error or told(response)
                if error is None:
                    chunk = as_chunk(response)
                    final = chunk["is_final"]
                    yield chunk
        except grpc.RpcError as failed:
            raise as_error(failed) from failed
        finally:
            call.cancel()
        if error is not None:
            raise error
        if not final:
            raise broken_off()

    def health_check(self) -> bool:
        """Whether the service says that it serves. False, too, when nothing answers within 5 s."""
        try:
            answer = self._stub.HealthCheck(emotalk_pb2.HealthCheckRequest(), timeout=HEALTH_S)
        except grpc.RpcError:
            return False
        return bool(answer.status == emotalk_pb2.HealthCheckResponse.SERVING)

    def describe(self) -> Description:
        """Engine, device, channel names and load. FlashbackError from a service that only knows recordings."""
        try:
            return as_description(self._live.Describe(live_pb2.DescribeEmoTalkRequest(), timeout=DESCRIBE_S))
        except grpc.RpcError as error:
            raise as_error(error) from error

    def close(self) -> None:
        """Closes the channel; calls still under way are cancelled."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
