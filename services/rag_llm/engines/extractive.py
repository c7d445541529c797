"""Answers by quoting: the sentences of the documents that answer best, each with its passage, or a refusal."""

from __future__ import annotations

from collections.abc import AsyncIterator

from services.rag_llm.engine import Answerer, Done, Encoder, Part, Turn
from services.rag_llm.grounding import Evidence, Grounding, Grounds, without_documents
from services.rag_llm.index import PassageIndex
from services.rag_llm.quoting import quote
from services.rag_llm.selection import Candidate
from services.rag_llm.settings import RagSettings


class ExtractiveAnswerer:
    """Needs no language model; an answer takes one encoding of the question and a few matrix products."""

    name = "extractive"

    def __init__(self, encoder: Encoder, settings: RagSettings) -> None:
        self._settings = settings
        self._grounding = Grounding(encoder, settings)

    async def answer(self, turn: Turn) -> AsyncIterator[Part]:
        for part in self._said(await self._grounding.of(turn)):
            yield part

    async def close(self) -> None:
        self._grounding.close()

    def parts(self, turn: Turn, index: PassageIndex | None) -> list[Part]:
        """The whole answer, computed on the calling thread. `index` is not looked at for small talk."""
        return self._said(self._grounding.find(turn, index))

    def ranked(self, turn: Turn, index: PassageIndex) -> tuple[Candidate, ...]:
        """Every sentence of the retrieved passages, best first."""
        return self._grounding.ranked(turn, index)

    def _said(self, grounds: Grounds) -> list[Part]:
        if not isinstance(grounds, Evidence):
            return without_documents(grounds)
        most, words = self._settings.max_sentences, self._settings.max_words
        return [*quote(grounds.index, grounds.ranked, most, words), Done(False)]


def create(encoder: Encoder, settings: RagSettings) -> Answerer:
    """Entry point of the engine."""
    return ExtractiveAnswerer(encoder, settings)
