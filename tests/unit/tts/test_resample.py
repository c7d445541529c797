import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.tts.resample import Resampler


def _run(signal: np.ndarray, cuts: list[int]) -> np.ndarray:
    resampler = Resampler(22_050, 24_000)
    edges = sorted({0, *(min(c, len(signal)) for c in cuts), len(signal)})
    made = [resampler.push(signal[a:b]) for a, b in zip(edges, edges[1:], strict=False)]
    return np.concatenate([*made, resampler.finish()])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 5000), st.lists(st.integers(0, 5000), max_size=8))
def test_chunking_changes_nothing(length: int, cuts: list[int]) -> None:
    signal = np.random.default_rng(length).standard_normal(length).astype(np.float32)
    whole, pieces = _run(signal, []), _run(signal, cuts)
    assert len(whole) == -(-length * 160 // 147)
    np.testing.assert_allclose(pieces, whole, atol=1e-5)


@pytest.mark.parametrize("hertz", [200, 1000, 5000, 8000])
def test_sine_keeps_level_and_phase(hertz: int) -> None:
    signal = np.sin(2 * np.pi * hertz * np.arange(11_025) / 22_050).astype(np.float32)
    wanted = np.sin(2 * np.pi * hertz * np.arange(12_000) / 24_000)
    error = (_run(signal, [1000, 1001, 7000]) - wanted)[500:-500]
    assert np.abs(error).max() < 0.01


def test_positions_are_scaled_exactly() -> None:
    resampler = Resampler(22_050, 24_000)
    assert [resampler.position(s) for s in (0, 147, 22_050, 22_050 * 3600)] == [0, 160, 24_000, 24_000 * 3600]
