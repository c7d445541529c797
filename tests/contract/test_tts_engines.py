"""Every installed speech engine passes these."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from flashback import engines
from flashback.errors import Broken, MissingEngine, NotFound
from services.tts.engine import Mood, SpeechEngine, SpeechPart
from tests.reference.cmu_phones import CMU

OCULUS = {"sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "I", "O", "U"}
SENTENCES = [
    "Hello, I am Iris.",
    "In 1984, version 3.5 cost $20 (about 1,250 words) — really?",
    "One of the things, in the end, that is for the best of them. And another!",
    "The café’s naïve “quote” isn't e.g. here; WebRTC & co work.",
    "Hello <b>you</b> [[h@loU]] <break time='9s'/> there",
    "a" * 300,
    "-- first of the",
]


@pytest.fixture(scope="module", params=engines.available("tts"))
def engine(request: pytest.FixtureRequest) -> SpeechEngine:
    try:
        return engines.load("tts", request.param)()  # type: ignore[no-any-return]
    except MissingEngine as error:
        pytest.skip(error.message)


def speak(engine: SpeechEngine, text: str, emit: Callable[[SpeechPart], bool] | None = None) -> list[SpeechPart]:
    parts: list[SpeechPart] = []

    def keep(part: SpeechPart) -> bool:
        parts.append(part)
        return emit is None or emit(part)

    engine.synthesize(text, {}, Mood(), keep)
    return parts


@pytest.mark.parametrize("text", SENTENCES)
def test_visemes_cover_the_audio_and_words_cover_the_text(engine: SpeechEngine, text: str) -> None:
    parts = speak(engine, text)
    audio = np.concatenate([p.audio for p in parts])
    assert audio.dtype == np.int16
    at = 0
    for viseme in (v for p in parts for v in p.visemes):
        assert viseme.start == at
        assert viseme.duration > 0
        assert viseme.shape in OCULUS
        assert 0 <= viseme.weight <= 1
        at += viseme.duration
    assert at == len(audio)
    words = [w for p in parts for w in p.words]
    assert all(text[w.text_start : w.text_end] == w.text for w in words)
    assert "".join(w.text for w in words).replace(" ", "") == text.replace(" ", "")
    assert all(0 <= w.start <= w.end <= len(audio) for w in words)
    assert all(a.end <= b.start for a, b in zip(words, words[1:], strict=False))
    assert [p.last for p in parts] == [False] * (len(parts) - 1) + [True]


@pytest.mark.parametrize("text", SENTENCES)
def test_nothing_comes_later_than_its_audio(engine: SpeechEngine, text: str) -> None:
    begun = 0
    for part in speak(engine, text):
        assert all(v.start >= begun for v in part.visemes)
        assert all(w.start >= begun for w in part.words)
        begun += len(part.audio)


def test_speech_starts_at_once_and_ends_in_a_short_silence(engine: SpeechEngine) -> None:
    audio = np.concatenate([p.audio for p in speak(engine, "Tea please.")]).astype(float) / 32768
    loud = np.flatnonzero(np.abs(audio) > 0.01)
    assert loud[0] <= 240
    assert 2400 <= len(audio) - loud[-1] <= 7200


def test_loudness_and_peak(engine: SpeechEngine) -> None:
    audio = np.concatenate([p.audio for p in speak(engine, SENTENCES[1])]).astype(float) / 32768
    assert np.abs(audio).max() <= 10 ** (-3 / 20) + 1e-4
    assert -24 < 20 * np.log10(audio.std()) < -18


def test_streams_in_parts(engine: SpeechEngine) -> None:
    assert len(speak(engine, SENTENCES[2])) > 3


def test_stops_when_nobody_listens_and_speaks_again(engine: SpeechEngine) -> None:
    parts = speak(engine, "This sentence goes on. " * 100, emit=lambda part: False)
    assert len(parts) == 1
    assert not parts[0].last
    assert speak(engine, "Still here.")[-1].last


def test_text_without_words_is_a_short_silence(engine: SpeechEngine) -> None:
    parts = speak(engine, "...")
    assert parts[-1].last
    assert not np.concatenate([p.audio for p in parts]).any()
    assert {v.shape for p in parts for v in p.visemes} == {"sil"}


def test_markup_is_not_obeyed(engine: SpeechEngine) -> None:
    plain = sum(len(p.audio) for p in speak(engine, "Hello there."))
    marked = sum(len(p.audio) for p in speak(engine, "Hello <break time='9s'/> there."))
    assert marked < plain + 24_000 * 6


def test_same_text_same_speech(engine: SpeechEngine) -> None:
    first, second = (np.concatenate([p.audio for p in speak(engine, SENTENCES[0])]) for _ in range(2))
    assert abs(len(first) - len(second)) < 240


def test_pronounces(engine: SpeechEngine) -> None:
    words = ["hello", "blendshape", "measure", "WebRTC", "2024", "..."]
    found = engine.pronounce(words, "en-US")
    assert found[0] == ["HH", "AH", "L", "OW"]
    assert found[2] == ["M", "EH", "ZH", "ER"]
    assert found[-1] == []
    assert all(phones and set(phones) <= CMU for phones in found[:-1])


def test_unknown_language(engine: SpeechEngine) -> None:
    with pytest.raises(NotFound):
        engine.pronounce(["hello"], "xx-XX")


@pytest.mark.parametrize("table", [{"voice": "nosuch"}, {"variant": "nosuch"}, {"rate": "fast"}, {"pitch": 1000}])
def test_bad_voice(engine: SpeechEngine, table: dict[str, Any]) -> None:
    if engine.name != "espeak":
        pytest.skip("voice tables belong to an engine")
    with pytest.raises(Broken):
        engine.synthesize("Hello.", table, Mood(), lambda part: True)
