"""The face's own life: blinks, gaze, manners, emotion."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from flashback.media.blendshapes import index
from services.renderer.engine import Sway
from services.renderer.motion.face import FaceMotion
from services.renderer.motion.manners import Manner
from services.renderer.motion.mouth import Said

FPS = 25
MOUTH_SHUT = ("jawOpen", "mouthFunnel", "mouthPucker", "tongueOut", "mouthLowerDownLeft", "mouthUpperUpRight")
JUMPY = {
    index(f"eye{kind}{side}")
    for kind in ("Blink", "LookDown", "LookIn", "LookOut", "LookUp")
    for side in ("Left", "Right")
}


def live(seconds: float, manner: Manner = Manner.IDLE, seed: int = 1, face: FaceMotion | None = None, start: float = 0):
    face = face or FaceMotion(seed, FPS)
    poses = [face.pose(start + (i + 0.5) / FPS, manner, 0.0) for i in range(round(seconds * FPS))]
    return np.stack([p[0] for p in poses]), [p[1] for p in poses]


def onsets(track: NDArray[np.float32], level: float) -> NDArray[np.intp]:
    above = track > level
    return np.flatnonzero(above[1:] & ~above[:-1]) + 1


@pytest.mark.parametrize("seed", range(4))
def test_blinks_are_as_frequent_and_as_short_as_people_s(seed: int) -> None:
    weights, _ = live(600, seed=seed)
    lid = weights[:, index("eyeBlinkLeft")]
    starts = onsets(lid, 0.05)
    assert 12 <= len(starts) / 10 <= 20
    assert all(lid[s : s + 6].max() > 0.98 for s in starts), "some frame shows the eyes shut"
    lengths = [int(np.argmax(lid[s:] < 0.05)) / FPS for s in starts[:-1]]
    assert min(lengths) >= 0.08
    assert max(lengths) <= 0.32
    gaps = np.diff(starts) / FPS
    assert gaps.std() > 0.5, "not a metronome"


@pytest.mark.parametrize("manner", list(Manner))
def test_gaze_moves_every_two_to_five_seconds(manner: Manner) -> None:
    weights, _ = live(300, manner)
    right = weights[:, index("eyeLookOutLeft")] - weights[:, index("eyeLookOutRight")]
    up = weights[:, index("eyeLookUpLeft")] - weights[:, index("eyeLookDownLeft")]
    moved = np.hypot(np.diff(right), np.diff(up)) > 0.02
    moves = np.flatnonzero(moved[1:] & ~moved[:-1]) / FPS
    gaps = np.diff(moves)
    assert 1.8 <= np.median(gaps) <= 5.2
    assert np.abs(right).max() <= 0.6


@pytest.mark.parametrize("manner", [Manner.IDLE, Manner.LISTENING, Manner.THINKING])
def test_without_speech_the_mouth_is_shut(manner: Manner) -> None:
    weights, _ = live(60, manner)
    for shape in MOUTH_SHUT:
        assert weights[:, index(shape)].max() == 0.0, shape


def test_the_face_is_never_frozen_and_never_leaves_its_range() -> None:
    weights, sways = live(60)
    assert all(a != b for a, b in zip(sways, sways[1:], strict=False))
    assert weights.min() >= 0
    assert weights.max() <= 1
    assert max(abs(s.x) for s in sways) < 0.01
    assert max(abs(s.y) for s in sways) < 0.01
    assert max(abs(s.roll) for s in sways) < 0.03


def test_changes_of_manner_are_eased() -> None:
    face = FaceMotion(5, FPS)
    frames, sways = [], []
    for part, manner in enumerate([*Manner, *reversed(Manner)] * 4):
        w, s = live(0.8, manner, face=face, start=part * 0.8)
        frames.append(w)
        sways += s
    steps = np.abs(np.diff(np.concatenate(frames), axis=0))
    steady = [i for i in range(52) if i not in JUMPY and "Squint" not in _name(i) and "Wide" not in _name(i)]
    assert steps[:, steady].max() < 0.12
    assert max(abs(a.roll - b.roll) for a, b in zip(sways, sways[1:], strict=False)) < 0.012
    assert max(abs(a.y - b.y) for a, b in zip(sways, sways[1:], strict=False)) < 0.004


def _name(place: int) -> str:
    from flashback.media.blendshapes import ARKIT_52

    return ARKIT_52[place]


def mean(values: list[Sway], name: str) -> float:
    return float(np.mean([getattr(v, name) for v in values]))


def test_listening_tilts_and_nods_and_thinking_looks_away() -> None:
    idle, idle_sway = live(60, Manner.IDLE)
    listening, listening_sway = live(60, Manner.LISTENING)
    thinking, _ = live(60, Manner.THINKING)
    assert mean(listening_sway, "roll") - mean(idle_sway, "roll") > 0.006
    assert max(s.y for s in listening_sway) > max(s.y for s in idle_sway) + 0.002
    assert listening[:, index("browInnerUp")].mean() > idle[:, index("browInnerUp")].mean() + 0.05

    def averted(w: NDArray[np.float32]) -> float:
        sideways = w[:, index("eyeLookOutLeft")] + w[:, index("eyeLookOutRight")]
        return float((sideways + w[:, index("eyeLookUpLeft")]).mean())

    assert averted(listening) < averted(idle) < averted(thinking)
    assert averted(thinking) > 0.3


def test_emotion_colours_the_face_and_fades() -> None:
    faces = {}
    for name, valence, arousal in (("glad", 0.8, 0.4), ("sad", -0.8, -0.2), ("none", 0.0, 0.0)):
        face = FaceMotion(2, FPS)
        face.feel(valence, arousal)
        faces[name] = live(4, Manner.SPEAKING, face=face)[0][-1]
        face.feel(0, 0)
        after = live(4, Manner.SPEAKING, face=face, start=4)[0][-1]
        assert after[index("mouthSmileLeft")] == pytest.approx(0.04, abs=0.02)
        assert after[index("mouthFrownLeft")] < 0.01
    smile, frown, brow = index("mouthSmileLeft"), index("mouthFrownLeft"), index("browInnerUp")
    assert faces["glad"][smile] > faces["none"][smile] + 0.15
    assert faces["sad"][frown] > faces["none"][frown] + 0.1
    assert faces["sad"][brow] > faces["none"][brow] + 0.1


def test_the_same_seed_moves_the_same_and_another_does_not() -> None:
    first, second, other = live(20, seed=7)[0], live(20, seed=7)[0], live(20, seed=8)[0]
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_cutting_speech_does_not_jerk_the_head() -> None:
    face = FaceMotion(4, FPS)
    face.say([Said("aa", i * 0.2, i * 0.2 + 0.2, 1.0) for i in range(60)])
    sways: list[Sway] = []
    for i in range(200):
        if i == 100:
            face.hush()
        sways.append(face.pose((i + 0.5) / FPS, Manner.SPEAKING, 0.5)[1])
    steps = [abs(a.y - b.y) for a, b in zip(sways, sways[1:], strict=False)]
    assert max(steps[99:102]) < 0.004
    assert max(steps[:99]) > 2 * np.median(steps[110:]), "the head beats while it speaks"
