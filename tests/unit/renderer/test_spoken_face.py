"""Faces that come with the speech: where their frames lie, and how the face passes from visemes to them and back."""

from __future__ import annotations

import numpy as np
import pytest

from flashback.errors import InvalidInput
from flashback.media.blendshapes import ARKIT_52_ALPHABETICAL, index
from flashback.media.clock import FrameClock
from flashback.v1 import renderer_pb2
from services.renderer import wire
from services.renderer.motion.spoken_face import Handover, Track, Tracks
from services.renderer.speech import Mark, Part
from services.renderer.stage import Stage, Take

N = 960
FPS = 30
JAW, SMILE, BLINK, BROW = (index(n) for n in ("jawOpen", "mouthSmileLeft", "eyeBlinkLeft", "browInnerUp"))


def track(values: list[float], *, first: int = 0, sentence: int = 0, generation: int = 0, **more) -> Track:
    rows = np.zeros((len(values), 52), np.float32)
    rows[:, JAW] = values
    rows[:, BLINK] = more.pop("blink", 0.0)
    return Track((more.pop("turn", "a"), sentence), generation, FPS, first, rows, **more)


def said(seconds: float, *, shape: str = "sil", sentence: int = 0, generation: int = 0, last: bool = True) -> Part:
    n = int(seconds * 24_000)
    marks = (Mark(shape, 0, n, 1.0),)
    return Part("a", generation, sentence, np.full(n, 3000, np.int16), marks, last_of_sentence=True, last_of_turn=last)


def stage() -> Stage:
    return Stage(FrameClock(), seed=1)


def run(s: Stage, frames: int) -> list[Take]:
    return [s.next_frame() for _ in range(frames)]


def jaw(takes: list[Take]) -> np.ndarray:
    return np.array([t.pose.weights[JAW] for t in takes])


def test_between_frames_the_face_is_between_them() -> None:
    tracks = Tracks()
    tracks.add(track([0.0, 0.3, 0.6]))
    tracks.place(("a", 0), 2.0, 0)
    found = [tracks.at(2.0 + at / FPS) for at in (0.0, 0.5, 1.0, 1.5)]
    assert [f.row[JAW] for f in found if f] == pytest.approx([0.0, 0.15, 0.3, 0.45], abs=1e-5)


def test_no_face_before_its_sentence_beyond_its_frames_or_in_a_hole() -> None:
    tracks = Tracks()
    tracks.add(track([0.5] * 3))
    tracks.add(track([0.5] * 3, first=6))
    assert tracks.at(1.0) is None
    tracks.place(("a", 0), 2.0, 0)
    seen = [tracks.at(2.0 + (k + 0.5) / FPS) is not None for k in (-1, 0, 2, 3, 5, 6, 8, 9)]
    assert seen == [False, True, True, False, False, True, True, False]


def test_audio_that_comes_late_takes_the_rest_of_its_face_with_it() -> None:
    tracks = Tracks()
    tracks.add(track([0.1 * k for k in range(10)]))
    tracks.place(("a", 0), 0.0, 0)
    tracks.at(0.1)
    tracks.place(("a", 0), 1.0, 0)
    late = tracks.at(1.0 + 5 / FPS)
    assert late is not None
    assert late.row[JAW] == pytest.approx(0.5, abs=1e-5)


def test_frames_that_come_for_a_sentence_gone_by_change_nothing() -> None:
    tracks = Tracks()
    tracks.place(("a", 0), 0.0, 0)
    tracks.place(("a", 1), 1.0, 0)
    tracks.add(track([0.2] * 30, sentence=1))
    assert tracks.at(1.1) is not None
    tracks.add(track([0.9] * 60))
    now = tracks.at(1.2)
    assert now is not None
    assert now.row[JAW] == pytest.approx(0.2)


def test_a_hand_over_leaves_from_what_was_shown_and_is_done_in_time() -> None:
    handover = Handover(3)
    one, other = np.zeros(52, np.float32), np.ones(52, np.float32)
    assert handover.pass_on(one, "a")[0] == 0
    steps = [float(handover.pass_on(other, "b")[0]) for _ in range(4)]
    assert steps == pytest.approx([1 - 4 / 9, 1 - 1 / 9, 1.0, 1.0])
    assert handover.pass_on(one, "a")[0] == pytest.approx(4 / 9)


def test_the_mouth_follows_the_frames_and_not_the_visemes() -> None:
    s = stage()
    wave = [0.3 + 0.2 * np.sin(k / 3) for k in range(60)]
    s.follow(track(wave))
    s.say(said(1.6))
    shown = jaw(run(s, 38))[4:]
    times = (np.arange(4, 38) + 0.5) / 25 + 0.02
    assert shown == pytest.approx(np.interp(times, np.arange(60) / FPS, wave), abs=1e-4)


