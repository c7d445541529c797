from __future__ import annotations

import av
import numpy as np
import pytest

from services.gateway.encoders import AudioEncoder, VideoEncoder, audio_pts, video_pts
from services.gateway.playout import Picture


def picture(width: int, height: int, shade: int = 120) -> Picture:
    luma = np.tile(np.linspace(20, 20 + shade, width).astype(np.uint8), height)
    return Picture(
        width, height, luma.tobytes() + bytes([90]) * (width * height // 4) + bytes([160]) * (width * height // 4)
    )


def test_rtp_clocks() -> None:
    assert video_pts(24000) == 90000
    assert audio_pts(24000) == 48000
    assert video_pts(960 * 7) == 3600 * 7


@pytest.mark.parametrize(("width", "height"), [(512, 512), (100, 76)])
def test_the_decoded_picture_is_the_one_encoded(width: int, height: int) -> None:
    shown = picture(width, height)
    (packet,) = VideoEncoder(25, 1_000_000, 12).encode(shown, 960, keyframe=False)
    assert packet.is_keyframe
    assert packet.pts == 3600
    (decoded,) = av.CodecContext.create("vp8", "r").decode(packet)
    planes = decoded.to_ndarray()
    luma = np.frombuffer(shown.i420, np.uint8, width * height).reshape(height, width).astype(float)
    assert np.abs(planes[:height] - luma).mean() < 3
    assert np.abs(planes[height : height + height // 4].astype(float) - 90).mean() < 3
    assert np.abs(planes[height + height // 4 :].astype(float) - 160).mean() < 3


def test_keyframes_only_when_asked_for() -> None:
    encoder = VideoEncoder(25, 1_000_000, 12)
    packets = [encoder.encode(picture(64, 64, n), 960 * n, keyframe=n == 6)[0] for n in range(10)]
    assert [n for n, p in enumerate(packets) if p.is_keyframe] == [0, 6]


def test_a_new_size_starts_on_a_keyframe() -> None:
    encoder = VideoEncoder(25, 1_000_000, 12)
    encoder.encode(picture(64, 64), 0, keyframe=False)
    (packet,) = encoder.encode(picture(96, 64), 960, keyframe=False)
    (decoded,) = av.CodecContext.create("vp8", "r").decode(packet)
    assert (decoded.width, decoded.height) == (96, 64)


def test_opus_packets_hold_the_sound_at_48_khz_timestamps() -> None:
    encoder = AudioEncoder(64_000)
    time = np.arange(480 * 50) / 24000
    tone = (8000 * np.sin(2 * np.pi * 500 * time)).astype("<i2").reshape(50, 480)
    packets = [encoder.encode(block.tobytes(), 480 * n) for n, block in enumerate(tone)]
    assert [p.pts for p in packets] == [960 * n for n in range(50)]
    decoder = av.CodecContext.create("libopus", "r")
    decoder.sample_rate, decoder.layout, decoder.format = 48000, "mono", "s16"
    heard = np.concatenate([f.to_ndarray()[0] for p in packets for f in decoder.decode(av.Packet(bytes(p)))])
    spectrum = np.abs(np.fft.rfft(heard[4800:28800].astype(float)))
    assert np.argmax(spectrum) * 48000 / 24000 == pytest.approx(500, abs=4)
    assert len(heard) == 50 * 960
