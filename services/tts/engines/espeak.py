"""eSpeak NG: formant synthesis, hundreds of times faster than real time, with phoneme and word events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flashback.errors import Broken, NotFound
from services.tts.assembler import Event, SpeechAssembler
from services.tts.engine import Emit, Mood
from services.tts.engines.espeak_library import PITCH, RANGE, RATE, WORD_GAP, EspeakLibrary, library
from services.tts.phonemes import arpabet

TARGET_DBFS = -20.0
"""Level of speech (RMS of what is louder than silence) before compression."""
_CALIBRATION = "The quick brown fox jumps over the lazy dog, while many voices answer a long and winding question."
_PRONOUNCE_BATCH = 100


@dataclass(frozen=True)
class EspeakVoice:
    """A persona's `[voice.espeak]`. rate: words a minute; pitch: 0..99; range: 0..100; gap: between words, 10 ms."""

    identifier: str
    rate: int = 165
    pitch: int = 50
    range: int = 55
    gap: int = 0


class EspeakEngine:
    """SpeechEngine over the process's libespeak-ng; sentences take turns (a few milliseconds each)."""

    name = "espeak"

    def __init__(self, espeak: EspeakLibrary) -> None:
        self._espeak = espeak
        self._gains: dict[EspeakVoice, float] = {}

    def voices(self) -> list[str]:
        """Language tags; any may be combined with a variant."""
        return sorted(self._espeak.languages)

    def prepare(self, voice: Mapping[str, Any]) -> None:
        """Checks the voice, measures its level and designs the filters (0.2 s, once). Raises Broken."""
        self.synthesize("Ready.", voice, Mood(), lambda part: True)

    def synthesize(self, text: str, voice: Mapping[str, Any], mood: Mood, emit: Emit) -> None:
        """See SpeechEngine. Raises Broken when the voice table names an unknown voice, variant or value."""
        chosen = self._voice(voice)
        with self._espeak.lock:
            gain = self._gain(chosen)
            self._select(chosen, mood)
            assembler = SpeechAssembler(text, self._espeak.rate, gain)
            listening = True

            def sink(pcm: NDArray[np.int16], events: list[Event]) -> bool:
                nonlocal listening
                part = assembler.feed(pcm, events)
                listening = listening and (part is None or emit(part))
                return listening

            self._espeak.speak(text, sink)
            if listening:
                emit(assembler.finish())

    def pronounce(self, words: Sequence[str], language: str) -> list[list[str]]:
        """See SpeechEngine. The lock is given up between batches, so that speech does not wait for a dictionary."""
        identifier = self._identifier(language)
        if identifier is None:
            raise NotFound(f"eSpeak NG has no voice for the language {language!r}.")
        found: list[list[str]] = []
        for first in range(0, len(words), _PRONOUNCE_BATCH):
            with self._espeak.lock:
                self._espeak.set_voice(identifier)
                found += [arpabet(self._espeak.phonemes(w)) for w in words[first : first + _PRONOUNCE_BATCH]]
        return found

    def _identifier(self, language: str) -> str | None:
        """The voice of a language tag, else of its primary language."""
        tag = language.strip().lower().replace("_", "-") or "en-us"
        return self._espeak.languages.get(tag) or self._espeak.languages.get(tag.split("-")[0])

    def _voice(self, table: Mapping[str, Any]) -> EspeakVoice:
        language = str(table.get("voice", "en-us"))
        identifier = self._espeak.languages.get(language.lower())
        if identifier is None:
            raise Broken(f"eSpeak NG has no voice {language!r}; `voice` in [voice.espeak] is a tag such as en-us.")
        variant = str(table.get("variant", ""))
        if variant and variant not in self._espeak.variants:
            known = ", ".join(self._espeak.variants)
            raise Broken(f"eSpeak NG has no voice variant {variant!r}; there are: {known}.")
        return EspeakVoice(
            f"{identifier}+{variant}" if variant else identifier,
            _number(table, "rate", 165, 80, 450),
            _number(table, "pitch", 50, 0, 99),
            _number(table, "range", 55, 0, 100),
            _number(table, "gap", 0, 0, 50),
        )

    def _select(self, voice: EspeakVoice, mood: Mood) -> None:
        """Sets voice and manner: lively speech is a little quicker, higher and wider, as emotional speech is."""
        if not self._espeak.set_voice(voice.identifier):
            raise Broken(f"eSpeak NG cannot load the voice {voice.identifier!r}.")
        lively = float(np.clip(mood.arousal, -1, 1))
        bright = float(np.clip(mood.valence, -1, 1))
        self._espeak.set_parameter(RATE, round(voice.rate * (1 + 0.05 * lively)))
        self._espeak.set_parameter(PITCH, int(np.clip(voice.pitch + 3 * lively + 2 * bright, 0, 99)))
        self._espeak.set_parameter(RANGE, int(np.clip(voice.range + 8 * lively, 0, 100)))
        self._espeak.set_parameter(WORD_GAP, voice.gap)

    def _gain(self, voice: EspeakVoice) -> float:
        """Factor that brings the voice's speech to TARGET_DBFS; measured once."""
        if voice not in self._gains:
            self._select(voice, Mood())
            heard: list[NDArray[np.int16]] = []

            def listen(pcm: NDArray[np.int16], events: list[Event]) -> bool:
                heard.append(pcm)
                return True

            self._espeak.speak(_CALIBRATION, listen)
            self._gains[voice] = 10 ** (TARGET_DBFS / 20) / speech_level(np.concatenate(heard) / 32768)
        return self._gains[voice]


def speech_level(samples: NDArray[np.float64], block: int = 512) -> float:
    """RMS (0..1) of the blocks within 30 dB of the loudest; 1 for silence."""
    whole = samples[: len(samples) // block * block].reshape(-1, block)
    power = np.mean(whole * whole, axis=1)
    if not len(power) or power.max() <= 0:
        return 1.0
    return float(np.sqrt(power[power > power.max() * 1e-3].mean()))


def _number(table: Mapping[str, Any], key: str, default: int, low: int, high: int) -> int:
    value = table.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise Broken(f"`{key}` in [voice.espeak] must be a number from {low} to {high}.")
    return round(value)


def create() -> EspeakEngine:
    """Entry point. Raises MissingEngine when the library or its data cannot be loaded."""
    return EspeakEngine(library())
