"""A persona that is asked questions over the wire, one at a time."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc

from flashback import personas
from flashback.cli import trial
from flashback.errors import InvalidInput, Unavailable
from flashback.evaluation.outcome import Said
from flashback.evaluation.questions import Question
from flashback.evaluation.support import Passage
from flashback.rpc import SLOW_S, open_channel, typed_errors, wait_serving
from flashback.settings import HouseSettings
from flashback.stack.supervisor import needed
from flashback.v1 import rag_llm_pb2, rag_llm_pb2_grpc

RESTART_S = 30.0
RETRY_S = 1.0
STALLED_S = 1800.0
"""A first ingest that tells of no progress for so long (one huge document takes its time) is given up."""
AHEAD = "What are the documents about?"
"""Asked before the first question, so that no question's time holds what is loaded only once."""


@dataclass(frozen=True)
class Answer:
    """What was answered. `citations` are in the order of their numbers; times are milliseconds from the question."""

    said: tuple[Said, ...]
    citations: tuple[Passage, ...]
    refused: bool
    reason: str
    first_ms: float
    ms: float

    @property
    def text(self) -> str:
        return " ".join(sentence.text for sentence in self.said)


class Answering:
    """Puts questions to one persona. Every call raises the FlashbackError the service answers with."""

    def __init__(self, channel: grpc.aio.Channel, persona_id: str) -> None:
        self.persona_id = persona_id
        self._channel = channel
        self._stub = rag_llm_pb2_grpc.RagLlmStub(channel)

    async def until_read(self) -> rag_llm_pb2.RetrieveReply:
        """Waits for a first ingest that still runs, with a note on standard error whenever it has come further.

        Raises Unavailable when it comes no further for STALLED_S.
        """
        told, since = "", time.monotonic()
        while True:
            try:
                return await self.retrieve(Question(0, AHEAD))
            except Unavailable as error:
                if not error.from_service:
                    raise
                if error.message != told:
                    told, since = error.message, time.monotonic()
                    print(f"waiting; {self.persona_id} says: {told}", file=sys.stderr, flush=True)
                elif time.monotonic() - since > STALLED_S:
                    raise
            await asyncio.sleep(RETRY_S)

    async def retrieve(self, question: Question) -> rag_llm_pb2.RetrieveReply:
        """The passages an answer would be made from, and the gate's probability."""
        request = rag_llm_pb2.RetrieveRequest(
            persona_id=self.persona_id, question=question.text, history=_exchanges(question)
        )
        with typed_errors("rag_llm"):
            return await self._stub.Retrieve(request, timeout=SLOW_S)

    async def describe(self) -> rag_llm_pb2.IndexDescription:
        """How much there is to answer from, and who answers."""
        with typed_errors("rag_llm"):
            request = rag_llm_pb2.IndexRequest(persona_id=self.persona_id)
            return await self._stub.DescribeIndex(request, timeout=SLOW_S)

    async def answer(self, question: Question) -> Answer:
        """The whole answer. A service that is gone or still reading is waited for, and asked once more."""
        try:
            return await self._answer(question)
        except Unavailable:
            await wait_serving(self._channel, "rag_llm", RESTART_S)
            await self.until_read()
            return await self._answer(question)

    async def _answer(self, question: Question) -> Answer:
        request = rag_llm_pb2.AnswerRequest(
            persona_id=self.persona_id, question=question.text, history=_exchanges(question)
        )
        said: list[Said] = []
        cited: dict[int, Passage] = {}
        done = rag_llm_pb2.AnswerDone()
        first_ms = 0.0
        begun = time.perf_counter()
        with typed_errors("rag_llm"):
            async for part in self._stub.Answer(request, timeout=SLOW_S):
                match part.WhichOneof("part"):
                    case "sentence":
                        first_ms = first_ms or _ms_since(begun)
                        said.append(Said(part.sentence.text, tuple(cited[n] for n in part.sentence.citations)))
                    case "citation":
                        c = part.citation
                        cited[c.index] = Passage(c.document, c.place, c.text)
                    case "done":
                        done = part.done
        return Answer(tuple(said), tuple(cited.values()), done.refused, done.reason, first_ms, _ms_since(begun))


@asynccontextmanager
async def answering(persona_id: str | None, corpus: Sequence[Path] = ()) -> AsyncIterator[Answering]:
    """The persona (None: the default one), or one made for the occasion that answers from `corpus` alone.

    Raises InvalidInput when both are given, and FlashbackError for an unknown persona, a missing path, or a service
    that does not start.
    """
    settings = HouseSettings()
    if corpus:
        if persona_id is not None:
            raise InvalidInput("Give --persona or --corpus, not both: a persona answers from documents of its own.")
        settings = trial.prepare(corpus, settings)
    persona_id = persona_id or settings.default_persona
    personas.load(persona_id, settings)
    async with needed(["rag_llm"], settings) as addresses:
        channel = open_channel(addresses["rag_llm"])
        try:
            if corpus:
                await trial.read(rag_llm_pb2_grpc.RagLlmStub(channel), corpus)
            yield Answering(channel, persona_id)
        finally:
            await channel.close(None)


def _exchanges(question: Question) -> list[rag_llm_pb2.Exchange]:
    return [rag_llm_pb2.Exchange(question=e.question, answer=e.answer) for e in question.history]


def _ms_since(begun: float) -> float:
    return (time.perf_counter() - begun) * 1000
