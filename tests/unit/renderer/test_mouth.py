"""Visemes -> mouth shapes: closures reached, rounding anticipated, changes of plan without jumps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.renderer.motion.mouth import Mouth, Said
from services.renderer.motion.visemes import COUNT, JAW, NAMES, SHAPES, TARGETS

FRAME = 1 / 25
PRESS, ROLL_LOWER, UPPER, PUCKER, TONGUE = (
    NAMES.index(n) for n in ("press", "roll_lower", "upper", "pucker", "tongue")
)


def track(*spans: tuple[str, float], start: float = 0.0) -> list[Said]:
    said, at = [], start
    for shape, ms in spans:
        said.append(Said(shape, at, at + ms / 1000, 1.0))
        at += ms / 1000
    return said


def play(said: list[Said], seconds: float, offset: float = 0.0) -> np.ndarray:
    mouth = Mouth(FRAME)
    mouth.say(said)
    return np.stack([mouth.shape(offset + (i + 0.5) * FRAME, 0.6) for i in range(round(seconds / FRAME))])


@settings(max_examples=60, deadline=None)
@given(
    before=st.sampled_from(["aa", "E", "O", "U", "I"]),
    after=st.sampled_from(["aa", "E", "O", "U", "I"]),
    shape=st.sampled_from(["PP", "FF"]),
    length=st.integers(35, 120),
    phase=st.floats(0, FRAME, exclude_max=True),
)
def test_a_frame_shows_every_closure_in_full(before: str, after: str, shape: str, length: int, phase: float) -> None:
    shapes = play(track((before, 150), (shape, length), (after, 150)), 0.5, offset=phase - FRAME)
    target = TARGETS[shape].values
    full = [NAMES.index(n) for n in SHAPES[shape]]
    assert np.abs(shapes[:, full] - target[full]).max(1).min() < 1e-9
    assert np.abs(shapes[:, full] - target[full]).max(1).max() > 0.1, "and the vowels around it are open"


def test_rounding_begins_before_the_vowel_and_survives_a_consonant() -> None:
    shapes = play(track(("sil", 200), ("SS", 100), ("DD", 60), ("U", 160), ("sil", 200)), 0.7)
    vowel = round(0.36 / FRAME)
    assert shapes[vowel - 2, PUCKER] > 0.12
    assert shapes[vowel + 2, PUCKER] > 0.5
    assert shapes[1, PUCKER] < 0.06


def test_blue_stays_pursed_through_its_b() -> None:
    shapes = play(track(("U", 120), ("PP", 60), ("nn", 60), ("U", 150)), 0.4)
    closed = int(np.argmin(shapes[2:, JAW])) + 2
    assert shapes[closed, PRESS] > 0.17
    assert shapes[closed, PUCKER] > 0.2


def test_f_tucks_the_lower_lip_and_th_shows_the_tongue() -> None:
    f = play(track(("aa", 120), ("FF", 80), ("aa", 120)), 0.32)
    assert f[:, ROLL_LOWER].max() == pytest.approx(SHAPES["FF"]["roll_lower"])
    assert f[np.argmax(f[:, ROLL_LOWER]), UPPER] > 0.3
    th = play(track(("aa", 120), ("TH", 90), ("aa", 120)), 0.32)
    assert th[:, TONGUE].max() > 0.25
    assert th[0, TONGUE] < 0.05


def test_jaw_stays_in_the_range_of_speech_and_silence_is_shut() -> None:
    said = track(*[(s, 90) for s in ("kk", "aa", "nn", "E", "SS", "O", "DD", "I", "RR", "aa", "CH", "U")], ("sil", 400))
    shapes = play(said, 1.48)
    assert 0.05 < shapes[:27, JAW].mean() < 0.25
    assert shapes[:27, JAW].max() <= 0.36
    assert np.abs(shapes[-3:]).max() < 0.01


def test_loud_opens_the_jaw_a_little_more_than_soft() -> None:
    loud, soft = Mouth(FRAME), Mouth(FRAME)
    for mouth in (loud, soft):
        mouth.say(track(("aa", 300)))
    assert 1.1 < loud.shape(0.15, 1.0)[JAW] / soft.shape(0.15, 0.0)[JAW] < 1.4


def test_hush_closes_within_three_frames_without_a_jump() -> None:
    mouth = Mouth(FRAME)
    mouth.say(track(("aa", 2000)))
    before = [mouth.shape((i + 0.5) * FRAME, 0.6) for i in range(6)][-1]
    mouth.hush()
    after = [mouth.shape((i + 0.5) * FRAME, 0.0) for i in range(6, 10)]
    assert 0.2 < after[0][JAW] / before[JAW] < 0.8
    assert after[0][JAW] > after[1][JAW] > after[2][JAW]
    assert np.abs(after[2]).max() < 1e-9
    assert np.abs(after[3]).max() < 1e-9


def test_visemes_that_come_late_do_not_make_the_mouth_jump() -> None:
    whole = track(("E", 120), ("nn", 80), ("aa", 200), ("O", 200))
    mouth = Mouth(FRAME)
    mouth.say(whole[:2])
    shapes = []
    for i in range(15):
        if i == 5:
            mouth.say(whole[2:])
        shapes.append(mouth.shape((i + 0.5) * FRAME, 0.6))
    jaw = np.array(shapes)[:, JAW]
    assert np.abs(np.diff(jaw)).max() < 0.16
    assert jaw[7:9].max() > 0.25, "and it gets where it should"


def test_delay_moves_what_is_still_to_come() -> None:
    mouth = Mouth(FRAME)
    mouth.say(track(("E", 100), ("PP", 80), ("aa", 200)))
    mouth.delay(0.1, 0.4)
    shapes = np.stack([mouth.shape((i + 0.5) * FRAME, 0.6) for i in range(20)])
    pressed = np.flatnonzero(shapes[:, PRESS] > 0.17)
    assert pressed.size
    assert all(0.46 < (p + 0.5) * FRAME < 0.64 for p in pressed)


def test_an_unknown_shape_is_silence() -> None:
    mouth = Mouth(FRAME)
    mouth.say([Said("XX", 0.0, 0.3, 1.0)])
    assert np.array_equal(mouth.shape(0.15, 1.0), np.zeros(COUNT))
