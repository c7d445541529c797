"""gRPC servicer of the speech service: wire <-> engine, worker thread, cancellation."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from flashback import personas
from flashback.errors import InvalidInput
from flashback.settings import HouseSettings
from flashback.v1 import media_pb2, tts_pb2, tts_pb2_grpc
from services.tts import text
from services.tts.engine import Mood, SpeechEngine, SpeechPart
from services.tts.settings import TtsSettings

log = logging.getLogger(__name__)

Context = grpc.aio.ServicerContext[Any, Any]
_MAX_WORD = 100


class TtsServicer(tts_pb2_grpc.TtsServicer):
    """Engines run in worker threads: the event loop only passes parts on."""

    def __init__(self, engine: SpeechEngine, settings: TtsSettings, house: HouseSettings) -> None:
        self._engine = engine
        self._settings = settings
        self._house = house
        self._workers = ThreadPoolExecutor(4, "speech")

    async def prepare(self) -> None:
        """Readies every installed persona's voice; a damaged persona is reported in the log and by its own calls."""
        for persona_id in personas.known(self._house):
            try:
                voice = await asyncio.to_thread(self._voice, persona_id)
                await asyncio.to_thread(self._engine.prepare, voice)
            except Exception as error:
                log.warning("voice not ready: %s", error, extra={"persona": persona_id})

    async def close(self) -> None:
        self._workers.shutdown(wait=False, cancel_futures=True)

    async def Synthesize(
        self, request: tts_pb2.SynthesizeRequest, context: Context
    ) -> AsyncIterator[tts_pb2.SpeechChunk]:
        began = time.perf_counter()
        sentence = text.clean(request.text, self._settings.max_characters)
        voice = await asyncio.to_thread(self._voice, request.persona_id or self._house.default_persona)
        mood = Mood(request.emotion.valence, request.emotion.arousal)
        loop = asyncio.get_running_loop()
        parts: asyncio.Queue[SpeechPart | None] = asyncio.Queue()
        gone = threading.Event()

        def emit(part: SpeechPart) -> bool:
            if not gone.is_set():
                loop.call_soon_threadsafe(parts.put_nowait, part)
            return not gone.is_set()

        def work() -> None:
            try:
                if not gone.is_set():
                    self._engine.synthesize(sentence, voice, mood, emit)
            finally:
                loop.call_soon_threadsafe(parts.put_nowait, None)

        job = loop.run_in_executor(self._workers, work)
        first_ms, samples = 0.0, 0
        try:
            while (part := await parts.get()) is not None:
                first_ms = first_ms or (time.perf_counter() - began) * 1000
                samples += len(part.audio)
                yield to_wire(part)
            await job
        finally:
            gone.set()
        log.info(
            "spoken",
            extra={
                "first_ms": round(first_ms, 1),
                "ms": round((time.perf_counter() - began) * 1000, 1),
                "samples": samples,
            },
        )

    async def Pronounce(self, request: tts_pb2.PronounceRequest, context: Context) -> tts_pb2.PronounceResponse:
        words = list(request.words)
        if len(words) > self._settings.max_words:
            raise InvalidInput(f"At most {self._settings.max_words} words are pronounced in one call.")
        if any(len(word) > _MAX_WORD for word in words):
            raise InvalidInput(f"A word has at most {_MAX_WORD} characters.")
        cleaned = [text.printable(word) for word in words]
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._workers, self._engine.pronounce, cleaned, request.language or "en-US")
        return tts_pb2.PronounceResponse(
            pronunciations=[
                tts_pb2.Pronunciation(word=word, phonemes=phonemes) for word, phonemes in zip(words, found, strict=True)
            ]
        )

    async def Describe(self, request: tts_pb2.DescribeVoiceRequest, context: Context) -> tts_pb2.VoiceDescription:
        return tts_pb2.VoiceDescription(engine=self._engine.name, voices=self._engine.voices())

    def _voice(self, persona_id: str) -> dict[str, Any]:
        return dict(personas.load(persona_id, self._house).voice.get(self._engine.name, {}))


def to_wire(part: SpeechPart) -> tts_pb2.SpeechChunk:
    """A SpeechPart as it travels."""
    return tts_pb2.SpeechChunk(
        audio=part.audio.astype("<i2", copy=False).tobytes(),
        visemes=[
            media_pb2.Viseme(shape=v.shape, start_sample=v.start, duration_samples=v.duration, weight=v.weight)
            for v in part.visemes
        ],
        words=[
            media_pb2.WordTime(
                text=w.text, start_sample=w.start, end_sample=w.end, text_start=w.text_start, text_end=w.text_end
            )
            for w in part.words
        ],
        last=part.last,
    )
