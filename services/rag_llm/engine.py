"""What an answerer is: a question and a persona's index in; citations, sentences and an ending out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from flashback.personas import Persona
from services.rag_llm.emotion import Emotion
from services.rag_llm.index import PassageIndex

Reason = Literal["", "not_in_documents", "no_documents", "small_talk"]


@dataclass(frozen=True)
class Exchange:
    """An earlier question and what the listener heard of its answer."""

    question: str
    answer: str


@dataclass(frozen=True)
class Turn:
    """What is asked (1..4000 characters), of whom, and after what.

    `spoken`: the question comes from a recogniser, so that words in it may be wrong; `alternatives` are then its other
    readings, best first. `index` is called when the answer needs the documents; it gives None when there are none, and
    may have to wait for them.
    """

    question: str
    persona: Persona
    index: Callable[[], Awaitable[PassageIndex | None]]
    history: tuple[Exchange, ...] = ()
    spoken: bool = False
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True)
class Citation:
    """A passage that a sentence relies on. `number` counts from 1 within the answer."""

    number: int
    document: str
    place: str
    text: str


@dataclass(frozen=True)
class Sentence:
    """One sentence as it is to be spoken. `number` counts from 0; `citations` are numbers of Citation."""

    number: int
    text: str
    citations: tuple[int, ...]
    emotion: Emotion


@dataclass(frozen=True)
class Done:
    """The last part of every answer. `refused` goes with not_in_documents and no_documents."""

    refused: bool
    reason: Reason = ""


Part = Citation | Sentence | Done


class Encoder(Protocol):
    """Texts or single words -> unit vectors (how many, width), float32; callable from any thread. The width is the
    encoder's own, and that of words may be another than that of texts."""

    @property
    def name(self) -> str: ...

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]: ...

    def word_vectors(self, words: Sequence[str]) -> NDArray[np.float32]: ...


class Answerer(Protocol):
    """An engine. Shared by all sessions, so it keeps nothing of a turn.

    `answer` yields each Citation before the first Sentence that uses it, at least one Sentence, and exactly one Done,
    last. A Sentence of an answer that is neither refused nor small talk has at least one citation.
    """

    @property
    def name(self) -> str: ...

    def answer(self, turn: Turn) -> AsyncIterator[Part]: ...

    async def close(self) -> None: ...


@runtime_checkable
class Preparing(Protocol):
    """What an engine may have besides: `prepare` is awaited once, before the service serves. It must not take longer
    than a few seconds, nor fail because a server is away."""

    async def prepare(self) -> None: ...
