"""gRPC servicer of `flashback.v1.EmoTalk`: what the service is, and live speech."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from flashback.errors import FlashbackError, Full, InvalidInput, MissingEngine
from flashback.media.blendshapes import LAYOUTS
from flashback.v1 import emotalk_pb2, emotalk_pb2_grpc
from services.emotalk.animation import Predict
from services.emotalk.engine import FPS, LAYOUT, PERSONS, EngineInfo
from services.emotalk.jobs import JobQueue, QueueState
from services.emotalk.live import Frames, LiveStream, Piece, level_of, policy_of
from services.emotalk.readers import Context, ReaderWatch
from services.emotalk.settings import EmoTalkSettings

log = logging.getLogger(__name__)

LONGEST_ID = 128
STATE_S = 1.0


class LiveServicer(emotalk_pb2_grpc.EmoTalkServicer):
    """predict, info: of the engine in this process; None where recordings alone are taken, for workers elsewhere."""

    def __init__(
        self,
        queue: JobQueue,
        readers: ReaderWatch,
        settings: EmoTalkSettings,
        predict: Predict | None,
        info: EngineInfo | None,
    ) -> None:
        self._queue = queue
        self._readers = readers
        self._settings = settings
        self._predict = predict
        self._info = info
        self._streams = 0

    async def Describe(
        self, request: emotalk_pb2.DescribeEmoTalkRequest, context: Context
    ) -> emotalk_pb2.EmoTalkDescription:
        return self._description(await self._queue.state())

    async def Animate(
        self, request_iterator: AsyncIterator[emotalk_pb2.AnimateRequest], context: Context
    ) -> AsyncGenerator[emotalk_pb2.AnimateEvent]:
        requests = aiter(request_iterator)
        first = await anext(requests, None)
        if first is None or not first.HasField("start"):
            raise InvalidInput("The first message of an Animate stream is `start`.")
        stream = self._open(first.start)
        self._streams += 1
        session = first.start.session_id
        log.info("live stream opened", extra={"session": session, "open": self._streams})
        reader = asyncio.create_task(self._read(stream, requests))
        try:
            async with aclosing(self._readers.watched(self._events(stream), context)) as events:
                async for event in events:
                    yield event
        finally:
            self._streams -= 1
            log.info("live stream closed", extra={"session": session, "open": self._streams})
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)

    def _open(self, start: emotalk_pb2.AnimateStart) -> LiveStream:
        settings = self._settings
        if len(start.session_id) > LONGEST_ID:
            raise InvalidInput(f"A session id has at most {LONGEST_ID} characters.")
        if start.person_id not in range(PERSONS):
            raise InvalidInput(f"person_id is 0 to {PERSONS - 1}, not {start.person_id}.")
        if self._predict is None or self._info is None:
            raise MissingEngine("This process only takes recordings; for live speech set FLASHBACK_EMOTALK_ROLE=all.")
        if self._streams >= settings.max_live_streams:
            raise Full(f"All {settings.max_live_streams} live streams are taken; try again in a moment.")
        return LiveStream(
            self._predict,
            policy_of(settings, self._info),
            start.person_id,
            post_processing=start.post_processing,
            seed=random.getrandbits(32) if settings.blink_seed is None else settings.blink_seed,
            most_waiting_s=settings.live_waiting_s,
        )

    async def _events(self, stream: LiveStream) -> AsyncGenerator[emotalk_pb2.AnimateEvent]:
        yield emotalk_pb2.AnimateEvent(description=self._description(await self._state()))
        async with aclosing(stream.frames()) as found:
            async for frames in found:
                yield to_wire(frames)

    async def _read(self, stream: LiveStream, requests: AsyncIterator[emotalk_pb2.AnimateRequest]) -> None:
        """Hands the caller's requests on as they come; a wrong one ends the stream with its error."""
        try:
            async for request in requests:
                match request.WhichOneof("request"):
                    case "audio":
                        await stream.push(self._piece(request.audio))
                    case "cancel":
                        stream.cancel(request.cancel.generation)
                    case "start":
                        raise InvalidInput("An Animate stream has one `start`, its first message.")
            stream.finish()
        except FlashbackError as error:
            stream.fail(error)
        except Exception:
            log.exception("live stream failed")
            stream.fail(FlashbackError("The live stream failed unexpectedly; the service's log says why."))

    def _piece(self, spoken: emotalk_pb2.SpokenAudio) -> Piece:
        emotion = spoken.emotion
        return Piece(
            turn_id=spoken.turn_id,
            generation=spoken.generation,
            sentence=spoken.sentence,
            audio=spoken.audio,
            level=level_of(emotion.valence, emotion.arousal, self._settings.live_level_threshold),
            last=spoken.last,
        )

    async def _state(self) -> QueueState:
        """The queue's state; live speech does not need it, and does not wait for a queue that does not answer."""
        try:
            async with asyncio.timeout(STATE_S):
                return await self._queue.state()
        except (FlashbackError, TimeoutError):
            return QueueState(waiting=0, running=0, size=self._settings.queue_size, workers=0)

    def _description(self, state: QueueState) -> emotalk_pb2.EmoTalkDescription:
        return emotalk_pb2.EmoTalkDescription(
            engine=self._info.name if self._info else self._settings.engine,
            device=self._info.device if self._info else "",
            fps=FPS,
            layout=LAYOUT,
            channels=LAYOUTS[LAYOUT],
            queue_depth=state.waiting,
            queue_size=state.size,
            workers=state.workers,
            live_streams=self._streams,
            max_live_streams=self._settings.max_live_streams if self._info else 0,
        )


def to_wire(frames: Frames) -> emotalk_pb2.AnimateEvent:
    """Frames as they travel."""
    return emotalk_pb2.AnimateEvent(
        frames=emotalk_pb2.FaceFrames(
            turn_id=frames.turn_id,
            generation=frames.generation,
            sentence=frames.sentence,
            first_frame=frames.first_frame,
            weights=frames.weights.ravel().tolist(),
            last=frames.last,
        )
    )
