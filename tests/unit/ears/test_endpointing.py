"""Endpointing on synthetic probability tracks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ears.endpointing import CHUNK_SAMPLES, End, Endpointer, Onset, Pause, Policy, Resumed, Turn

POLICY = Policy(onset=3, pause=4, silence=10, longest=100)


def run(probabilities: list[float], policy: Policy = POLICY) -> list[Turn]:
    endpointer = Endpointer(policy)
    return [turn for p in probabilities for turn in endpointer.step(p)]


def test_onset_needs_sustained_speech_and_reports_where_it_began() -> None:
    turns = run([0.1] * 5 + [0.9] * 3)
    assert turns == [Onset(5 * CHUNK_SAMPLES, 8 * CHUNK_SAMPLES)]


@pytest.mark.parametrize("voiced", [1, 2])
def test_a_click_or_cough_shorter_than_the_onset_is_nothing(voiced: int) -> None:
    assert run(([0.95] * voiced + [0.05] * 6) * 20) == []


def test_one_soft_chunk_inside_the_onset_only_delays_it() -> None:
    assert run([0.9, 0.9, 0.2, 0.9, 0.9]) == [Onset(0, 5 * CHUNK_SAMPLES)]


def test_end_after_the_silence_names_the_last_voiced_sample() -> None:
    turns = run([0.9] * 20 + [0.0] * 10)
    assert turns[0] == Onset(0, 3 * CHUNK_SAMPLES)
    assert turns[1] == Pause(24 * CHUNK_SAMPLES)
    assert turns[2] == End(20 * CHUNK_SAMPLES, 30 * CHUNK_SAMPLES)


def test_a_breath_inside_the_question_does_not_end_it() -> None:
    turns = run([0.9] * 10 + [0.0] * 9 + [0.9] * 10 + [0.0] * 10)
    assert [type(turn) for turn in turns] == [Onset, Pause, Resumed, Pause, End]
    assert turns[-1] == End(29 * CHUNK_SAMPLES, 39 * CHUNK_SAMPLES)


def test_hysteresis_keeps_speech_going_between_the_thresholds() -> None:
    assert [type(turn) for turn in run([0.9] * 3 + [0.4] * 60)] == [Onset]
    assert [type(turn) for turn in run([0.9] * 3 + [0.1] + [0.4] * 60)] == [Onset, Pause, End]


def test_an_utterance_without_end_is_cut() -> None:
    turns = run([0.9] * 250)
    assert [type(turn) for turn in turns] == [Onset, End, Onset, End, Onset]
    assert turns[1] == End(100 * CHUNK_SAMPLES, 100 * CHUNK_SAMPLES)


def test_ten_minutes_of_silence_are_nothing() -> None:
    assert run([0.02] * 18_750) == []


def test_finish_ends_an_open_turn_once() -> None:
    endpointer = Endpointer(POLICY)
    for _ in range(5):
        list(endpointer.step(0.9))
    assert list(endpointer.finish()) == [End(5 * CHUNK_SAMPLES, 5 * CHUNK_SAMPLES)]
    assert list(endpointer.finish()) == []


def test_milliseconds_round_up_to_whole_chunks() -> None:
    assert [Policy.chunks(ms) for ms in (0, 32, 33, 96, 500)] == [1, 1, 2, 3, 16]


@given(st.lists(st.floats(0, 1), max_size=400), st.integers(1, 5), st.integers(1, 20))
def test_events_alternate_and_never_go_back_in_time(track: list[float], onset: int, silence: int) -> None:
    turns = run(track, Policy(onset=onset, pause=max(1, silence // 2), silence=silence, longest=60))
    speaking = False
    for turn in turns:
        match turn:
            case Onset():
                assert not speaking
                speaking = True
            case End():
                assert speaking
                assert turn.speech_end <= turn.at
                speaking = False
            case _:
                assert speaking
    assert list(np.diff([turn.at for turn in turns]) < 0).count(True) == 0
