from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from benchmarks import emotalk, emotalk_live
from services.emotalk.engine import EngineInfo, Utterance, Weights, frame_count


class Silent:
    """Answers every utterance with a face at rest, and keeps what it heard."""

    info = EngineInfo("silent", "cpu", max_batch=8, max_seconds=60.0, context_s=1.0, lookahead_s=0.05)

    def __init__(self) -> None:
        self.heard: list[Utterance] = []

    def predict(self, utterances: Sequence[Utterance]) -> list[Weights]:
        self.heard += utterances
        return [np.zeros((frame_count(len(u.samples)), 52), np.float32) for u in utterances]

    def close(self) -> None:
        """Nothing is held."""


async def test_first_frames_are_waited_for_once_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emotalk_live, "REPEATS", 2)
    engine = Silent()
    waits = await emotalk_live.first_frames_ms(engine, seed=1)
    assert len(waits) == 2
    assert min(waits) > 0
    assert len(engine.heard) == 3, "one window a stream, the first of which is not counted"
    assert all(0.45 < len(u.samples) / 16_000 <= 0.5 for u in engine.heard)


async def test_streams_spoken_in_real_time_get_all_their_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emotalk_live, "SPEECH_S", 0.8)
    late = await emotalk_live.behind_ms(Silent(), streams=3)
    assert len(late) >= 3
    assert min(late) > -1000 / 30, "frames do not come before their speech"


def test_a_recording_is_of_its_length_and_the_same_for_a_seed() -> None:
    assert len(emotalk.recording(1.5).samples) == 24_000
    assert np.array_equal(emotalk.recording(0.1, 3).samples, emotalk.recording(0.1, 3).samples)
    assert not np.array_equal(emotalk.recording(0.1, 3).samples, emotalk.recording(0.1, 4).samples)
