"""What a recogniser offers. All calls block, from any thread; one thread at a time uses an Utterance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Heard:
    """Words of an utterance. confidence: 0..1. alternatives: other readings, best first, without `text` itself."""

    text: str
    confidence: float = 0.0
    alternatives: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Material:
    """A persona's documents, as far as a recogniser learns from them. version changes when the documents do."""

    persona_id: str
    version: str
    sentences: Sequence[str]
    headings: Sequence[str]


class Utterance(Protocol):
    """One stretch of speech being recognised. Audio is s16le mono 16 kHz."""

    def feed(self, audio: bytes) -> None:
        """More of the same utterance; decodes what it can."""
        ...

    def partial(self) -> str:
        """The words so far; may be empty, may change later."""
        ...

    def finish(self) -> Heard:
        """The words of everything fed. Only close() may follow."""
        ...

    def close(self) -> None:
        """Gives back what the utterance holds; safe to call twice."""
        ...


class Recogniser(Protocol):
    """A loaded model, shared by all sessions of a persona."""

    name: str
    vocabulary: int
    """Words it can hear; 0 = open vocabulary."""

    def open(self) -> Utterance: ...


class Engine(Protocol):
    """Makes recognisers. `needs_material`: whether it must know the persona's documents."""

    name: str
    needs_material: bool

    def unknown_words(self, material: Material) -> list[str]:
        """Words, as the documents write them, whose pronunciation must be asked from the speech service."""
        ...

    def fingerprint(self) -> str:
        """Changes when the engine would build something else from the same material."""
        ...

    def build(self, material: Material, spoken: Mapping[str, Sequence[str]], folder: Path) -> None:
        """Writes into the empty folder what load() needs. spoken: ARPAbet by word, for (some of) the unknown words."""
        ...

    def load(self, folder: Path | None, persona_id: str) -> Recogniser:
        """folder: what build() wrote, or None for an engine that needs no material. Raises Broken."""
        ...