def test_frames_may_come_after_their_audio_began() -> None:
    s = stage()
    s.say(said(2.0))
    assert jaw(run(s, 10)).max() < 0.05
    s.follow(track([0.4] * 60))
    takes = run(s, 30)
    assert jaw(takes)[3:] == pytest.approx(np.full(27, 0.4), abs=1e-5)
    assert np.abs(np.diff(jaw(takes))).max() < 0.25, "the hand-over was a jump"


def test_visemes_take_over_where_frames_are_missing_without_a_jump() -> None:
    s = stage()
    s.follow(track([0.0] * 30))
    s.say(said(2.4, shape="aa"))
    shown = jaw(run(s, 60))
    assert shown[5:22].max() < 0.01
    assert shown[29:40].min() > 0.2
    assert np.abs(np.diff(shown[4:40])).max() < 0.2


def test_a_cut_brings_the_driven_mouth_to_rest_within_three_frames() -> None:
    s = stage()
    s.follow(track([0.5] * 60))
    s.say(said(2.0, shape="aa"))
    before = jaw(run(s, 20))[-1]
    s.cancel(1)
    after = jaw(run(s, 6))
    assert before == pytest.approx(0.5, abs=1e-5)
    assert np.all(np.diff(np.concatenate([[before], after[:3]])) <= 1e-6)
    assert after[2:].max() < 0.02
    s.follow(track([0.5] * 60))
    assert jaw(run(s, 5)).max() < 0.02


def test_blinks_of_the_frames_take_the_place_of_the_renderers_own() -> None:
    def lids(blinks: bool) -> np.ndarray:
        s = stage()
        s.follow(track([0.1] * 600, blink=0.7, blinks=blinks))
        s.say(said(19.0))
        return np.array([t.pose.weights[BLINK] for t in run(s, 450)])[5:]

    assert lids(True) == pytest.approx(np.full(445, 0.7), abs=1e-5)
    own = lids(False)
    assert own.min() == 0.0
    assert own.max() > 0.9


def test_the_persona_keeps_its_bearing_and_its_gaze_while_driven() -> None:
    s = stage()
    s.follow(track([0.1] * 120, blinks=True))
    s.say(said(3.5))
    takes = run(s, 80)
    assert takes[60].pose.weights[SMILE] > 0.01
    looks = np.array([[t.pose.weights[index(n)] for n in ("eyeLookOutLeft", "eyeLookInLeft")] for t in takes])
    assert looks.max() > 0.02


def test_brows_follow_the_frames_and_keep_the_emphasis_where_these_are_still() -> None:
    def highest(brow: float) -> float:
        s = stage()
        rows = np.zeros((600, 52), np.float32)
        rows[:, BROW] = brow
        s.follow(Track(("a", 0), 0, FPS, 0, rows))
        marks = tuple(Mark("aa" if k % 2 else "DD", k * 4800, 4800, 1.0) for k in range(95))
        s.say(Part("a", 0, 0, np.full(19 * 24_000, 3000, np.int16), marks, last_of_sentence=True, last_of_turn=True))
        return float(max(t.pose.weights[BROW] for t in run(s, 450)))

    assert 0.15 < highest(0.0) < 0.6
    assert highest(0.5) == pytest.approx(0.53, abs=0.02)


def message(**face) -> renderer_pb2.SpeechPart:
    return renderer_pb2.SpeechPart(turn_id="a", sentence=2, generation=3, face=renderer_pb2.FaceTrack(**face))


def test_the_wire_is_alphabetical_and_clipped() -> None:
    row = [0.0] * 52
    row[ARKIT_52_ALPHABETICAL.index("jawOpen")] = 0.4
    row[ARKIT_52_ALPHABETICAL.index("browInnerUp")] = 1.7
    part = message(fps=30, first_frame=9, blendshapes=row * 2, blinks=True)
    found = wire.track_of(part)
    assert wire.only_face(part)
    assert (found.key, found.generation, found.fps, found.first, found.blinks) == (("a", 2), 3, 30, 9, True)
    assert found.rows.shape == (2, 52)
    assert found.rows[1, JAW] == pytest.approx(0.4)
    assert found.rows[0, BROW] == 1.0


@pytest.mark.parametrize(
    "face",
    [
        {"fps": 0, "blendshapes": [0.0] * 52},
        {"fps": 121, "blendshapes": [0.0] * 52},
        {"fps": 30, "blendshapes": [0.0] * 51},
        {"fps": 30, "blendshapes": [float("nan")] * 52},
    ],
)
def test_frames_that_are_none_are_refused(face: dict) -> None:
    with pytest.raises(InvalidInput):
        wire.track_of(message(**face))


def test_a_part_with_speech_is_more_than_a_face() -> None:
    part = message(fps=30, blendshapes=[0.0] * 52)
    part.audio = bytes(4)
    assert not wire.only_face(part)
    assert not wire.only_face(renderer_pb2.SpeechPart(last_of_turn=True))
