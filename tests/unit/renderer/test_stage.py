"""Speech in, frames out: positions, events, underruns, cancelling."""

from __future__ import annotations

import numpy as np
import pytest

from flashback.media.blendshapes import index
from flashback.media.clock import FrameClock
from services.renderer.motion.manners import Manner
from services.renderer.speech import FADE, Mark, Part
from services.renderer.stage import Event, SentenceStarted, SpeechCancelled, Stage, Take, TurnFinished

N = 960
JAW = index("jawOpen")


def part(samples: int, *, turn: str = "a", generation: int = 0, sentence: int = 0, value: int = 3000, **more) -> Part:
    marks = (Mark("aa", 0, samples, 1.0),) if samples else ()
    return Part(turn, generation, sentence, np.full(samples, value, np.int16), more.pop("marks", marks), **more)


def stage() -> Stage:
    return Stage(FrameClock(), seed=1)


def run(s: Stage, frames: int) -> list[Take]:
    return [s.next_frame() for _ in range(frames)]


def events(takes: list[Take]) -> list[Event]:
    return [e for t in takes for e in t.events]


def heard(takes: list[Take]) -> np.ndarray:
    return np.concatenate([t.pose.audio for t in takes])


def test_frames_follow_each_other_on_the_sample_clock() -> None:
    takes = run(stage(), 50)
    assert [t.pose.frame for t in takes] == list(range(50))
    assert [t.pose.start_sample for t in takes] == [i * N for i in range(50)]
    assert all(len(t.pose.audio) == N and not t.pose.audio.any() for t in takes)
    assert all(t.state is Manner.IDLE and not t.speech and t.turn_id == "" and not t.events for t in takes)


def test_frame_lengths_that_do_not_divide_the_rate_still_add_up() -> None:
    s = Stage(FrameClock(fps=29), seed=1)
    takes = run(s, 29)
    assert sum(len(t.pose.audio) for t in takes) == 24_000
    assert all(
        b.pose.start_sample == a.pose.start_sample + len(a.pose.audio) for a, b in zip(takes, takes[1:], strict=False)
    )


def test_a_stage_opened_anew_jumps_to_where_the_listener_is() -> None:
    s = stage()
    s.skip_to(1000 * N + 1)
    s.say(part(N, last_of_sentence=True, last_of_turn=True))
    takes = run(s, 2)
    assert [t.pose.start_sample for t in takes] == [1001 * N, 1002 * N]
    assert events(takes) == [SentenceStarted("a", 0, 1001 * N, 0), TurnFinished("a", 1002 * N)]
    s.skip_to(0)
    assert s.next_start == 1003 * N


def test_speech_starts_with_the_next_frame_and_ends_at_its_last_sample() -> None:
    s = stage()
    run(s, 3)
    assert s.say(part(2000, last_of_sentence=True, last_of_turn=True)) == []
    takes = run(s, 5)
    assert events(takes) == [SentenceStarted("a", 0, 3 * N, 0), TurnFinished("a", 3 * N + 2000)]
    assert [t.speech for t in takes] == [True, True, True, False, False]
    assert [t.turn_id for t in takes] == ["a", "a", "a", "", ""]
    assert takes[0].state is Manner.SPEAKING
    assert takes[4].state is Manner.IDLE
    assert np.array_equal(np.flatnonzero(heard(takes)), np.arange(2000))
    assert takes[1].pose.weights[JAW] > 0.2


def test_sentences_follow_each_other_without_a_gap() -> None:
    s = stage()
    s.say(part(1000, last_of_sentence=True))
    s.say(part(1500, sentence=1, value=-2000, last_of_sentence=True))
    s.say(part(0, sentence=1, last_of_turn=True))
    takes = run(s, 4)
    assert events(takes) == [SentenceStarted("a", 0, 0, 0), SentenceStarted("a", 1, 1000, 0), TurnFinished("a", 2500)]
    audio = heard(takes)
    assert (audio[:1000] == 3000).all()
    assert (audio[1000:2500] == -2000).all()
    assert not audio[2500:].any()


def test_a_sentence_in_pieces_sounds_like_one() -> None:
    whole = np.random.default_rng(0).integers(-9000, 9000, 5000).astype(np.int16)
    s = stage()
    for at in range(0, 5000, 700):
        s.say(Part("a", 0, 0, whole[at : at + 700], last_of_sentence=at >= 4900))
    takes = run(s, 6)
    assert np.array_equal(heard(takes)[:5000], whole)
    assert len(events(takes)) == 1


def test_a_turn_that_is_closed_later_by_an_empty_part_still_finishes() -> None:
    s = stage()
    s.say(part(960, last_of_sentence=True))
    run(s, 4)
    s.say(part(0, last_of_turn=True))
    assert events(run(s, 2)) == [TurnFinished("a", 4 * N)]


def test_a_turn_keeps_its_frames_while_its_next_sentence_is_awaited() -> None:
    s = stage()
    s.say(part(960, last_of_sentence=True))
    gap = run(s, 3)
    assert [t.turn_id for t in gap] == ["a", "a", "a"]
    assert [t.speech for t in gap] == [True, False, False]
    s.say(part(960, sentence=1, last_of_sentence=True, last_of_turn=True))
    assert [t.turn_id for t in run(s, 3)] == ["a", "", ""]


