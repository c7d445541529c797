"""What a speech engine offers. Engines are blocking; the server runs them in a worker thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from flashback.media.clock import SPEECH_RATE

Samples = NDArray[np.int16]

TAIL_SAMPLES = SPEECH_RATE * 150 // 1000
"""Silence after the last audible sample of a sentence."""


@dataclass(frozen=True)
class VisemeSpan:
    """One mouth shape (Oculus name). start, duration: 24 kHz samples from the start of the sentence; weight: 0..1."""

    shape: str
    start: int
    duration: int
    weight: float


@dataclass(frozen=True)
class WordSpan:
    """One word as written. start, end: 24 kHz samples; text_start, text_end: character offsets; text is that slice."""

    text: str
    start: int
    end: int
    text_start: int
    text_end: int


@dataclass(frozen=True)
class SpeechPart:
    """A stretch of speech (s16 mono 24 kHz) with the visemes and words that start in it or before it."""

    audio: Samples
    visemes: list[VisemeSpan] = field(default_factory=list)
    words: list[WordSpan] = field(default_factory=list)
    last: bool = False


@dataclass(frozen=True)
class Mood:
    """Sentiment of the sentence: valence and arousal in -1..1."""

    valence: float = 0.0
    arousal: float = 0.0


Emit = Callable[[SpeechPart], bool]
"""Takes the next part; answers False when the listener has gone and synthesis should stop."""


class SpeechEngine(Protocol):
    """Text to speech. One instance serves all sessions and may be called from several threads."""

    name: str

    def voices(self) -> list[str]:
        """Voices a persona may name."""
        ...

    def prepare(self, voice: Mapping[str, Any]) -> None:
        """Loads what the voice needs, so that its first sentence is quick. Raises as synthesize does."""
        ...

    def synthesize(self, text: str, voice: Mapping[str, Any], mood: Mood, emit: Emit) -> None:
        """Speaks `text` (plain words, no markup), handing over parts as they are made.

        voice: the persona's table `[voice.<engine name>]`. The last part has `last` set, unless emit answered False.
        The visemes of all parts cover the audio from 0 to its end without gaps. Raises Broken for a bad voice table.
        """
        ...

    def pronounce(self, words: Sequence[str], language: str) -> list[list[str]]:
        """ARPAbet without stress for each word (empty when a word cannot be spoken). language: BCP 47.

        Raises NotFound for a language that is not installed.
        """
        ...
