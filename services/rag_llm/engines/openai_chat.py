"""Answers by a language model behind any OpenAI-compatible chat server, from the retrieved passages alone.

What it writes is spoken sentence by sentence, once a passage supports it. When the server does not answer, the
documents are quoted instead, and the listener is told so; when it breaks off in the middle, that is said too.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import TypeVar

from flashback.errors import MissingEngine
from services.rag_llm import prompt
from services.rag_llm.availability import Availability
from services.rag_llm.chat_server import ChatServer
from services.rag_llm.chunks import Passage
from services.rag_llm.endpoint import Fault, remedy
from services.rag_llm.engine import Answerer, Done, Encoder, Part, Turn
from services.rag_llm.grounding import Evidence, Grounding, refused, without_documents
from services.rag_llm.guardrail import Guardrail
from services.rag_llm.quoting import quote
from services.rag_llm.selection import LEANING
from services.rag_llm.settings import RagSettings
from services.rag_llm.speaking import Speaking
from services.rag_llm.speech_stream import Drafted, SpeechStream

T = TypeVar("T")

log = logging.getLogger(__name__)

THREADS = 2
IDLE = 4
"""Sentences in a row that no passage supports, or that were said before, after which an answer is taken to be over."""
WAIT_S = 2.0
"""A server that asks to be tried again within this is; longer silence is worse than a quotation."""
INSTEAD = "My language model is not answering, so I am reading from my documents."
BROKE_OFF = "My language model broke off there."


class OpenAIChatAnswerer:
    """Needs a chat server; does without it for as long as it is away. What reads the index or compares sentences runs
    in worker threads, so that the turns of others are not held up."""

    name = "openai"

    def __init__(self, encoder: Encoder, settings: RagSettings) -> None:
        self._encoder = encoder
        self._settings = settings
        self._grounding = Grounding(encoder, settings)
        self._server = ChatServer(settings, time.monotonic)
        self._availability = Availability(time.monotonic)
        self._workers = ThreadPoolExecutor(THREADS, "guardrail")

    async def prepare(self) -> None:
        """Asks the server which models it has, for the log: a server that is away now may be there for the first
        question."""
        try:
            async with asyncio.timeout(self._settings.chat_first_token_s):
                model = await self._server.model()
            log.info("language model server answers", extra={"model": model})
        except (Fault, TimeoutError) as error:
            fault = error if isinstance(error, Fault) else Fault("late")
            log.warning("no language model yet (%s); documents are quoted meanwhile", remedy(fault.kind, "CHAT"))

    async def answer(self, turn: Turn) -> AsyncIterator[Part]:
        grounds = await self._grounding.of(turn)
        if not isinstance(grounds, Evidence):
            for part in without_documents(grounds):
                yield part
            return
        speaking = Speaking(grounds.index)
        written = _Written()
        if self._availability.open:
            async with aclosing(self._generated(turn, grounds, speaking, written)) as parts:
                async for part in parts:
                    yield part
        if speaking.sentences:
            yield Done(False)
        elif written.answered and not written.broken:
            for part in without_documents(await self._apart(refused, turn, grounds.index)):
                yield part
        else:
            for part in await self._apart(self._quoted, grounds):
                yield part

    async def close(self) -> None:
        self._grounding.close()
        self._workers.shutdown(wait=False, cancel_futures=True)
        await self._server.close()

    def _quoted(self, grounds: Evidence) -> list[Part]:
        most, words = self._settings.max_sentences, self._settings.max_words
        return [*quote(grounds.index, grounds.ranked, most, words, preface=INSTEAD), Done(False)]

    def _guard(self, grounds: Evidence, shown: Sequence[int]) -> Guardrail:
        return Guardrail(grounds.index, shown, self._encoder, self._grounding.space, self._settings)

    async def _apart(self, work: Callable[..., T], *given: object) -> T:
        """What `work` returns, from a worker thread."""
        return await asyncio.get_running_loop().run_in_executor(self._workers, work, *given)

    async def _generated(
        self, turn: Turn, grounds: Evidence, speaking: Speaking, written: _Written
    ) -> AsyncGenerator[Part]:
        """What the model says of the evidence. Never raises a Fault: it ends, and the record shows why."""
        deadline = time.monotonic() + self._settings.chat_turn_s
        passages = await self._apart(_retrieved, grounds)
        count = prompt.fitting(passages, self._settings.chat_passage_tokens)
        retried = False
        while True:
            asked = prompt.messages(turn, passages[:count], with_history=not written.too_long)
            try:
                shown = grounds.passages[:count]
                async with aclosing(self._attempt(asked, shown, grounds, speaking, written, deadline)) as parts:
                    async for part in parts:
                        yield part
                break
            except Fault as fault:
                if fault.kind == "too_long" and not speaking.sentences and count > 1:
                    written.too_long, count = True, count // 2
                    continue
                wait = fault.retry_after_s
                if wait is not None and wait <= WAIT_S and not retried and time.monotonic() + wait < deadline:
                    retried = True
                    await asyncio.sleep(wait)
                    continue
                written.broken = True
                self._failed(fault, speaking)
                if speaking.sentences and fault.kind != "deadline" and time.monotonic() < deadline:
                    for part in speaking.say(BROKE_OFF, written.relied_on):
                        yield part
                return
        if self._availability.succeeded():
            log.info("the language model answers again")

    async def _attempt(
        self,
        messages: Sequence[dict[str, str]],
        shown: Sequence[int],
        grounds: Evidence,
        speaking: Speaking,
        written: _Written,
        deadline: float,
    ) -> AsyncGenerator[Part]:
        """The parts of one request's answer. Raises Fault; what was said before it stays said."""
        guard = await self._apart(self._guard, grounds, shown)
        idle, dropped = 0, False
        async with aclosing(self._drafts(messages, len(shown), written, deadline)) as drafts:
            async for draft in drafts:
                written.answered = True
                if prompt.refuses(draft.text):
                    break
                idle += 1
                if not speaking.repeats(draft.text):
                    dangling = dropped and LEANING.match(draft.text)
                    supporting = () if dangling else await self._apart(guard.supporting, draft.text, draft.cited)
                    dropped = not supporting
                    if supporting:
                        idle = 0
                        written.relied_on = tuple(shown[number - 1] for number in supporting)
                        for part in speaking.say(draft.text, written.relied_on):
                            yield part
                if idle == IDLE or speaking.sentences == self._settings.chat_max_sentences:
                    break
        if not written.answered:
            log.warning("the language model wrote no sentence; its reasoning may use up all its tokens")
        log.info("generated", extra={"sentences": speaking.sentences, "not_supported": dict(guard.objections)})

    async def _drafts(
        self, messages: Sequence[dict[str, str]], passages: int, written: _Written, deadline: float
    ) -> AsyncGenerator[Drafted]:
        """The sentences as the model writes them. Raises Fault when the stream breaks off."""
        stream = SpeechStream(passages)
        finish = ""
        async with aclosing(self._server.stream(messages, deadline)) as deltas:
            async for delta in deltas:
                for draft in stream.feed(delta.text):
                    yield draft
                finish = delta.finish
        for draft in stream.close(finished=finish == "stop"):
            yield draft
        if not finish:
            raise Fault("died")

    def _failed(self, fault: Fault, speaking: Speaking) -> None:
        if fault.kind != "too_long" and not (fault.kind == "deadline" and speaking.sentences):
            self._availability.failed(fault.retry_after_s)
        what = {"fault": fault.kind, "status": fault.status, "sentences": speaking.sentences}
        log.warning("the language model does not answer: %s", remedy(fault.kind, "CHAT"), extra=what)


def _retrieved(grounds: Evidence) -> list[Passage]:
    return [grounds.index.passages[number] for number in grounds.passages]


class _Written:
    """What became of a turn's request. `answered`: the model wrote a sentence, spoken or not; `broken`: a fault ended
    it; `too_long`: it did not fit, so that the conversation before is left out; `relied_on`: the passages, by their
    numbers in the index, that the last sentence spoken cites."""

    def __init__(self) -> None:
        self.answered = False
        self.broken = False
        self.too_long = False
        self.relied_on: tuple[int, ...] = ()


def create(encoder: Encoder, settings: RagSettings) -> Answerer:
    """Entry point of the engine. Raises MissingEngine when no server's address is set."""
    if not settings.chat_url:
        raise MissingEngine(
            "The rag_llm engine 'openai' needs the address of a chat server: set FLASHBACK_RAG_LLM_CHAT_URL, for "
            "example to http://127.0.0.1:8001/v1."
        )
    return OpenAIChatAnswerer(encoder, settings)