def test_a_cut_turn_claims_no_frame_after_its_tail() -> None:
    s = stage()
    s.say(part(9600))
    run(s, 2)
    s.cancel(1)
    assert [t.turn_id for t in run(s, 3)] == ["a", "", ""]


def test_audio_that_comes_late_is_continued_after_silence_and_its_visemes_move_with_it() -> None:
    s = stage()
    marks = (Mark("E", 0, 1200, 1.0), Mark("PP", 1200, 1440, 1.0), Mark("aa", 2640, 4000, 1.0))
    s.say(part(1200, marks=marks))
    first = run(s, 5)
    s.say(part(5440, marks=(), last_of_sentence=True, last_of_turn=True))
    rest = run(s, 8)
    audio = heard(first + rest)
    assert (audio[:1200] == 3000).all()
    step = np.abs(np.diff(audio[1190 : 5 * N + 5440].astype(np.int32))).max()
    assert step < 3000 / 60, "no click where it breaks off or resumes"
    assert not audio[1200 + FADE : 5 * N].any()
    assert (audio[5 * N + FADE : 5 * N + 5440] == 3000).all()
    press = index("mouthPressLeft")
    assert all(t.pose.weights[press] > 0.17 for t in rest[:1]), "the closure waited for its sound"
    assert rest[3].pose.weights[JAW] > 0.2
    assert events(rest) == [TurnFinished("a", 5 * N + 5440)]


def test_cancel_brings_mouth_and_voice_to_rest() -> None:
    s = stage()
    s.set_state(Manner.SPEAKING)
    s.say(part(24_000, generation=4))
    before = run(s, 6)
    assert before[-1].pose.weights[JAW] > 0.2
    said = s.cancel(5)
    assert said == [SpeechCancelled(5, 6 * N + FADE)]
    after = run(s, 25)
    assert after[0].speech
    assert after[0].generation == 4, "what is left of the old speech is still tagged as old"
    assert not heard(after)[FADE:].any()
    assert np.abs(np.diff(heard(before + after).astype(np.int32))).max() < 3000 / 60
    assert all(not t.speech and t.turn_id == "" and t.generation == 5 for t in after[1:])
    assert all(t.pose.weights[JAW] < 1e-6 for t in after[2:])
    assert after[0].state is Manner.LISTENING
    assert events(after) == []


def test_parts_of_a_cancelled_generation_are_dropped_however_late_they_come() -> None:
    s = stage()
    s.say(part(24_000, generation=1))
    run(s, 2)
    s.cancel(2)
    s.say(part(24_000, generation=1, sentence=1))
    s.say(part(960, generation=2, turn="b", value=111, last_of_sentence=True, last_of_turn=True))
    takes = run(s, 4)
    assert events(takes) == [SentenceStarted("b", 0, 2 * N, 2), TurnFinished("b", 3 * N)]
    assert {t.turn_id for t in takes} == {"b", ""}
    assert (heard(takes)[FADE:N] == 111).all()


def test_speech_of_a_newer_generation_cancels_what_is_older() -> None:
    s = stage()
    s.say(part(24_000, generation=1))
    run(s, 2)
    assert s.say(part(960, generation=2, turn="b", last_of_sentence=True)) == [SpeechCancelled(2, 2 * N + FADE)]
    assert events(run(s, 1)) == [SentenceStarted("b", 0, 2 * N, 2)]


def test_cancelling_what_waits_leaves_nothing_to_hear() -> None:
    s = stage()
    s.say(part(24_000, generation=1))
    assert s.cancel(2) == [SpeechCancelled(2, 0)]
    takes = run(s, 30)
    assert not heard(takes).any()
    assert events(takes) == []


def test_cancelling_an_older_generation_touches_nothing() -> None:
    s = stage()
    s.say(part(4800, generation=3, last_of_sentence=True))
    run(s, 1)
    s.cancel(3)
    assert heard(run(s, 3)).all()


def test_state_is_shown_while_nobody_speaks() -> None:
    s = stage()
    for state in Manner:
        s.set_state(state)
        assert s.next_frame().state is state


def test_a_sentence_s_emotion_shows_while_it_is_spoken() -> None:
    glad, plain = stage(), stage()
    glad.say(part(48_000, valence=0.9, arousal=0.3, marks=()))
    plain.say(part(48_000, marks=()))
    smile = index("mouthSmileLeft")
    assert run(glad, 40)[-1].pose.weights[smile] > run(plain, 40)[-1].pose.weights[smile] + 0.15


@pytest.mark.parametrize("frames", [1, 2, 7])
def test_two_stages_never_mix(frames: int) -> None:
    one, two = stage(), stage()
    one.say(part(9600, turn="one", value=1))
    two.say(part(9600, turn="two", value=2))
    for _ in range(10 // frames):
        assert {t.turn_id for t in run(one, frames)} == {"one"}
        assert set(heard(run(two, frames)).tolist()) <= {2}
