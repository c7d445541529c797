"""When live speech is predicted, and how the predictions are joined."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.emotalk.engine import CHANNELS, FPS, RATE, Weights, frame_count
from services.emotalk.windows import FADE, GRID, Joined, Policy, Window

POLICY = Policy(first=8_000, hop=3_200, context=16_000, lookahead=1_600, longest=60 * RATE)


def rows(window: Window, value: float = 0.0) -> Weights:
    """A prediction that shows the number of each frame, shifted."""
    count = frame_count(window.stop - window.start)
    numbers = window.first_frame + np.arange(count, dtype=np.float32) + np.float32(value)
    return np.repeat(numbers[:, None], CHANNELS, axis=1)


def test_the_first_prediction_waits_for_half_a_second_and_holds_back_what_may_change() -> None:
    assert POLICY.window(given=0, seen=0, heard=7_999, number=0) is None
    window = POLICY.window(given=0, seen=0, heard=8_000, number=0)
    assert window == Window(0, 8_000, settled=13)
    assert (window.settled - 1) * RATE / FPS + POLICY.lookahead <= window.stop


def test_later_ones_wait_for_a_hop_and_hear_what_went_before() -> None:
    assert POLICY.window(given=58, seen=32_000, heard=35_199, number=5) is None
    window = POLICY.window(given=58, seen=32_000, heard=35_200, number=5)
    assert window is not None
    assert window.stop == 35_200
    assert window.start % GRID == 0
    assert 0 <= 57 * RATE // FPS - POLICY.context - window.start < GRID


def test_without_context_a_window_still_hears_the_frame_before() -> None:
    policy = Policy(first=8_000, hop=3_200, context=0, lookahead=0, longest=60 * RATE)
    window = policy.window(given=12, seen=6_400, heard=9_600, number=1)
    assert window is not None
    assert window.first_frame < 12


def test_speech_that_waits_already_is_taken_in_growing_windows() -> None:
    heard, given, seen, sizes = 30 * RATE, 0, 0, []
    for number in range(5):
        window = POLICY.window(given, seen, heard, number)
        assert window is not None
        sizes.append((window.stop - seen) / RATE)
        given, seen = window.settled, window.stop
    assert sizes == [0.5, 1, 2, 4, 8]


def test_no_window_is_longer_than_the_engine_hears() -> None:
    policy = Policy(first=8_000, hop=3_200, context=16_000, lookahead=1_600, longest=5 * RATE)
    window = policy.window(given=0, seen=0, heard=100 * RATE, number=10)
    assert window is not None
    assert window.stop - window.start == 5 * RATE


def test_an_engine_that_looks_far_ahead_still_gets_on() -> None:
    policy = Policy(first=8_000, hop=3_200, context=16_000, lookahead=20_000, longest=60 * RATE)
    assert policy.window(given=0, seen=0, heard=8_000, number=0) is None
    window = policy.window(given=0, seen=0, heard=60_000, number=0)
    assert window is not None
    assert window.settled > 0


def test_the_end_of_a_sentence_settles_everything() -> None:
    assert POLICY.closing(given=13, seen=8_000, heard=10_000, number=1, frames=19) == Window(0, 10_000, 19)
    assert POLICY.closing(given=0, seen=0, heard=100, number=0, frames=1) == Window(0, 100, 1)


@settings(max_examples=300, deadline=None)
@example(Policy(first=400, hop=400, context=0, lookahead=0, longest=30 * RATE), [1601])
@given(
    st.builds(
        Policy,
        first=st.integers(400, 20_000),
        hop=st.integers(400, 20_000),
        context=st.integers(0, 48_000),
        lookahead=st.integers(0, 16_000),
        longest=st.just(30 * RATE),
    ),
    st.lists(st.integers(1, 40_000), min_size=1, max_size=20),
)
def test_every_frame_is_given_once_and_in_order(policy: Policy, pieces: list[int]) -> None:
    joined = Joined()
    given: list[Weights] = []
    heard = seen = number = 0
    for index, piece in enumerate(pieces):
        heard += piece
        ended = index == len(pieces) - 1
        frames = -(-heard * FPS // RATE)
        while True:
            at = joined.given, seen, heard, number
            if ended and joined.known < frames:
                window: Window | None = policy.closing(*at, frames)
            else:
                window = None if ended else policy.window(*at)
            if window is None:
                break
            assert 0 <= window.start < window.stop <= heard
            assert window.stop - window.start <= policy.longest
            assert window.stop > seen
            given.append(joined.add(window, rows(window)))
            seen, number = window.stop, number + 1
        if ended:
            given.append(joined.release(frames))
    out = np.concatenate(given)
    assert len(out) == -(-heard * FPS // RATE)
    assert np.array_equal(out[:, 0], np.arange(len(out)))


@pytest.mark.parametrize("start", [0, 4_800])
def test_predictions_that_differ_are_joined_without_a_jump(start: int) -> None:
    joined = Joined()
    first, second = Window(0, 8_000, 12), Window(start, 16_000, 27)
    before = joined.add(first, np.zeros((15, CHANNELS), np.float32))
    after = joined.add(second, np.full((30 - second.first_frame, CHANNELS), 0.4, np.float32))
    values = np.concatenate([before, after])[:, 0]
    steps = np.abs(np.diff(values))
    assert len(values) == 27
    assert steps.max() < 0.4 * 0.3
    assert np.allclose(values[12 + FADE :], 0.4)


def test_predictions_that_agree_are_left_exactly_as_they_are() -> None:
    joined = Joined()
    first, second = Window(0, 8_000, 12), Window(0, 16_000, 27)
    motion = np.random.default_rng(0).standard_normal((30, CHANNELS)).astype(np.float32)
    assert np.array_equal(joined.add(first, motion[:15]), motion[:12])
    assert np.array_equal(joined.add(second, motion), motion[12:27])
    assert np.array_equal(joined.release(30), motion[27:])
