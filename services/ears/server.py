"""gRPC servicer of the ears: Hear and Push meet by session id; Prepare readies a persona's words."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from flashback import personas
from flashback.errors import FlashbackError, Full, InvalidInput, NotFound, Unavailable
from flashback.settings import HouseSettings
from flashback.v1 import ears_pb2, ears_pb2_grpc
from services.ears.endpointing import End, Onset, Policy
from services.ears.engine import Recogniser
from services.ears.recognisers import Recognisers
from services.ears.session import EarEvent, EarSession, Words
from services.ears.settings import EarsSettings
from services.ears.voice_activity import VoiceActivity, silero

log = logging.getLogger(__name__)

Context = grpc.aio.ServicerContext[Any, Any]
SESSION_ID_CHARACTERS = 128
RETRY_S = (0.5, 1.0, 2.0, 4.0, 8.0)


class EarsServicer(ears_pb2_grpc.EarsServicer):
    """`recognisers` is None when no engine is installed: voice activity works all the same."""

    def __init__(self, recognisers: Recognisers | None, settings: EarsSettings, house: HouseSettings) -> None:
        self._recognisers = recognisers
        self._settings = settings
        self._house = house
        self._sessions: dict[str, EarSession] = {}
        self._workers = ThreadPoolExecutor(settings.workers, "ears")

    async def Hear(self, request: ears_pb2.HearRequest, context: Context) -> AsyncIterator[ears_pb2.EarEvent]:
        session_id = _session_id(request.session_id)
        persona_id = request.persona_id or self._house.default_persona
        await asyncio.to_thread(personas.load, persona_id, self._house)
        if session_id in self._sessions:
            raise InvalidInput("Somebody already listens to this session.")
        if len(self._sessions) >= self._settings.max_sessions:
            raise Full("The ears are busy with as many sessions as they can hear.")
        silence_ms = request.silence_ms or self._settings.silence_ms
        if not 100 <= silence_ms <= 5000:
            raise InvalidInput("silence_ms is 100 to 5000.")
        events: asyncio.Queue[ears_pb2.EarEvent] = asyncio.Queue()
        session = self._open(session_id, persona_id, silence_ms, events)
        self._sessions[session_id] = session
        log.info("listening", extra={"session": session_id, "persona": persona_id, "silence_ms": silence_ms})
        preparing = asyncio.create_task(self._announce(persona_id, silence_ms, events))
        try:
            while True:
                yield await events.get()
        finally:
            del self._sessions[session_id]
            preparing.cancel()
            await asyncio.gather(preparing, return_exceptions=True)
            await session.close()
            log.info("stopped listening", extra={"session": session_id})

    async def Push(self, request_iterator: AsyncIterator[ears_pb2.MicAudio], context: Context) -> ears_pb2.PushSummary:
        session: EarSession | None = None
        samples = 0
        try:
            async for message in request_iterator:
                if session is None:
                    session = self._join(message.session_id)
                if self._sessions.get(session.id) is not session:
                    raise NotFound("The session has ended.")
                await session.push(message.audio)
                samples += len(message.audio) // 2
        finally:
            if session is not None:
                session.pushing = False
                session.microphone_gone()
        return ears_pb2.PushSummary(samples=samples)

    async def Prepare(self, request: ears_pb2.PrepareRequest, context: Context) -> ears_pb2.PrepareResponse:
        persona_id = request.persona_id or self._house.default_persona
        if self._recognisers is None:
            await asyncio.to_thread(personas.load, persona_id, self._house)
            return ears_pb2.PrepareResponse()
        prepared = await self._recognisers.prepare(persona_id)
        found = prepared.recogniser
        return ears_pb2.PrepareResponse(recogniser=found.name, vocabulary=found.vocabulary, rebuilt=prepared.rebuilt)

    def sessions(self) -> list[str]:
        """Ids of the sessions that are listened to."""
        return list(self._sessions)

    async def close(self) -> None:
        self._workers.shutdown(wait=False, cancel_futures=True)

    def _join(self, session_id: str) -> EarSession:
        session = self._sessions.get(_session_id(session_id))
        if session is None:
            raise NotFound("Nobody listens to this session: open Hear first.")
        if session.pushing:
            raise InvalidInput("This session already has a microphone.")
        session.pushing = True
        return session

    def _open(
        self, session_id: str, persona_id: str, silence_ms: int, events: asyncio.Queue[ears_pb2.EarEvent]
    ) -> EarSession:
        settings = self._settings
        policy = Policy(
            start=settings.start_threshold,
            stop=settings.stop_threshold,
            onset=Policy.chunks(settings.onset_ms),
            pause=min(Policy.chunks(settings.pause_ms), Policy.chunks(silence_ms)),
            silence=Policy.chunks(silence_ms),
            longest=Policy.chunks(settings.max_utterance_s * 1000),
        )

        def recogniser() -> Recogniser | None:
            return self._recognisers.ready(persona_id) if self._recognisers else None

        return EarSession(
            session_id,
            policy,
            Policy.chunks(settings.pre_roll_ms),
            Policy.chunks(settings.partial_ms),
            VoiceActivity(silero()),
            recogniser,
            self._workers,
            lambda event: events.put_nowait(to_wire(event)),
        )

    async def _announce(self, persona_id: str, silence_ms: int, events: asyncio.Queue[ears_pb2.EarEvent]) -> None:
        """Says at once that voice activity is on, and again with the recogniser's name as soon as that is ready."""

        def ready(name: str) -> None:
            events.put_nowait(ears_pb2.EarEvent(ready=ears_pb2.EarsReady(recogniser=name, silence_ms=silence_ms)))

        found = self._recognisers.ready(persona_id) if self._recognisers else None
        ready(found.name if found else "")
        attempt = 0
        while self._recognisers is not None and found is None:
            try:
                found = (await self._recognisers.prepare(persona_id)).recogniser
                ready(found.name)
            except Unavailable as error:
                log.info("no words yet: %s", error.message, extra={"persona": persona_id})
                await asyncio.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])
                attempt += 1
            except FlashbackError as error:
                log.warning("no words: %s", error.message, extra={"persona": persona_id})
                return


def _session_id(session_id: str) -> str:
    if not 0 < len(session_id) <= SESSION_ID_CHARACTERS:
        raise InvalidInput(f"A session id has 1 to {SESSION_ID_CHARACTERS} characters.")
    return session_id


def to_wire(event: EarEvent) -> ears_pb2.EarEvent:
    """An event as it travels."""
    match event:
        case Onset():
            return ears_pb2.EarEvent(onset=ears_pb2.SpeechOnset(at_sample=event.speech_start))
        case End():
            return ears_pb2.EarEvent(end=ears_pb2.SpeechEnd(speech_end_sample=event.speech_end, at_sample=event.at))
        case Words():
            return ears_pb2.EarEvent(
                transcript=ears_pb2.Transcript(
                    text=event.heard.text,
                    final=event.final,
                    confidence=event.heard.confidence,
                    alternatives=event.heard.alternatives,
                )
            )
