"""Joins an engine's raw PCM and its phoneme and word events into SpeechParts on the 24 kHz clock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flashback.media.clock import SPEECH_RATE
from services.tts.dynamics import Compressor
from services.tts.engine import TAIL_SAMPLES, SpeechPart, VisemeSpan, WordSpan
from services.tts.resample import Resampler, gentle_tone
from services.tts.visemes import VisemeTrack
from services.tts.words import WordTrack

AUDIBLE = 100
"""Raw samples (of 32768) above this are heard; below, they count as silence."""
LEAD_MS = 5


@dataclass(frozen=True)
class Phoneme:
    """A phoneme (IPA, '' for a pause) begins at raw sample `sample`."""

    sample: int
    ipa: str


@dataclass(frozen=True)
class WordStart:
    """A word at character `offset` begins at raw sample `sample`."""

    sample: int
    offset: int


@dataclass(frozen=True)
class ClauseEnd:
    """A clause ends at raw sample `sample`, before character `offset`."""

    sample: int
    offset: int


Event = Phoneme | WordStart | ClauseEnd


class SpeechAssembler:
    """Streaming; one instance per sentence. Audio is held back until its word and its viseme are complete.

    rate: Hz of the raw PCM; gain: factor before compression. Silence before the first sound is cut to 5 ms, silence
    after the last one is made 150 ms.
    """

    def __init__(self, text: str, rate: int, gain: float) -> None:
        self._lead = rate * LEAD_MS // 1000
        self._resampler = Resampler(rate, SPEECH_RATE, gentle_tone)
        self._compressor = Compressor(gain)
        self._visemes = VisemeTrack()
        self._words = WordTrack(text)
        self._waiting_pcm: list[NDArray[np.int16]] = []
        self._waiting_events: list[Event] = []
        self._received = 0
        self._cut: int | None = None
        self._sound_end = 0
        self._quiet_from: int | None = None
        self._audio = np.zeros(0, np.int16)
        self._sent = 0
        self._new_visemes: list[VisemeSpan] = []
        self._new_words: list[WordSpan] = []

    def feed(self, pcm: NDArray[np.int16], events: list[Event]) -> SpeechPart | None:
        """Next raw samples and the events up to their end; answers what is complete now, if anything is."""
        self._waiting_events += events
        if self._cut is None:
            self._waiting_pcm.append(pcm)
            pcm = np.concatenate(self._waiting_pcm)
            loud = np.flatnonzero(np.abs(pcm.astype(np.int32)) > AUDIBLE)
            if not len(loud):
                return None
            self._cut = max(0, int(loud[0]) - self._lead)
            self._waiting_pcm.clear()
            pcm = pcm[self._cut :]
        self._process(pcm)
        for event in self._waiting_events:
            self._take(event)
        self._waiting_events.clear()
        word = self._words.open_from
        complete = self._visemes.open_from if word is None else min(word, self._visemes.open_from)
        until = min(complete, self._sent + len(self._audio))
        return self._part(until, last=False) if until > self._sent else None

    def finish(self) -> SpeechPart:
        """The rest, with its tail of silence."""
        for event in self._waiting_events:
            self._take(event)
        self._waiting_events.clear()
        self._keep(self._compressor.push(self._resampler.finish()))
        self._keep(self._compressor.finish())
        made = self._sent + len(self._audio)
        spoken = min(self._sound_end, made)
        end = max(spoken + TAIL_SAMPLES, self._sent)
        if made < end:
            self._audio = np.concatenate([self._audio, np.zeros(end - made, np.int16)])
        quiet = spoken if self._quiet_from is None else min(self._quiet_from, spoken)
        self._new_words += self._words.finish(quiet)
        self._new_visemes += self._visemes.finish(quiet, end)
        return self._part(end, last=True)

    def _process(self, pcm: NDArray[np.int16]) -> None:
        loud = np.flatnonzero(np.abs(pcm.astype(np.int32)) > AUDIBLE)
        if len(loud):
            self._sound_end = self._resampler.position(self._received + int(loud[-1]) + 1)
        self._received += len(pcm)
        self._keep(self._compressor.push(self._resampler.push(pcm.astype(np.float32) / np.float32(32768))))

    def _keep(self, made: NDArray[np.float32]) -> None:
        self._audio = np.concatenate([self._audio, np.round(made * 32767).astype(np.int16)])

    def _take(self, event: Event) -> None:
        sample = self._resampler.position(max(0, event.sample - (self._cut or 0)))
        quiet = sample if self._quiet_from is None else self._quiet_from
        match event:
            case Phoneme(ipa=ipa):
                self._new_visemes += self._visemes.phoneme(ipa, sample)
                if ipa:
                    self._quiet_from = None
                elif self._quiet_from is None:
                    self._quiet_from = sample
            case WordStart(offset=offset):
                self._new_words += self._words.word(offset, sample, quiet)
            case ClauseEnd(offset=offset):
                self._new_words += self._words.clause_end(offset, quiet)

    def _part(self, until: int, last: bool) -> SpeechPart:
        count = until - self._sent
        audio, self._audio = self._audio[:count], self._audio[count:]
        self._sent += len(audio)
        part = SpeechPart(audio, self._new_visemes, self._new_words, last)
        self._new_visemes, self._new_words = [], []
        return part
