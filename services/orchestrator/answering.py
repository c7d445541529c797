"""One turn's answer: question -> sentences -> speech, a sentence ahead of what plays."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from flashback.errors import FlashbackError, Unavailable
from flashback.rpc import QUICK_S, SLOW_S, typed_errors
from flashback.v1 import media_pb2, rag_llm_pb2, renderer_pb2, tts_pb2
from services.orchestrator.events import Captioned, Cited, Event, SentenceReady
from services.orchestrator.services import Services
from services.orchestrator.transcript import SpokenSentence, SpokenTurn, Word

log = logging.getLogger(__name__)

SENTENCES_AHEAD = 2
"""The sentence that plays, and the next one."""
APOLOGY = "I cannot reach my documents right now. Please ask me again in a moment."


@dataclass(frozen=True)
class Question:
    """What is asked. `alternatives`: other readings of a spoken question, best first."""

    text: str
    spoken: bool = False
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True)
class Exchange:
    """A question and what the listener heard of its answer."""

    question: str
    answer: str


@dataclass(frozen=True)
class Planned:
    """A sentence to be spoken, with its emotion."""

    text: str
    emotion: media_pb2.Emotion


class Answering:
    """Runs one turn by `recite` or `answer`, which raise FlashbackError when speech fails. `refused` is known after."""

    def __init__(
        self,
        services: Services,
        persona_id: str,
        turn_id: str,
        generation: int,
        spoken: SpokenTurn,
        emit: Callable[[Event], None],
        say: Callable[[renderer_pb2.SpeechPart], None],
        answer_timeout_s: float,
    ) -> None:
        self._services = services
        self._persona_id = persona_id
        self._turn_id = turn_id
        self._generation = generation
        self._spoken = spoken
        self._emit = emit
        self._say = say
        self._answer_timeout_s = answer_timeout_s
        self._ahead = asyncio.Semaphore(SENTENCES_AHEAD)
        self.refused = False

    def sentence_started(self, index: int, start_sample: int) -> None:
        """A sentence began to play: its words have a time now, and the one after the next may be synthesised."""
        if index < len(self._spoken.sentences):
            sentence = self._spoken.sentences[index]
            sentence.start_sample = start_sample
            self._caption(sentence)
            self._ahead.release()

    async def recite(self, text: str) -> None:
        """Says a fixed text."""
        await self._speak_all(self._fixed(text))

    async def answer(self, question: Question, history: Sequence[Exchange]) -> None:
        """Answers from the documents; when they cannot be reached, says so."""
        await self._speak_all(self._sentences(question, history))

    async def _fixed(self, text: str) -> AsyncIterator[Planned]:
        yield Planned(text, media_pb2.Emotion(label="neutral"))

    async def _sentences(self, question: Question, history: Sequence[Exchange]) -> AsyncIterator[Planned]:
        request = rag_llm_pb2.AnswerRequest(
            persona_id=self._persona_id,
            question=question.text,
            spoken=question.spoken,
            alternatives=question.alternatives,
            history=[rag_llm_pb2.Exchange(question=x.question, answer=x.answer) for x in history],
        )
        said = 0
        try:
            with typed_errors("rag_llm"):
                parts = self._services.rag_llm.Answer(request, timeout=SLOW_S).__aiter__()
                while True:
                    try:
                        async with asyncio.timeout(self._answer_timeout_s):
                            part = await anext(parts)
                    except StopAsyncIteration:
                        break
                    except TimeoutError as error:
                        raise Unavailable("The answer did not come in time.") from error
                    match part.WhichOneof("part"):
                        case "citation":
                            c = part.citation
                            self._emit(Cited(self._turn_id, c.index, c.document, c.place, c.text))
                        case "sentence":
                            said += 1
                            yield Planned(part.sentence.text, part.sentence.emotion)
                        case "done":
                            self.refused = part.done.refused
        except FlashbackError as error:
            log.warning("answer failed", extra={"turn": self._turn_id, "why": error.message, "sentences": said})
            text = error.message if isinstance(error, Unavailable) and error.from_service else APOLOGY
            yield Planned(text, media_pb2.Emotion(valence=-0.2, label="concern"))

    async def _speak_all(self, sentences: AsyncIterator[Planned]) -> None:
        index = 0
        async for planned in sentences:
            await self._ahead.acquire()
            await self._speak(index, planned)
            index += 1
        part = renderer_pb2.SpeechPart(
            turn_id=self._turn_id, generation=self._generation, sentence=max(0, index - 1), last_of_turn=True
        )
        self._say(part)

    async def _speak(self, index: int, planned: Planned) -> None:
        sentence = SpokenSentence(planned.text)
        self._spoken.sentences.append(sentence)
        self._emit(SentenceReady(self._turn_id, planned.text))
        request = tts_pb2.SynthesizeRequest(text=planned.text, persona_id=self._persona_id, emotion=planned.emotion)
        with typed_errors("tts"):
            async for chunk in self._services.tts.Synthesize(request, timeout=QUICK_S):
                sentence.words += [Word(w.text, w.start_sample, w.end_sample, w.text_end) for w in chunk.words]
                self._caption(sentence)
                self._say(
                    renderer_pb2.SpeechPart(
                        turn_id=self._turn_id,
                        generation=self._generation,
                        sentence=index,
                        audio=chunk.audio,
                        visemes=chunk.visemes,
                        emotion=planned.emotion,
                        last_of_sentence=chunk.last,
                    )
                )

    def _caption(self, sentence: SpokenSentence) -> None:
        if words := sentence.take_captions():
            self._emit(Captioned(self._turn_id, tuple(words)))
