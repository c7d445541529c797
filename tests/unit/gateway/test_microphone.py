from __future__ import annotations

import av
import grpc
import numpy as np
import pytest

from services.gateway.microphone import BACKLOG, Microphone


def packet(rate: int, layout: str, n: int, tone: float = 440.0) -> av.AudioFrame:
    samples = rate // 50
    time = (np.arange(samples) + n * samples) / rate
    wave = (8000 * np.sin(2 * np.pi * tone * time)).astype(np.int16)
    channels = 2 if layout == "stereo" else 1
    frame = av.AudioFrame.from_ndarray(np.repeat(wave, channels)[None, :], format="s16", layout=layout)
    frame.sample_rate = rate
    frame.pts = n * samples
    return frame


async def microphone() -> Microphone:
    return Microphone(grpc.aio.insecure_channel("127.0.0.1:1"), "session")


@pytest.mark.parametrize("layout", ["mono", "stereo"])
async def test_48_khz_becomes_mono_16_khz(layout: str) -> None:
    mic = await microphone()
    for n in range(BACKLOG):
        mic.put(packet(48000, layout, n))
    sound = np.frombuffer(b"".join(mic.waiting), "<i2").astype(float)
    assert len(sound) == pytest.approx(BACKLOG * 320, abs=64)
    spectrum = np.abs(np.fft.rfft(sound))
    assert np.argmax(spectrum) * 16000 / len(sound) == pytest.approx(440, abs=3)
    assert np.abs(sound[1000:]).max() == pytest.approx(8000, rel=0.05)


async def test_the_oldest_is_dropped_when_nobody_takes_it() -> None:
    mic = await microphone()
    for n in range(3 * BACKLOG):
        mic.put(packet(48000, "mono", n))
    assert len(mic.waiting) == BACKLOG
