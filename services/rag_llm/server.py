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
from services.rag_llm import small_talk
from services.rag_llm.engine import Answerer, Citation, Done, Exchange, Part, Sentence, Turn
from services.rag_llm.grounding import Evidence, Grounding
from services.rag_llm.library import Library
from services.rag_llm.progress import Progress, Report, Stage

log = logging.getLogger(__name__)

Context = grpc.aio.ServicerContext[Any, Any]
MOST_CHARACTERS = 4000
MOST_HISTORY = 4
MOST_ALTERNATIVES = 5
MOST_LISTED = 10_000
"""Documents named in one list of an ingest's last message."""
STAGES = {
    Stage.WAITING: rag_llm_pb2.INGEST_STAGE_WAITING,
    Stage.LOOKING: rag_llm_pb2.INGEST_STAGE_LOOKING,
    Stage.READING: rag_llm_pb2.INGEST_STAGE_READING,
    Stage.ENCODING: rag_llm_pb2.INGEST_STAGE_ENCODING,
    Stage.INDEXING: rag_llm_pb2.INGEST_STAGE_INDEXING,
}


class RagLlmServicer(rag_llm_pb2_grpc.RagLlmServicer):
    """Holds nothing of a turn; questions of different personas only ever see their own persona's index."""

    def __init__(self, library: Library, answerer: Answerer, grounding: Grounding) -> None:
        self._library = library
        self._answerer = answerer
        self._grounding = grounding

    async def prepare(self, persona_id: str) -> None:
        """Starts on the persona's documents, so that its first question finds them read. Damage is only logged."""
        try:
            self._library.begin(await self._library.persona(persona_id))
        except FlashbackError as error:
            log.warning("documents not read: %s", error.message, extra={"persona": persona_id})

    async def close(self) -> None:
        await self._answerer.close()
        self._grounding.close()
        await self._library.close()

    async def Answer(
        self, request: rag_llm_pb2.AnswerRequest, context: Context
    ) -> AsyncIterator[rag_llm_pb2.AnswerPart]:
        began = time.perf_counter()
        question = checked_question(request.question)
        persona = await self._library.persona(request.persona_id)
        history = earlier(request.history)
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

    async def Retrieve(self, request: rag_llm_pb2.RetrieveRequest, context: Context) -> rag_llm_pb2.RetrieveReply:
        question = checked_question(request.question)
        persona = await self._library.persona(request.persona_id)
        turn = Turn(question, persona, lambda: self._library.index(persona), earlier(request.history))
        evidence, probability = await self._grounding.looked_up(turn) or (None, 0.0)
        passages = passages_to_wire(evidence) if evidence else []
        return rag_llm_pb2.RetrieveReply(
            passages=passages[: request.count or None],
            depth=self._grounding.depth,
            manner=small_talk.manner_of(question, persona.name),
            answerable=probability,
            threshold=self._grounding.threshold,
        )

    async def Ingest(
        self, request: rag_llm_pb2.IngestRequest, context: Context
    ) -> AsyncIterator[rag_llm_pb2.IngestProgress]:
        persona = await self._library.persona(request.persona_id)
        add, forget = [Path(path) for path in request.paths], [Path(path) for path in request.forget]
        last = Progress()
        async for step in self._library.ingest(persona, add, forget):
            if isinstance(step, Report):
                yield report_to_wire(step, last)
            else:
                last = step
                yield progress_to_wire(step)

    async def Vocabulary(
        self, request: rag_llm_pb2.VocabularyRequest, context: Context
    ) -> AsyncIterator[rag_llm_pb2.VocabularyText]:
        async for piece in self._library.vocabulary(await self._library.persona(request.persona_id)):
            yield rag_llm_pb2.VocabularyText(version=piece.version, headings=piece.headings, sentences=piece.sentences)

    async def DescribeIndex(self, request: rag_llm_pb2.IndexRequest, context: Context) -> rag_llm_pb2.IndexDescription:
        persona = await self._library.persona(request.persona_id)
        listing = await self._library.listing(persona)
        return rag_llm_pb2.IndexDescription(
            version=listing.version,
            documents=len(listing.entries),
            chunks=listing.chunks,
            answerer=self._answerer.name,
            paths=[
                rag_llm_pb2.IngestedPath(
                    path=str(root.path), documents=root.documents, missing=root.missing, own=root.own
                )
                for root in await self._library.roots(persona)
            ],
        )


def earlier(history: Sequence[rag_llm_pb2.Exchange]) -> tuple[Exchange, ...]:
    """The last exchanges, and of each question and answer as much as counts."""
    return tuple(Exchange(e.question[:MOST_CHARACTERS], e.answer[:MOST_CHARACTERS]) for e in history[-MOST_HISTORY:])


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


def passages_to_wire(evidence: Evidence) -> list[rag_llm_pb2.RetrievedPassage]:
    """The retrieved passages as they travel, the one with the best sentence first."""
    best = {candidate.passage: candidate for candidate in reversed(evidence.ranked)}
    found = []
    for number in evidence.passages:
        passage = evidence.index.passages[number]
        found.append(
            rag_llm_pb2.RetrievedPassage(
                document=passage.document,
                place=passage.place,
                text=passage.text,
                sentences=passage.sentences,
                best=best[number].position,
                score=best[number].score,
                cosine=best[number].cosine,
            )
        )
    return found


def progress_to_wire(progress: Progress) -> rag_llm_pb2.IngestProgress:
    """An ingest's progress as it travels."""
    return rag_llm_pb2.IngestProgress(
        documents=progress.documents,
        documents_total=progress.documents_total,
        chunks=progress.chunks,
        stage=STAGES[progress.stage],
        current=progress.current,
        skipped_total=progress.skipped,
        fresh_documents=progress.fresh_documents,
        fresh_chunks=progress.fresh_chunks,
    )


def report_to_wire(report: Report, last: Progress) -> rag_llm_pb2.IngestProgress:
    """How an ingest ended, as it travels; `last` is where its progress ended."""
    message = progress_to_wire(last)
    message.done = True
    message.skipped.extend(report.listing.skipped[:MOST_LISTED])
    changes = report.changes
    message.changes.CopyFrom(
        rag_llm_pb2.IngestChanges(
            added=names_to_wire(changes.added),
            changed=names_to_wire(changes.changed),
            removed=names_to_wire(changes.removed),
            unchanged=changes.unchanged,
            missing=report.listing.missing,
            version=report.listing.version,
        )
    )
    return message


def names_to_wire(names: Sequence[str]) -> rag_llm_pb2.Names:
    """Names of documents, as many as one message may list."""
    return rag_llm_pb2.Names(names=names[:MOST_LISTED], total=len(names))
