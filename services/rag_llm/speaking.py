"""Sentences and the passages they rely on -> the parts of an answer, numbered in the order in which they are spoken."""

from __future__ import annotations

from collections.abc import Sequence

from services.rag_llm.emotion import emotion_of
from services.rag_llm.engine import Citation, Part, Sentence
from services.rag_llm.index import PassageIndex


class Speaking:
    """One answer in the making. Each passage is cited once, before the first sentence that uses it."""

    def __init__(self, index: PassageIndex) -> None:
        self._index = index
        self._cited: dict[int, int] = {}
        self._said: list[str] = []

    @property
    def sentences(self) -> int:
        """How many have been said."""
        return len(self._said)

    def repeats(self, text: str) -> bool:
        """Whether the same has been said already."""
        return text.casefold() in self._said

    def say(self, text: str, passages: Sequence[int]) -> list[Part]:
        """The parts for one sentence; `passages` are numbers in the index."""
        parts: list[Part] = []
        for number in passages:
            if number not in self._cited:
                self._cited[number] = len(self._cited) + 1
                passage = self._index.passages[number]
                parts.append(Citation(self._cited[number], passage.document, passage.place, passage.text))
        numbers = tuple(self._cited[number] for number in passages)
        parts.append(Sentence(len(self._said), text, numbers, emotion_of(text)))
        self._said.append(text.casefold())
        return parts
