"""Every installed EmoTalk engine passes these. A prediction is small: seconds of noise in syllables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from flashback import engines
from flashback.errors import MissingEngine
from flashback.media.blendshapes import LAYOUTS
from services.emotalk.engine import (
    CHANNELS,
    LAYOUT,
    LEVELS,
    MIN_SAMPLES,
    PERSONS,
    RATE,
    Engine,
    Samples,
    Utterance,
    Weights,
    frame_count,
)
from services.emotalk.settings import EmoTalkSettings

LONGEST_S = 25.0
"""No longer utterance is predicted here, whatever an engine could do: networks are slow."""
TOLERANCE = 1e-4


def tiny_emotalk(folder: Path) -> EmoTalkSettings:
    """The `emotalk` engine with a thin network of random weights, written to `folder`."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    from tests.parity.emotalk import tiny

    file = folder / "EmoTalk.pth"
    torch.save(tiny.state(), file)
    return EmoTalkSettings(engine="emotalk", model_path=file, device="cpu")


SETTINGS: dict[str, Callable[[Path], EmoTalkSettings]] = {"emotalk": tiny_emotalk}
"""By engine: how it can be made ready in an empty folder. Others are created from the settings as they are."""


@pytest.fixture(scope="module", params=engines.available("emotalk"))
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    name: str = request.param
    ready = SETTINGS.get(name, lambda folder: EmoTalkSettings(engine=name))
    try:
        made: Engine = engines.load("emotalk", name)(ready(tmp_path_factory.mktemp(name)))
    except MissingEngine as error:
        pytest.skip(error.message)
    yield made
    made.close()


def syllables(seconds: float, seed: int = 0) -> Samples:
    """Noise that swells and falls four times a second, -20 dBFS."""
    n = round(seconds * RATE)
    swell = 0.5 - 0.5 * np.cos(2 * np.pi * 4 * np.arange(n) / RATE)
    return (0.15 * swell * np.random.default_rng(seed).standard_normal(n)).astype(np.float32)


def face(engine: Engine, samples: Samples, level: int = 1, person: int = 0) -> Weights:
    (weights,) = engine.predict([Utterance(samples, level, person)])
    return weights


def test_says_what_it_is(engine: Engine) -> None:
    info = engine.info
    assert info.name in engines.available("emotalk")
    assert info.device
    assert info.max_batch >= 1
    assert info.max_seconds >= 25.5, "chunks of the compatible call must fit"
    assert info.context_s >= 0
    assert 0 <= info.lookahead_s <= 0.5
    assert len(LAYOUTS[LAYOUT]) == CHANNELS


@pytest.mark.parametrize("samples", [MIN_SAMPLES, 401, 533, 534, 8000, 132_800, 16_000 * 3 + 7])
def test_one_row_a_frame(engine: Engine, samples: int) -> None:
    weights = face(engine, syllables(samples / RATE))
    assert weights.shape == (frame_count(samples), CHANNELS)
    assert weights.dtype == np.float32
    assert np.isfinite(weights).all()


def test_a_long_utterance(engine: Engine) -> None:
    seconds = min(engine.info.max_seconds, LONGEST_S)
    weights = face(engine, syllables(seconds))
    assert weights.shape == (frame_count(round(seconds * RATE)), CHANNELS)
    assert np.isfinite(weights).all()


@pytest.mark.parametrize("value", [0.0, 0.25])
def test_silence_and_a_constant_are_finite(engine: Engine, value: float) -> None:
    assert np.isfinite(face(engine, np.full(RATE, value, np.float32))).all()


def test_full_scale_noise_is_finite(engine: Engine) -> None:
    noise = np.random.default_rng(3).uniform(-1, 1, RATE).astype(np.float32)
    assert np.isfinite(face(engine, noise)).all()


def test_the_same_speech_gives_the_same_face(engine: Engine) -> None:
    speech = syllables(1.5)
    assert np.array_equal(face(engine, speech), face(engine, speech))


def test_different_speech_gives_different_faces(engine: Engine) -> None:
    loud, quiet = syllables(1.5), np.zeros(round(1.5 * RATE), np.float32)
    assert np.abs(face(engine, loud) - face(engine, quiet)).max() > 1e-3


def test_the_samples_given_are_left_alone(engine: Engine) -> None:
    speech = syllables(0.8)
    before = speech.copy()
    face(engine, speech)
    assert np.array_equal(speech, before)


def test_neighbours_in_a_batch_do_not_matter(engine: Engine) -> None:
    lengths = (0.025, 1.0, 2.3, 0.5)
    utterances = [Utterance(syllables(s, seed), seed % LEVELS, 5 * seed) for seed, s in enumerate(lengths)]
    together = engine.predict(utterances)
    assert [len(w) for w in together] == [frame_count(len(u.samples)) for u in utterances]
    for utterance, weights in zip(utterances, together, strict=True):
        (alone,) = engine.predict([utterance])
        assert np.abs(weights - alone).max() <= TOLERANCE
    backwards = engine.predict(utterances[::-1])[::-1]
    for one, other in zip(together, backwards, strict=True):
        assert np.abs(one - other).max() <= TOLERANCE


def test_a_batch_may_be_larger_than_the_engine_likes(engine: Engine) -> None:
    count = engine.info.max_batch + 1
    speech = syllables(0.3)
    faces = engine.predict([Utterance(speech)] * count)
    assert len(faces) == count
    assert all(np.abs(f - faces[0]).max() <= TOLERANCE for f in faces)


def test_level_and_person_matter(engine: Engine) -> None:
    speech = syllables(2.0)
    calm, driven = (face(engine, speech, level) for level in range(LEVELS))
    assert np.abs(calm - driven).max() > 1e-4
    persons = [face(engine, speech, person=p) for p in (0, 1, PERSONS - 1)]
    assert all(np.isfinite(p).all() for p in persons)
    assert np.abs(persons[0] - persons[1]).max() > 1e-4
    assert np.abs(persons[1] - persons[2]).max() > 1e-4


def test_several_threads_at_once(engine: Engine) -> None:
    utterances = [Utterance(syllables(0.4 + 0.1 * n, n), n % LEVELS, n) for n in range(8)]
    expected = [engine.predict([u])[0] for u in utterances]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda u: engine.predict([u])[0], utterances * 3))
    for number, weights in enumerate(found):
        assert np.abs(weights - expected[number % 8]).max() <= TOLERANCE
