"""EmoTalk for asyncio: recordings, and speech animated while it is spoken."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc

from flashback.clients.live import CancelSpeech, LiveFrames, SpokenPiece, as_live_frames, as_requests
from flashback.clients.recordings import (
    CHANNEL_OPTIONS,
    DESCRIBE_S,
    HEALTH_S,
    SERVING,
    UNREACHABLE,
    WHOLE_S,
    Chunk,
    Description,
    as_chunk,
    as_description,
    as_error,
    audio_request,
    broken_off,
    check_person,
    pause_s,
    told,
    unreadable,
)
from flashback.compat import emotalk_pb2, emotalk_pb2_grpc
from flashback.errors import FlashbackError, Full, Unavailable
from flashback.v1 import emotalk_pb2 as live_pb2
from flashback.v1 import emotalk_pb2_grpc as live_pb2_grpc

LIVE_S = 12 * 3600.0
"""Longest that one stream of live speech is kept open."""


class AsyncEmoTalk:
    """One channel to an EmoTalk service, opened within a running event loop; for any number of calls at once.

    address, timeout_s and errors are those of `flashback.clients.EmoTalk`. Generators that are closed (`aclosing`), or
    whose task is cancelled, cancel their call, and the service stops working on it.
    """

    def __init__(
        self,
        address: str = "localhost:50051",
        *,
        timeout_s: float = WHOLE_S,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._channel = grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS)
        self._stub: Any = emotalk_pb2_grpc.EmoTalkServiceStub(self._channel)
        self._live: Any = live_pb2_grpc.EmoTalkStub(self._channel)
        self._timeout_s = timeout_s
        self._sleep = sleep

    async def process_audio_file(
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
    ) -> AsyncGenerator[Chunk, None]:
        """As `process_audio`, of an audio file. InvalidInput when it cannot be read."""
        try:
            audio = await asyncio.to_thread(Path(path).read_bytes)
        except OSError as error:
            raise unreadable(path, error) from error
        chunks = self.process_audio(
            audio,
            emotion_level,
            person_id,
            post_processing,
            chunk_duration,
            chunk_overlap,
            wait=wait,
            request_id=request_id,
        )
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk

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
    ) -> AsyncGenerator[Chunk, None]:
        """Chunks of frames as they are ready; parameters and errors as `EmoTalk.process_audio`."""
        request = audio_request(
            audio, emotion_level, person_id, post_processing, chunk_duration, chunk_overlap, request_id
        )
        return self._chunks(request, wait)

    async def _chunks(self, request: emotalk_pb2.AudioRequest, wait: bool) -> AsyncGenerator[Chunk, None]:
        loop = asyncio.get_running_loop()
        until = loop.time() + self._timeout_s
        begun = False
        while True:
            try:
                async with aclosing(self._once(request, until - loop.time())) as chunks:
                    async for chunk in chunks:
                        begun = True
                        yield chunk
                return
            except Full as full:
                if begun or not wait:
                    raise
                pause = pause_s(full, until - loop.time())
            await self._sleep(pause)

    async def _once(self, request: emotalk_pb2.AudioRequest, timeout_s: float) -> AsyncGenerator[Chunk, None]:
        call = self._stub.ProcessAudio(request, timeout=max(timeout_s, 0.0))
        final = False
        error: FlashbackError | None = None
        try:
            async for response in call:
                error = error or told(response)
                if error is None:
                    chunk = as_chunk(response)
                    final = chunk["is_final"]
                    yield chunk
        except grpc.aio.AioRpcError as failed:
            raise as_error(failed) from failed
        finally:
            call.cancel()
        if error is not None:
            raise error
        if not final:
            raise broken_off()

    async def animate(
        self,
        speech: AsyncIterable[bytes | SpokenPiece | CancelSpeech],
        *,
        person_id: int = 0,
        post_processing: bool = True,
        session_id: str | None = None,
    ) -> AsyncGenerator[LiveFrames, None]:
        """Frames of speech while it is spoken, 30 a second of speech, in order.

        speech: pieces as they come; bare bytes (s16le mono 24 kHz) are one single sentence, which ends with `speech`.
        Ends when `speech` has ended and its last frame has come. Raises InvalidInput, Full, Unavailable, and whatever
        `speech` raises.
        """
        check_person(person_id)
        start = live_pb2.AnimateStart(
            session_id=session_id or uuid.uuid4().hex, person_id=person_id, post_processing=post_processing
        )
        call = self._live.Animate(timeout=LIVE_S)
        accepted, said = asyncio.Event(), asyncio.Event()
        speaking = asyncio.create_task(_speak(call, start, speech, accepted, said))
        fps = 30
        try:
            async for event in call:
                accepted.set()
                if event.WhichOneof("event") == "description":
                    fps = event.description.fps or fps
                else:
                    yield as_live_frames(event.frames, fps)
            if not said.is_set():
                raise Unavailable("The EmoTalk service ended the stream before the speech had ended.")
        except (grpc.aio.AioRpcError, asyncio.CancelledError) as error:
            if speaking.done() and not speaking.cancelled() and (fault := speaking.exception()) is not None:
                raise fault from None
            if isinstance(error, grpc.aio.AioRpcError):
                raise as_error(error) from error
            raise
        finally:
            call.cancel()
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)

    async def health_check(self) -> bool:
        """Whether the service says that it serves. False, too, when nothing answers within 5 s."""
        return await self.status() == SERVING

    async def status(self, timeout_s: float = HEALTH_S) -> str:
        """SERVING, NOT_SERVING or UNKNOWN, as the service says; "unreachable" when it says nothing in time."""
        try:
            answer = await self._stub.HealthCheck(emotalk_pb2.HealthCheckRequest(), timeout=timeout_s)
        except grpc.aio.AioRpcError:
            return UNREACHABLE
        return str(emotalk_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))

    async def describe(self, timeout_s: float = DESCRIBE_S) -> Description:
        """Engine, device, channel names and load. FlashbackError from a service that only knows recordings."""
        try:
            return as_description(await self._live.Describe(live_pb2.DescribeEmoTalkRequest(), timeout=timeout_s))
        except grpc.aio.AioRpcError as error:
            raise as_error(error) from error

    async def close(self) -> None:
        """Closes the channel; calls still under way are cancelled."""
        await self._channel.close(None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


async def _speak(
    call: Any,
    start: live_pb2.AnimateStart,
    speech: AsyncIterable[bytes | SpokenPiece | CancelSpeech],
    accepted: asyncio.Event,
    said: asyncio.Event,
) -> None:
    """Writes all of `speech` once the call is accepted, ends the sentence that bare bytes began, and sets `said`.

    A fault in `speech` cancels the call and is raised; the end of the call is for whoever reads it to report.
    """
    # grpc.aio forgets why a call was refused when something is written to it afterwards.
    bare = False
    try:
        await call.write(live_pb2.AnimateRequest(start=start))
        await accepted.wait()
        async for piece in speech:
            bare = bare or isinstance(piece, bytes)
            for request in as_requests(piece):
                await call.write(request)
        if bare:
            for request in as_requests(SpokenPiece(b"", last=True)):
                await call.write(request)
        said.set()
        await call.done_writing()
    except (asyncio.InvalidStateError, grpc.aio.AioRpcError):
        return
    except BaseException:
        call.cancel()
        raise
