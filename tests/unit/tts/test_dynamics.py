import numpy as np

from services.tts.dynamics import CEILING, Compressor, soft_ceiling


def _run(signal: np.ndarray, gain: float, step: int) -> np.ndarray:
    compressor = Compressor(gain)
    made = [compressor.push(signal[i : i + step]) for i in range(0, len(signal), step)]
    return np.concatenate([*made, compressor.finish()])


def test_same_number_of_samples_whatever_the_chunks() -> None:
    signal = np.random.default_rng(1).standard_normal(5003).astype(np.float32) * 0.1
    np.testing.assert_allclose(_run(signal, 1.0, 77), _run(signal, 1.0, 5003), atol=1e-6)
    assert len(_run(signal, 1.0, 77)) == 5003


def test_peaks_stay_below_the_ceiling() -> None:
    assert np.abs(soft_ceiling(np.linspace(-4, 4, 999, dtype=np.float32))).max() <= CEILING + 1e-6


def test_loud_and_quiet_come_closer() -> None:
    tone = np.sin(np.arange(24_000) * 0.05).astype(np.float32)
    loud, quiet = (_run(tone * level, 1.0, 480)[12_000:].std() for level in (0.4, 0.1))
    assert 1.5 < loud / quiet < 3.5
