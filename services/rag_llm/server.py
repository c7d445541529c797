"""gRPC servicer of the answering service: wire <-> library and engine."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc

from flashback.errors import FlashbackError, InvalidInput
from flashback.v1 import media_pb2, rag_llm_pb2, rag_llm_pb2_grpc
from services.rag_llm.engine import Answerer, Citation, Done, Exchange, Part, Sentence, Turn
from services.rag_llm.ingest import Progress
from services.rag_llm.library import Library

log = logging.getLogger(__name__)

Context = grpc.aio.ServicerContext[Any, Any]
MOST_CHARACTERS = 4000
MOST_HISTORY = 4
MOST_ALTERNATIVES = 5
BATCH = 500
"""Sentences in one VocabularyText."""


class RagLlmServicer(rag_llm_pb2_grpc.RagLlmServicer):
    """Holds nothing of a turn; questions of different personas only ever see their own persona's index."""

    def __init__(self, library: Library, answerer: Answerer) -> None:
        self._library = library
        self._answerer = answerer

    async def prepare(self, persona_id: str) -> None:
        """Starts on the persona's documents, so that its first question finds them read. Damage is only logged."""
        try:
            self._library.begin(await self._library.persona(persona_id))
        except FlashbackError as error:
            log.warning("documents not read: %s", error.message, extra={"persona": persona_id})

    async def close(self) -> None:
        await self._answerer.close()
        await self._library.close()

    async def Answer(
        self, request: rag_llm_pb2.AnswerRequest, context: Context
    ) -> AsyncIterator[rag_llm_pb2.AnswerPart]:
        began = time.perf_counter()
        question = checked_question(request.question)
        persona = await self._library.persona(request.persona_id)
        history = tuple(Exchange(e.question[:MOST_CHARACTERS], e.answer) for e in request.history[-MOST_HISTORY:])
        others = alternatives(request.alternatives) if request.spoken else ()
        turn = Turn(question, persona, lambda: self._library.index(persona), history, request.spoken, others)
        first_ms = 0.0
        done = Done(False)
        async for part in self._answerer.answer(turn):
            if isinstance(part, Sentence) and not first_ms:
                first_ms = (time.perf_counter() - began) * 1000
            if isinstance(part, Done):
                done = part
            yield to_wire(part)
        log.info("answered", extra={"persona": persona.id, "first_ms": round(first_ms, 1), "refused": done.refused})

    async def Ingest(
        self, request: rag_llm_pb2.IngestRequest, context: Context
    ) -> AsyncIterator[rag_llm_pb2.IngestProgress]:
        persona = await self._library.persona(request.persona_id)
        async for progress, done in self._library.ingest(persona, [Path(path) for path in request.paths]):
            yield progress_to_wire(progress, done)

    async def Vocabulary(
        self, request: rag_llm_pb2.VocabularyRequest, context: Context
    ) -> AsyncIterator[rag_llm_pb2.VocabularyText]:
        draft = await self._library.draft(await self._library.persona(request.persona_id))
        sentences = [sentence for passage in draft.passages for sentence in passage.sentences]
        headings = list(dict.fromkeys(title for passage in draft.passages for title in passage.headings))
        yield rag_llm_pb2.VocabularyText(version=draft.version, headings=headings, sentences=sentences[:BATCH])
        for start in range(BATCH, len(sentences), BATCH):
            yield rag_llm_pb2.VocabularyText(version=draft.version, sentences=sentences[start : start + BATCH])

    async def DescribeIndex(self, request: rag_llm_pb2.IndexRequest, context: Context) -> rag_llm_pb2.IndexDescription:
        draft = await self._library.draft(await self._library.persona(request.persona_id))
        return rag_llm_pb2.IndexDescription(
            version=draft.version,
            documents=len(draft.documents),
            chunks=len(draft.passages),
            answerer=self._answerer.name,
        )


def alternatives(readings: Sequence[str]) -> tuple[str, ...]:
    """The first readings of a spoken question that hold words and are not too long."""
    found = []
    for reading in readings[:MOST_ALTERNATIVES]:
        with suppress(InvalidInput):
            found.append(checked_question(reading))
    return tuple(found)


def checked_question(question: str) -> str:
    """The question without control characters. Raises InvalidInput when it is empty, wordless or too long."""
    if len(question) > MOST_CHARACTERS:
        raise InvalidInput(f"A question has at most {MOST_CHARACTERS} characters; this one has {len(question)}.")
    cleaned = " ".join("".join(c if c.isprintable() else " " for c in question).split())
    if not cleaned:
        raise InvalidInput("The question is empty; ask something.")
    if not any(c.isalnum() for c in cleaned):
        raise InvalidInput("The question holds no words; ask something in words.")
    return cleaned


def to_wire(part: Part) -> rag_llm_pb2.AnswerPart:
    """A part of an answer as it travels."""
    if isinstance(part, Citation):
        return rag_llm_pb2.AnswerPart(
            citation=rag_llm_pb2.Citation(index=part.number, document=part.document, place=part.place, text=part.text)
        )
    if isinstance(part, Sentence):
        emotion = media_pb2.Emotion(
            valence=part.emotion.valence, arousal=part.emotion.arousal, label=part.emotion.label
        )
        return rag_llm_pb2.AnswerPart(
            sentence=rag_llm_pb2.AnswerSentence(
                index=part.number, text=part.text, citations=part.citations, emotion=emotion
            )
        )
    return rag_llm_pb2.AnswerPart(done=rag_llm_pb2.AnswerDone(refused=part.refused, reason=part.reason))


def progress_to_wire(progress: Progress, done: bool) -> rag_llm_pb2.IngestProgress:
    """An ingest's progress as it travels."""
    return rag_llm_pb2.IngestProgress(
        documents=progress.documents,
        documents_total=progress.documents_total,
        chunks=progress.chunks,
        skipped=progress.skipped,
        done=done,
    )
