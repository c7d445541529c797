"""From what was said to what may be answered: small talk, a refusal, or the evidence that the documents hold.

Every engine begins here, so that all of them refuse the same questions. The extractive engine quotes the evidence; a
language model is shown it and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING

from flashback.errors import FlashbackError, MissingEngine
from services.rag_llm import gate, injection, readings, retrieval, selection, small_talk, topics
from services.rag_llm.emotion import NEUTRAL, emotion_of
from services.rag_llm.engine import Done, Encoder, Part, Reason, Sentence, Turn
from services.rag_llm.index import PassageIndex
from services.rag_llm.query import Query, addresses, by_name, content_words, make_queries
from services.rag_llm.selection import Candidate
from services.rag_llm.settings import RagSettings
from services.rag_llm.support import WordSpace

if TYPE_CHECKING:
    from services.rag_llm.rerank_server import RerankServer

THREADS = 2


@dataclass(frozen=True)
class SmallTalk:
    """What is said without the documents."""

    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Refusal:
    """What is said in place of an answer. `reason` is not_in_documents or no_documents."""

    sentences: tuple[str, ...]
    reason: Reason


@dataclass(frozen=True)
class Evidence:
    """What answers the question: every sentence of the retrieved passages, best first, but those that order a model
    about; at least one once the gate has let it pass."""

    index: PassageIndex
    query: Query
    ranked: tuple[Candidate, ...]

    @property
    def passages(self) -> tuple[int, ...]:
        """Numbers of the retrieved passages in the index, the one with the best sentence first."""
        return tuple(dict.fromkeys(candidate.passage for candidate in self.ranked))


Grounds = SmallTalk | Refusal | Evidence


class Grounding:
    """Finds a turn's grounds in worker threads of its own. Shared by all sessions; keeps nothing of a turn."""

    def __init__(self, encoder: Encoder, settings: RagSettings) -> None:
        self._encoder = encoder
        self._settings = settings
        self.space = WordSpace(encoder)
        self._reranker = _reranker(settings)
        self._workers = ThreadPoolExecutor(THREADS, "grounding")

    @property
    def depth(self) -> int:
        """How many passages an answer looks at."""
        return self._settings.top_passages

    @property
    def threshold(self) -> float:
        """Probability below which a question is refused."""
        return self._settings.gate_threshold

    async def of(self, turn: Turn) -> Grounds:
        """The turn's grounds. The documents are asked for only when the answer, or the list of topics, needs them."""
        manner = small_talk.manner_of(turn.question, turn.persona.name)
        index = None
        if manner == "question":
            index = await turn.index()
        elif manner == "topics":
            with suppress(FlashbackError):  # what the persona says of itself has to do
                index = await turn.index()
        return await asyncio.get_running_loop().run_in_executor(self._workers, self.find, turn, index)

    async def looked_up(self, turn: Turn) -> tuple[Evidence, float] | None:
        """What the documents hold on the turn, whatever it is taken for, and the gate's probability that it answers,
        0..1, before anything is decided. None where there are no documents."""
        index = await turn.index()
        if index is None:
            return None
        return await asyncio.get_running_loop().run_in_executor(self._workers, self.look_up, turn, index)

    def close(self) -> None:
        self._workers.shutdown(wait=False, cancel_futures=True)
        if self._reranker is not None:
            self._reranker.close()

    def find(self, turn: Turn, index: PassageIndex | None) -> Grounds:
        """The turn's grounds, worked out on the calling thread. Of small talk only the list of topics looks at `index`,
        where there is one."""
        manner = small_talk.manner_of(turn.question, turn.persona.name)
        if manner in ("injection", "outside"):
            return Refusal(tuple(small_talk.refusal(manner, turn.persona)), "not_in_documents")
        if manner != "question":
            titles = topics.titles(index.passages) if index and manner == "topics" else ()
            return SmallTalk(tuple(small_talk.reply(manner, turn.persona, titles)))
        if index is None:
            return Refusal(tuple(small_talk.no_documents(turn.persona)), "no_documents")
        evidence, probability = self.look_up(turn, index)
        if not evidence.ranked or probability < self.threshold:
            return refused(turn, index)
        return evidence

    def look_up(self, turn: Turn, index: PassageIndex) -> tuple[Evidence, float]:
        """The same as `looked_up`, on the calling thread.

        A spoken question is looked for twice, with all its readings together and as if the first had been typed; the
        likelier of the two counts. So what the listener reads on the screen is answered as it would be when typed,
        however wrong the other readings are.
        """
        asked = self._queries(turn, index)
        first = self._evidence(asked[0], retrieval.WEIGHTS, index)
        as_typed = first, gate.probability(gate.signs(index, asked[0], first.ranked, self.space))
        if not turn.spoken:
            return as_typed
        merged = self._evidence(readings.merged(asked), readings.LISTS, index)
        together = merged, readings.probability(index, asked, merged.ranked, self.space)
        return max(together, as_typed, key=itemgetter(1))

    def ranked(self, turn: Turn, index: PassageIndex) -> tuple[Candidate, ...]:
        """Every sentence of the retrieved passages, best first, whatever the gate would say."""
        return self.look_up(turn, index)[0].ranked

    def _queries(self, turn: Turn, index: PassageIndex) -> list[Query]:
        """The question made ready, and after it the other readings of a spoken one."""
        questions = []
        for reading in (turn.question, *(turn.alternatives if turn.spoken else ())):
            question = small_talk.opened(reading)
            if addresses(question) and not content_words(question, index.lexicon):
                question = by_name(question, turn.persona.name)
            questions.append(question)
        return make_queries(questions, turn.history, index.lexicon, self._encoder)

    def _evidence(self, query: Query, lists: Mapping[str, float], index: PassageIndex) -> Evidence:
        hits = retrieval.search(index, query, self.depth, lists, self._reranker)
        ranked = selection.candidates(index, query, hits, self.space)
        return Evidence(index, query, tuple(c for c in ranked if not injection.planted(c.text)))


def _reranker(settings: RagSettings) -> RerankServer | None:
    """The reranker that is set, if any. Raises MissingEngine when the library it needs is not installed."""
    if not settings.rerank_url:
        return None
    try:
        from services.rag_llm.rerank_server import RerankServer
    except ImportError as error:
        raise MissingEngine("A reranker needs the extra rag-llm-openai; install it, or unset its address.") from error
    return RerankServer(settings)


def refused(turn: Turn, index: PassageIndex) -> Refusal:
    """The refusal of a question that the documents do not answer."""
    titles = () if turn.persona.about.strip() else topics.titles(index.passages)
    return Refusal(tuple(small_talk.refusal("question", turn.persona, titles)), "not_in_documents")


def without_documents(grounds: SmallTalk | Refusal) -> list[Part]:
    """The whole answer of small talk or a refusal."""
    if isinstance(grounds, Refusal):
        return said(grounds.sentences, Done(True, grounds.reason))
    return said(grounds.sentences, Done(False, "small_talk"))


def said(sentences: Sequence[str], done: Done) -> list[Part]:
    """Sentences without citations, and the ending. Nobody refuses with a smile: a refusal is spoken neutrally."""
    emotions = [NEUTRAL if done.refused else emotion_of(text) for text in sentences]
    numbered = enumerate(zip(sentences, emotions, strict=True))
    return [*(Sentence(number, text, (), emotion) for number, (text, emotion) in numbered), done]
