"""Every installed recogniser passes these, and so does the voice activity detector."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from flashback import engines
from flashback.errors import Broken, MissingEngine
from services.ears.engine import Engine, Heard, Material, Recogniser
from services.ears.settings import EarsSettings
from services.ears.voice_activity import CHUNK_BYTES, Chunker, VoiceActivity, silero

DATA = Path(__file__).parents[1] / "data" / "ears"
TOPICS = {
    "coarticulation": "coarticulation",
    "echo-cancellation": "echo cancellation",
    "jitter-buffer": "jitter buffer",
    "uncanny-valley": "uncanny valley",
}
MATERIAL = Material(
    "tester",
    "v1",
    [
        "Coarticulation is the influence of neighbouring sounds on how a sound is made.",
        "Acoustic echo cancellation predicts the echo of the loudspeaker and subtracts it.",
        "A jitter buffer is a small store that evens out irregular packet arrival.",
        "The uncanny valley is the drop in comfort that people feel when a figure looks almost human.",
    ],
    ["Coarticulation", "How echo cancellation works", "What a jitter buffer is", "The uncanny valley"],
)
SPOKEN_WORDS = {"jitter": ["JH", "IH", "T", "ER"], "subtracts": ["S", "AH", "B", "T", "R", "AE", "K", "T", "S"]}


def sound(name: str) -> bytes:
    with wave.open(str(DATA / f"{name}.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        return b"\0\0" * 4800 + file.readframes(file.getnframes()) + b"\0\0" * 3200


@pytest.fixture(scope="module", params=engines.available("ears"))
def engine(request: pytest.FixtureRequest) -> Engine:
    try:
        created: Engine = engines.load("ears", request.param)(EarsSettings())
    except MissingEngine as missing:
        pytest.skip(missing.message)
    return created


@pytest.fixture(scope="module")
def folder(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path | None:
    if not engine.needs_material:
        return None
    made: Path = tmp_path_factory.mktemp("speech")
    unknown = engine.unknown_words(MATERIAL)
    assert {word.lower() for word in unknown} >= SPOKEN_WORDS.keys()
    engine.build(MATERIAL, {word: SPOKEN_WORDS[word] for word in unknown if word in SPOKEN_WORDS}, made)
    return made


@pytest.fixture(scope="module")
def recogniser(engine: Engine, folder: Path | None) -> Recogniser:
    return engine.load(folder, "tester")


def hear(recogniser: Recogniser, audio: bytes, step: int = 1024) -> Heard:
    utterance = recogniser.open()
    try:
        for first in range(0, len(audio), step):
            utterance.feed(audio[first : first + step])
            assert isinstance(utterance.partial(), str)
        return utterance.finish()
    finally:
        utterance.close()
        utterance.close()


def test_names_itself(engine: Engine, recogniser: Recogniser) -> None:
    assert recogniser.name.startswith(engine.name)
    assert recogniser.vocabulary >= 0
    assert engine.fingerprint() == engine.fingerprint() != ""


@pytest.mark.parametrize("name", sorted(TOPICS))
def test_hears_the_topic_of_a_spoken_question(recogniser: Recogniser, name: str) -> None:
    heard = hear(recogniser, sound(name))
    assert TOPICS[name] in heard.text.lower()
    assert 0 < heard.confidence <= 1
    assert heard.text not in heard.alternatives


def test_utterances_of_two_speakers_do_not_mix(recogniser: Recogniser) -> None:
    one, two = recogniser.open(), recogniser.open()
    first, second = sound("coarticulation"), sound("jitter-buffer")
    for at in range(0, max(len(first), len(second)), 1024):
        for utterance, audio in ((one, first), (two, second)):
            if at < len(audio):
                utterance.feed(audio[at : at + 1024])
    assert TOPICS["jitter-buffer"] in two.finish().text.lower()
    assert TOPICS["coarticulation"] in one.finish().text.lower()
    one.close()
    two.close()


def test_the_second_utterance_is_heard_like_the_first(recogniser: Recogniser) -> None:
    hear(recogniser, sound("uncanny-valley"))
    assert hear(recogniser, sound("coarticulation")).text == hear(recogniser, sound("coarticulation")).text


@pytest.mark.parametrize("audio", [b"", b"\0\0", b"\0\0" * 16_000])
def test_nothing_said_is_nothing_heard(recogniser: Recogniser, audio: bytes) -> None:
    assert hear(recogniser, audio).text == ""


def test_an_utterance_may_be_dropped_half_way(recogniser: Recogniser) -> None:
    utterance = recogniser.open()
    utterance.feed(sound("jitter-buffer"))
    utterance.close()
    assert TOPICS["jitter-buffer"] in hear(recogniser, sound("jitter-buffer")).text.lower()


def test_a_damaged_model_is_named(engine: Engine, tmp_path: Path) -> None:
    if not engine.needs_material:
        pytest.skip("builds no model")
    with pytest.raises(Broken, match="tester"):
        engine.load(tmp_path, "tester")
    with pytest.raises(Broken):
        engine.load(None, "tester")


def test_whisper_says_which_setting_or_file_is_missing(tmp_path: Path) -> None:
    pytest.importorskip("faster_whisper")
    create = engines.load("ears", "faster-whisper")
    with pytest.raises(MissingEngine, match="FLASHBACK_EARS_WHISPER_DIR"):
        create(EarsSettings(whisper_dir=None))
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(MissingEngine, match=r"model\.bin"):
        create(EarsSettings(whisper_dir=tmp_path))


def probabilities(audio: bytes) -> list[float]:
    activity = VoiceActivity(silero())
    return [activity.probability(chunk) for chunk in Chunker().push(audio)]


def test_voice_is_told_from_silence_noise_and_tones() -> None:
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 800, 48_000).astype("<i2").tobytes()
    tone = (8000 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 16_000)).astype("<i2").tobytes()
    assert max(probabilities(b"\0" * CHUNK_BYTES * 50)) == 0
    assert max(probabilities(noise)) < 0.35
    assert max(probabilities(tone)) < 0.35
    voiced = probabilities(sound("uncanny-valley"))
    assert sum(p > 0.5 for p in voiced) > len(voiced) / 2
    assert voiced[5] < 0.35
