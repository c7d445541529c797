"""Answers by quoting: the sentences of the documents that answer best, each with its passage, or a refusal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

from services.rag_llm import gate, readings, retrieval, selection, small_talk
from services.rag_llm.emotion import NEUTRAL, emotion_of
from services.rag_llm.engine import Answerer, Citation, Done, Encoder, Part, Reason, Sentence, Turn
from services.rag_llm.index import PassageIndex
from services.rag_llm.query import Query, addresses, by_name, content_words, make_queries
from services.rag_llm.selection import Candidate
from services.rag_llm.settings import RagSettings
from services.rag_llm.support import WordSpace

THREADS = 2


class ExtractiveAnswerer:
    """Needs no language model; an answer takes one encoding of the question and a few matrix products."""

    name = "extractive"

    def __init__(self, encoder: Encoder, settings: RagSettings) -> None:
        self._encoder = encoder
        self._settings = settings
        self._space = WordSpace(encoder)
        self._workers = ThreadPoolExecutor(THREADS, "answer")

    async def answer(self, turn: Turn) -> AsyncIterator[Part]:
        needs_documents = small_talk.manner_of(turn.question, turn.persona.name) == "question"
        index = await turn.index() if needs_documents else None
        parts = await asyncio.get_running_loop().run_in_executor(self._workers, self.parts, turn, index)
        for part in parts:
            yield part

    async def close(self) -> None:
        self._workers.shutdown(wait=False, cancel_futures=True)

    def parts(self, turn: Turn, index: PassageIndex | None) -> list[Part]:
        """The whole answer, computed on the calling thread. `index` is not looked at for small talk."""
        manner = small_talk.manner_of(turn.question, turn.persona.name)
        if manner in ("injection", "outside"):
            return _plain(small_talk.refusal(manner, turn.persona), True, "not_in_documents")
        if manner != "question":
            return _plain(small_talk.reply(manner, turn.persona), False, "small_talk")
        if index is None:
            return _plain(small_talk.no_documents(turn.persona), True, "no_documents")
        asked = self._queries(turn, index)
        query = readings.merged(asked) if turn.spoken else asked[0]
        ranked = self._ranked(query, turn.spoken, index)
        if turn.spoken:
            probability = readings.probability(index, query, asked, ranked, self._space)
        else:
            probability = gate.probability(gate.signs(index, query, ranked, self._space))
        if probability < self._settings.gate_threshold:
            return _plain(small_talk.refusal(manner, turn.persona), True, "not_in_documents")
        return list(self._quote(index, ranked))

    def ranked(self, turn: Turn, index: PassageIndex) -> list[Candidate]:
        """Every sentence of the retrieved passages, best first."""
        asked = self._queries(turn, index)
        return self._ranked(readings.merged(asked) if turn.spoken else asked[0], turn.spoken, index)

    def _queries(self, turn: Turn, index: PassageIndex) -> list[Query]:
        """The question made ready, and after it the other readings of a spoken one."""
        questions = []
        for reading in (turn.question, *(turn.alternatives if turn.spoken else ())):
            question = small_talk.opened(reading)
            if addresses(question) and not content_words(question, index.lexicon):
                question = by_name(question, turn.persona.name)
            questions.append(question)
        return make_queries(questions, turn.history, index.lexicon, self._encoder)

    def _ranked(self, query: Query, spoken: bool, index: PassageIndex) -> list[Candidate]:
        lists = readings.LISTS if spoken else retrieval.WEIGHTS
        hits = retrieval.search(index, query, self._settings.top_passages, lists)
        return selection.candidates(index, query, hits, self._space)

    def _quote(self, index: PassageIndex, ranked: list[Candidate]) -> Iterator[Part]:
        said = selection.chosen(ranked, self._settings.max_sentences, self._settings.max_words)
        numbers: dict[int, int] = {}
        for count, candidate in enumerate(said):
            if candidate.passage not in numbers:
                numbers[candidate.passage] = len(numbers) + 1
                passage = index.passages[candidate.passage]
                yield Citation(numbers[candidate.passage], passage.document, passage.place, passage.text)
            yield Sentence(count, candidate.text, (numbers[candidate.passage],), emotion_of(candidate.text))
        yield Done(False)


def _plain(sentences: list[str], refused: bool, reason: Reason) -> list[Part]:
    emotion = NEUTRAL if refused else None
    said = [Sentence(number, text, (), emotion or emotion_of(text)) for number, text in enumerate(sentences)]
    return [*said, Done(refused, reason)]


def create(encoder: Encoder, settings: RagSettings) -> Answerer:
    """Entry point of the engine."""
    return ExtractiveAnswerer(encoder, settings)
