from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashback.media.clock import FrameClock, milliseconds, samples


@given(st.integers(0, 10**6), st.sampled_from([24, 25, 30, 60]), st.sampled_from([16_000, 24_000, 44_100, 48_000]))
def test_frames_tile_the_sample_axis(frame: int, fps: int, rate: int) -> None:
    clock = FrameClock(fps, rate)
    assert clock.start(frame) + clock.length(frame) == clock.start(frame + 1)
    assert abs(clock.start(frame) - frame * rate / fps) <= 0.5


@given(st.integers(0, 10**8), st.sampled_from([24, 25, 30]), st.sampled_from([22_050, 24_000]))
def test_frame_at_names_the_frame_that_plays_the_sample(sample: int, fps: int, rate: int) -> None:
    clock = FrameClock(fps, rate)
    frame = clock.frame_at(sample)
    assert clock.start(frame) <= sample < clock.start(frame + 1)


def test_25_fps_at_24_khz_is_960_samples_a_frame() -> None:
    assert [FrameClock().length(n) for n in range(3)] == [960, 960, 960]


@pytest.mark.parametrize(("count", "ms"), [(0, 0), (24_000, 1000), (12, 1), (11, 0)])
def test_milliseconds_rounds_to_nearest(count: int, ms: int) -> None:
    assert milliseconds(count) == ms


def test_samples_is_the_inverse_at_whole_milliseconds() -> None:
    assert all(milliseconds(samples(ms)) == ms for ms in range(0, 5000, 7))
