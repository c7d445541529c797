"""A session's stream to EmoTalk: speech up, faces down. A session goes on without it; it comes back by itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

from flashback.errors import Broken, FlashbackError, Full, Unavailable
from flashback.media.blendshapes import ARKIT_52_ALPHABETICAL
from flashback.rpc import SESSION_S, drain, typed_errors
from flashback.v1 import emotalk_pb2
from services.orchestrator.services import Services

log = logging.getLogger(__name__)

FIRST_RETRY_S, LAST_RETRY_S = 0.5, 10.0
SILENT_S = 10.0
"""Frames that are owed and do not come for this long: the stream is given up."""


class FaceLink:
    """The Animate call. What is said while no stream stands is not animated, nor the rest of its sentence."""

    def __init__(self, services: Services, session_id: str) -> None:
        self._services = services
        self._session_id = session_id
        self._requests: asyncio.Queue[emotalk_pb2.AnimateRequest] | None = None
        self._sentence: tuple[str, int] | None = None
        self._waiting: asyncio.Timeout | None = None
        self.fps = 0

    @property
    def open(self) -> bool:
        """Whether EmoTalk takes speech now."""
        return self.fps > 0

    async def run(
        self,
        deliver: Callable[[emotalk_pb2.FaceFrames], None],
        lost: Callable[[FlashbackError], None],
    ) -> None:
        """Delivers frames for ever; `lost` is called each time a stream ends or cannot be opened."""
        wait = FIRST_RETRY_S
        while True:
            try:
                with typed_errors("emotalk"):
                    await self._animate(deliver)
            except FlashbackError as error:
                wait = FIRST_RETRY_S if self.open else wait
                pause = max(wait, float(error.retry_after_s)) if isinstance(error, Full) else wait
                lost(error)
            finally:
                self._requests, self._sentence, self.fps = None, None, 0
            await asyncio.sleep(pause)
            wait = min(wait * 2, LAST_RETRY_S)

    async def _animate(self, deliver: Callable[[emotalk_pb2.FaceFrames], None]) -> None:
        """One stream until it ends, which is always with an error."""
        start = emotalk_pb2.AnimateStart(session_id=self._session_id, post_processing=True)
        requests: asyncio.Queue[emotalk_pb2.AnimateRequest] = asyncio.Queue()
        requests.put_nowait(emotalk_pb2.AnimateRequest(start=start))
        self._requests = requests
        call = self._services.emotalk.Animate(drain(requests), timeout=SESSION_S)
        try:
            async for event in self._patiently(aiter(call)):
                if event.HasField("description"):
                    if tuple(event.description.channels) != ARKIT_52_ALPHABETICAL:
                        raise Broken("EmoTalk sends its channels in an order that is not arkit-52-alphabetical.")
                    self.fps = event.description.fps
                    log.info("emotalk opened", extra={"session": self._session_id, "engine": event.description.engine})
                elif event.HasField("frames"):
                    deliver(event.frames)
        finally:
            call.cancel()
        raise Unavailable("EmoTalk ended the stream.")

    async def _patiently(
        self, events: AsyncIterator[emotalk_pb2.AnimateEvent]
    ) -> AsyncIterator[emotalk_pb2.AnimateEvent]:
        """The events; raises Unavailable when speech was sent and none comes for SILENT_S."""
        while True:
            try:
                async with asyncio.timeout(None if self.open else SILENT_S) as self._waiting:
                    event = await anext(events)
            except StopAsyncIteration:
                return
            except TimeoutError as error:
                raise Unavailable("EmoTalk does not answer.") from error
            finally:
                self._waiting = None
            yield event

    def say(self, audio: emotalk_pb2.SpokenAudio, first: bool) -> None:
        """Sends a piece of a sentence, `first` or following; dropped where the sentence's beginning was."""
        if self._requests is None or not self.open:
            return
        key = (audio.turn_id, audio.sentence)
        if first:
            self._sentence = key
        if key != self._sentence:
            return
        self._requests.put_nowait(emotalk_pb2.AnimateRequest(audio=audio))
        if self._waiting is not None and self._waiting.when() is None:
            self._waiting.reschedule(asyncio.get_running_loop().time() + SILENT_S)

    def cancel(self, generation: int) -> None:
        """Everything older than `generation` is not needed any more."""
        if self._requests is not None and self.open:
            cancel = emotalk_pb2.CancelAnimation(generation=generation)
            self._requests.put_nowait(emotalk_pb2.AnimateRequest(cancel=cancel))
