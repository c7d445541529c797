"""The speech queue under any cutting of the audio and any timing of its arrival."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.renderer import speech
from services.renderer.speech import FADE, Part, SpeechQueue

N = 960


@settings(max_examples=80, deadline=None)
@given(
    pieces=st.lists(st.integers(0, 2500), min_size=1, max_size=12),
    waits=st.lists(st.integers(0, 3), min_size=12, max_size=12),
)
def test_every_sample_is_played_once_and_in_order(pieces: list[int], waits: list[int]) -> None:
    """Samples are numbered, so that what is played tells which they were; without fades, which would change some."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(speech, "FADE", 0)
        check_every_sample(pieces, waits)


def check_every_sample(pieces: list[int], waits: list[int]) -> None:
    queue, played, now, number = SpeechQueue(), [], 0, 1
    started, ended = [], []

    def play(frames: int) -> None:
        nonlocal now
        for _ in range(frames):
            queue.place(now)
            stretch = queue.take(now, N)
            assert len(stretch.audio) == N
            started.extend(stretch.started)
            ended.extend(stretch.ended)
            played.append(stretch.audio)
            now += N

    for i, (length, wait) in enumerate(zip(pieces, waits, strict=False)):
        audio = np.arange(number, number + length).astype(np.int16)
        number += length
        last = i == len(pieces) - 1
        queue.add(Part("t", 0, 0, audio, last_of_sentence=last, last_of_turn=last))
        play(wait)
    play(sum(pieces) // N + 2)
    heard = np.concatenate(played)
    assert heard[heard != 0].tolist() == list(range(1, number))
    assert len(started) == len(ended) == 1
    assert ended[0][1] >= started[0][1] + sum(pieces)
    assert not queue.busy


@settings(max_examples=60, deadline=None)
@given(length=st.integers(1, 6000), frames=st.integers(0, 6))
def test_a_cut_leaves_at_most_a_fade(length: int, frames: int) -> None:
    queue = SpeechQueue()
    queue.add(Part("t", 0, 0, np.full(length, 9000, np.int16), last_of_sentence=True))
    for i in range(frames):
        queue.place(i * N)
        queue.take(i * N, N)
    tail = queue.cut(1)
    begun, over = frames > 0, frames * N >= length
    assert (tail is not None) == (begun and not over)
    if tail is not None:
        assert 0 < len(tail.audio) <= FADE
        assert tail.audio[-1] == 0 or len(tail.audio) == 1
        assert (np.diff(tail.audio.astype(int)) <= 0).all()
    assert not queue.busy
    assert not queue.take(frames * N, N).audio.any()
