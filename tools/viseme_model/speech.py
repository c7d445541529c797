"""Speech with known mouth shapes: the documents of this repository, read by many voices of eSpeak NG."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.lip_lag import SENTENCES
from flashback import personas
from flashback.media.clock import ANALYSIS_RATE, SPEECH_RATE
from services.emotalk.engine import FPS
from services.emotalk.engines.viseme.network import VISEMES
from services.tts.engine import Mood, SpeechPart, VisemeSpan
from services.tts.engines.espeak import EspeakEngine, create
from services.tts.engines.espeak_library import library

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = ("corpus", "personas/amon/corpus", "benchmarks/corpora")
LANGUAGES = ("en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-us-nyc", "en-029")
UNHEARD = ("Andy", "Mario", "f5", "grandpa", "klatt4", "linda", "m7", "steph2")
"""Voices kept out of the fit, for the test."""
MACHINES = re.compile(r"robo|Robot|Demonic|fast|kaukovalta")
"""Voices that no throat could have."""
OWN = ("iris", "amon")
OWN_SHARE = 0.24
HELD_OUT = 60
"""Sentences kept out of the fit, besides those of the lip-lag benchmark."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Spoken:
    """samples: float64[n], 16 kHz, full scale 1; spans: mouth shapes, start and end in seconds; voice: whose."""

    samples: Floats
    spans: list[tuple[str, float, float]]
    voice: str

    def shares(self, frames: int) -> Floats:
        """float64[frames, 15]: how much of each frame's period (centred on it) each viseme takes up."""
        found = np.zeros((frames, len(VISEMES)))
        starts = (np.arange(frames) - 0.5) / FPS
        for shape, start, end in self.spans:
            overlap = np.minimum(starts + 1 / FPS, end) - np.maximum(starts, start)
            found[:, VISEMES.index(shape)] += np.maximum(overlap, 0.0) * FPS
        found[:, 0] += np.maximum(1.0 - found.sum(1), 0.0)
        return found / found.sum(1, keepdims=True)


def sentences() -> list[str]:
    """Plain sentences of the documents, shuffled alike each time; the last HELD_OUT are for the test."""
    files = [file for folder in DOCUMENTS for file in sorted((ROOT / folder).rglob("*.md"))]
    text = " \n ".join(re.sub(r"[#*`\[\]()|_>]", " ", file.read_text(encoding="utf-8")) for file in files)
    split = {" ".join(s.split()) for s in re.split(r"(?<=[.!?])\s+", text)}
    plain = sorted(s for s in split - set(SENTENCES) if 30 < len(s) < 120 and re.fullmatch(r"[A-Za-z ,.'!?;:-]+", s))
    np.random.default_rng(0).shuffle(plain)
    return plain


class Speaker:
    """Reads sentences aloud."""

    def __init__(self) -> None:
        self._engine: EspeakEngine = create()
        self.own = {name: dict(personas.load(name).voice["espeak"]) for name in OWN}
        variants = library().variants
        self._variants = [v for v in variants if v not in UNHEARD and not MACHINES.search(v)]

    def lessons(self, count: int, rng: np.random.Generator) -> Iterator[Spoken]:
        """`count` sentences in voices by chance, those of our personas more often than others."""
        texts = sentences()[:-HELD_OUT]
        for number in range(count):
            voice: dict[str, Any]
            if rng.random() < OWN_SHARE:
                voice = self.own[str(rng.choice(OWN))]
            else:
                voice = {
                    "voice": str(rng.choice(LANGUAGES)),
                    "variant": str(rng.choice(self._variants)),
                    "rate": int(rng.integers(125, 215)),
                    "pitch": int(rng.integers(25, 75)),
                    "range": int(rng.integers(30, 90)),
                }
            yield self.say(texts[number % len(texts)], voice, "lesson")

    def exam(self) -> Iterator[Spoken]:
        """Sentences nobody was taught, by our personas and by UNHEARD voices."""
        texts = sentences()[-HELD_OUT:]
        for name in OWN:
            for text in (*SENTENCES, *texts[:20]):
                yield self.say(text, self.own[name], name)
        for number, variant in enumerate(UNHEARD):
            voice = {"voice": LANGUAGES[number % 3], "variant": variant}
            for text in texts[20 + 5 * number : 25 + 5 * number]:
                yield self.say(text, voice, "unheard")

    def say(self, text: str, voice: dict[str, Any], name: str) -> Spoken:
        parts: list[SpeechPart] = []

        def keep(part: SpeechPart) -> bool:
            parts.append(part)
            return True

        self._engine.synthesize(text, voice, Mood(), keep)
        audio = np.concatenate([part.audio for part in parts]).astype(np.float64) / 32768
        visemes: list[VisemeSpan] = [v for part in parts for v in part.visemes]
        spans = [(v.shape, v.start / SPEECH_RATE, (v.start + v.duration) / SPEECH_RATE) for v in visemes]
        return Spoken(resampled(audio, round(len(audio) * ANALYSIS_RATE / SPEECH_RATE)), spans, name)


def resampled(samples: Floats, count: int) -> Floats:
    """The same stretch of sound in `count` samples, by its Fourier series; silence is added against wrapping round."""
    pad = 512
    ratio = count / len(samples)
    whole = np.pad(samples, pad)
    target = round(len(whole) * ratio)
    spectrum = np.fft.rfft(whole)
    kept = np.zeros(target // 2 + 1, complex)
    shared = min(len(kept), len(spectrum))
    kept[:shared] = spectrum[:shared]
    start = round(pad * ratio)
    return np.fft.irfft(kept, target)[start : start + count] * (target / len(whole))
