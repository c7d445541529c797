"""gRPC servicer of `emotalk.EmoTalkService`, the contract that clients of EmoTalk services speak already."""

from __future__ import annotations

import asyncio
import logging
import random
import uuid
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, contextmanager

from flashback.compat import emotalk_pb2, emotalk_pb2_grpc
from flashback.errors import FlashbackError, Full, InvalidInput
from services.emotalk import audio
from services.emotalk.chunks import wanted
from services.emotalk.engine import FPS, LEVELS, PERSONS
from services.emotalk.jobs import Chunk, Job, JobQueue
from services.emotalk.readers import Context, ReaderWatch
from services.emotalk.settings import EmoTalkSettings

log = logging.getLogger(__name__)

MEASURING = 2
"""Recordings that are looked at, before they are queued, at a time."""

LONGEST_ID = 256
RETRY_S = 10


def limits_of(settings: EmoTalkSettings) -> audio.Limits:
    """What may be asked of one recording."""
    return audio.Limits(settings.max_audio_mb * 2**20, settings.max_audio_s)


class EmoTalkServicer(emotalk_pb2_grpc.EmoTalkServiceServicer):
    """Recordings go through the queue; their frames come back from whichever worker takes them."""

    def __init__(self, queue: JobQueue, readers: ReaderWatch, settings: EmoTalkSettings) -> None:
        self._queue = queue
        self._readers = readers
        self._settings = settings
        self._limits = limits_of(settings)
        self._measuring = ThreadPoolExecutor(MEASURING, "measure")
        self._held_bytes = 0
        self._open = True

    async def close(self) -> None:
        self._open = False
        self._measuring.shutdown(wait=False, cancel_futures=True)

    async def ProcessAudio(
        self, request: emotalk_pb2.AudioRequest, context: Context
    ) -> AsyncGenerator[emotalk_pb2.BlendshapeResponse]:
        async with aclosing(self._readers.watched(self._responses(request), context)) as responses:
            async for response in responses:
                yield response

    async def HealthCheck(
        self, request: emotalk_pb2.HealthCheckRequest, context: Context
    ) -> emotalk_pb2.HealthCheckResponse:
        statuses = emotalk_pb2.HealthCheckResponse
        return statuses(status=statuses.SERVING if self._open else statuses.NOT_SERVING)

    async def _responses(self, request: emotalk_pb2.AudioRequest) -> AsyncGenerator[emotalk_pb2.BlendshapeResponse]:
        """A recording's responses. An error after the first of them is also told in a last one, for older clients."""
        request_id = request.request_id or uuid.uuid4().hex
        job = self._job(request)
        sent = 0
        ended = False
        with self._holding(len(job.audio)):
            try:
                await self._submit(job)
                async with aclosing(self._chunks(job.id)) as chunks:
                    async for chunk in chunks:
                        ended = chunk.final
                        yield to_wire(request_id, chunk)
                        sent += 1
            except FlashbackError as error:
                ended = True
                if sent:
                    yield emotalk_pb2.BlendshapeResponse(
                        request_id=request_id, chunk_index=sent, is_final=True, error_message=error.message
                    )
                raise
            finally:
                if not ended:
                    log.info("caller left", extra={"job": job.id, "sent": sent})
                    await self._queue.cancel(job.id)

    def _job(self, request: emotalk_pb2.AudioRequest) -> Job:
        """Raises InvalidInput for every value that is none of those allowed."""
        if len(request.request_id) > LONGEST_ID:
            raise InvalidInput(f"A request_id has at most {LONGEST_ID} characters.")
        if request.emotion_level not in range(LEVELS):
            raise InvalidInput(f"emotion_level is 0 or 1, not {request.emotion_level}.")
        if request.person_id not in range(PERSONS):
            raise InvalidInput(f"person_id is 0 to {PERSONS - 1}, not {request.person_id}.")
        chunk_s, overlap_s = wanted(request.chunk_duration, request.chunk_overlap)
        seed = self._settings.blink_seed
        return Job(
            id=uuid.uuid4().hex,
            audio=request.audio_data,
            level=request.emotion_level,
            person=request.person_id,
            post_processing=request.post_processing,
            chunk_s=chunk_s,
            overlap_s=overlap_s,
            seed=random.getrandbits(32) if seed is None else seed,
        )

    async def _submit(self, job: Job) -> None:
        """Raises InvalidInput for audio that cannot be animated, Full when there is no place in the queue."""
        state = await self._queue.state()
        if state.waiting < state.size:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._measuring, audio.measure, job.audio, self._limits)
        # A full queue refuses without the audio having been decoded. Where a place has become free meanwhile, the
        # worker says what is wrong with it.
        await self._queue.submit(job)

    async def _chunks(self, job_id: str) -> AsyncGenerator[Chunk]:
        results = self._queue.results(job_id)
        try:
            async for chunk in results:
                yield chunk
        finally:
            if isinstance(results, AsyncGenerator):
                await results.aclose()

    @contextmanager
    def _holding(self, count: int) -> Iterator[None]:
        """Counts the bytes of recordings in this process. Raises Full beyond `max_held_mb`."""
        if self._held_bytes + count > self._settings.max_held_mb * 2**20:
            raise Full(
                f"Server is busy, queue is full: {self._settings.max_held_mb} MB of recordings are ahead of yours. "
                f"Try again in {RETRY_S} s.",
                RETRY_S,
            )
        self._held_bytes += count
        try:
            yield
        finally:
            self._held_bytes -= count


def to_wire(request_id: str, chunk: Chunk) -> emotalk_pb2.BlendshapeResponse:
    """A chunk as it travels: frame numbers start at 0 in each, time codes go on over the recording."""
    frames = [
        emotalk_pb2.BlendshapeFrame(timecode=(chunk.first_frame + number) / FPS, frame_number=number, blendshapes=row)
        for number, row in enumerate(chunk.weights.tolist())
    ]
    return emotalk_pb2.BlendshapeResponse(
        request_id=request_id, chunk_index=chunk.index, frames=frames, is_final=chunk.final
    )
