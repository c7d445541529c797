"""Files of every kind become what the engines hear, or an error that says what is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from flashback.errors import InvalidInput, TooLarge
from services.emotalk.audio import Limits, Resampler, blocks, decode, measure
from tests.unit.emotalk.sounds import encoded, s24, silent_film, speechlike, three_hours, tone, wav

LIMITS = Limits(max_bytes=64_000_000, max_s=1800)
EDGE = 400
EXACT = {"wav": 0, "flac": 0, "mp3": 0, "ogg": 0, "webm": 0, "m4a": 2}


def amplitude(samples: NDArray[np.float32], hz: float = 440.0, rate: int = 16_000) -> float:
    """Of the sine of `hz` in samples, whatever its phase."""
    middle = samples[EDGE:-EDGE].astype(np.float64)
    angle = 2 * np.pi * hz * np.arange(len(middle)) / rate
    basis = np.stack([np.sin(angle), np.cos(angle)], axis=1)
    return float(np.hypot(*np.linalg.lstsq(basis, middle, rcond=None)[0]))


@pytest.mark.parametrize("rate", [24_000, 44_100, 48_000])
def test_speech_keeps_its_level_up_to_the_highest_consonants_and_nothing_folds_back(rate: int) -> None:
    def heard(hz: float) -> float:
        samples = decode(wav((tone(1, rate, hz) * 32767).astype("<i2"), rate), LIMITS)
        return float(samples[4_000:12_000].std() / tone(1, 16_000, 440.0)[4_000:12_000].std())

    assert [heard(hz) for hz in (200.0, 6_000.0, 7_500.0)] == pytest.approx([1, 1, 1], abs=2e-3)
    assert heard(8_600.0) < 1e-3


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000, 96_000, 192_000])
def test_a_tone_keeps_its_loudness_and_length_at_any_rate(rate: int) -> None:
    sound = tone(1.1, rate)
    heard = decode(wav((sound * 32767).astype("<i2"), rate), LIMITS)
    assert heard.dtype == np.float32
    assert len(heard) == -(-len(sound) * 16_000 // rate) == measure(wav((sound * 32767).astype("<i2"), rate), LIMITS)
    assert amplitude(heard) == pytest.approx(0.5, abs=1e-3)
    expected = tone(1.1, 16_000)
    length = min(len(heard), len(expected)) - EDGE
    assert np.abs(heard[EDGE:length] - expected[EDGE:length]).max() < 1e-3


@pytest.mark.parametrize("kind", ["wav", "flac", "mp3", "ogg", "m4a", "webm"])
@pytest.mark.parametrize("layout", ["mono", "stereo"])
def test_every_container_keeps_time_and_loudness(kind: str, layout: str) -> None:
    sound = speechlike(2.0, 48_000)
    both = np.stack([sound, sound]) if layout == "stereo" else sound
    heard = decode(encoded(both, 48_000, kind, layout=layout), LIMITS)
    expected = decode(wav(sound, 48_000, float_=True), LIMITS)
    assert abs(len(heard) - len(expected)) <= EXACT[kind]
    spectrum = np.fft.rfft(heard, 1 << 17) * np.conj(np.fft.rfft(expected, 1 << 17))
    assert int(np.argmax(np.fft.irfft(spectrum))) == 0, "an encoder's delay was left in"
    loudness = np.sqrt(np.mean(heard**2) / np.mean(expected**2))
    assert loudness == pytest.approx(1, abs=0.1), "averaged, not added up"


@pytest.mark.parametrize(
    ("values", "how"),
    [
        (((tone(1, 16_000) + 1) * 127.5).round().astype(np.uint8), {}),
        (s24(tone(1, 16_000)), {"bits": 24}),
        ((tone(1, 16_000).astype(np.float64) * (2**31 - 1)).astype("<i4"), {}),
        (tone(1, 16_000), {"float_": True}),
        (tone(1, 16_000).astype("<f8"), {"float_": True}),
    ],
    ids=["8-bit", "24-bit", "32-bit", "float32", "float64"],
)
def test_every_width_of_sample(values: NDArray[np.generic], how: dict[str, int | bool]) -> None:
    heard = decode(wav(values, 16_000, **how), LIMITS)  # type: ignore[arg-type]
    assert len(heard) == 16_000
    assert amplitude(heard) == pytest.approx(0.5, abs=4e-3 if values.dtype == np.uint8 and not how else 1e-3)
    assert abs(float(heard.mean())) < 5e-3


def test_ogg_vorbis() -> None:
    sound = tone(2.0, 48_000)
    heard = decode(encoded(np.stack([sound, sound]), 48_000, "ogg", codec="vorbis", layout="stereo"), LIMITS)
    assert len(heard) == 32_000
    assert amplitude(heard) == pytest.approx(0.5, abs=0.01)


def test_channels_are_averaged() -> None:
    left, right = tone(1, 16_000), np.zeros(16_000, np.float32)
    stereo = np.stack([left, right], axis=1).reshape(-1)
    assert amplitude(decode(wav(stereo, 16_000, channels=2, float_=True), LIMITS)) == pytest.approx(0.25, abs=1e-3)
    six = np.stack([left, left, left * 0.5, right, right, right], axis=1).reshape(-1)
    assert amplitude(decode(wav(six, 16_000, channels=6, float_=True), LIMITS)) == pytest.approx(1.25 / 6, abs=1e-3)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF, 10_000_000])
def test_a_header_written_before_the_length_was_known(size: int) -> None:
    sound = (tone(1, 16_000) * 32767).astype("<i2")
    assert len(decode(wav(sound, 16_000, size=size), LIMITS)) == 16_000


def test_a_file_cut_off_gives_what_is_there() -> None:
    whole = encoded(speechlike(4, 48_000), 48_000, "mp3")
    assert 24_000 < len(decode(whole[: len(whole) // 2], LIMITS)) < 40_000


def test_damage_in_the_middle_costs_only_its_place() -> None:
    whole = bytearray(encoded(speechlike(4, 48_000), 48_000, "mp3"))
    middle = len(whole) // 2
    whole[middle : middle + 300] = bytes(300)
    assert 56_000 < len(decode(bytes(whole), LIMITS)) <= 64_000


def test_blocks_put_together_are_the_whole_and_small() -> None:
    file = encoded(speechlike(5, 44_100), 44_100, "flac")
    parts = list(blocks(file, LIMITS))
    assert np.array_equal(np.concatenate(parts), decode(file, LIMITS))
    assert max(map(len, parts)) < 16_000


def test_a_recording_shorter_than_a_filter_is_still_heard() -> None:
    assert len(decode(wav(np.full(1, 9000, "<i2"), 16_000), LIMITS)) == 1
    assert len(decode(wav(np.full(3, 9000, "<i2"), 48_000), LIMITS)) == 1


@pytest.mark.parametrize(
    "data",
    [
        b"Good morning, this is a letter. " * 100,
        np.random.default_rng(3).bytes(50_000),
        bytes(10_000),
        b"#EXTM3U\n#EXTINF:10,\nfile:///etc/hostname\n",
        b"ffconcat version 1.0\nfile 'other.wav'\n",
        b"%PDF-1.7\n" + b"1 0 obj\n" * 200,
        b"RIFF\x00\x00\x00\x00WAVE",
        b"ID3\x04\x00\x00\x00\x00\x00\x00" + b"\xff\xfb\x90\x64" + np.random.default_rng(4).bytes(2000),
    ],
    ids=["text", "noise", "zeros", "playlist", "concat", "pdf", "riff-only", "mp3-head-only"],
)
def test_what_is_not_audio_is_said_to_be_none(data: bytes) -> None:
    for reading in (decode, measure):
        with pytest.raises(InvalidInput, match="not an audio file|0 samples"):
            reading(data, LIMITS)


def test_a_picture_and_a_film_without_sound_hold_no_audio() -> None:
    picture = (Path(__file__).parents[3] / "docs" / "images" / "conversation.png").read_bytes()
    with pytest.raises(InvalidInput, match="not an audio file"):
        decode(picture, LIMITS)
    with pytest.raises(InvalidInput, match="no audio stream"):
        decode(silent_film(), LIMITS)


def test_no_bytes_and_no_samples() -> None:
    with pytest.raises(InvalidInput, match="0 bytes"):
        measure(b"", LIMITS)
    with pytest.raises(InvalidInput, match="0 samples"):
        measure(wav(np.zeros(0, "<i2"), 16_000), LIMITS)
    with pytest.raises(InvalidInput, match="0 samples"):
        measure(encoded(np.zeros(0, np.float32), 48_000, "flac"), LIMITS)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_samples_that_are_no_numbers(bad: float, rate: int) -> None:
    sound = tone(1, rate)
    sound[rate // 2] = bad
    for reading in (decode, measure):
        with pytest.raises(InvalidInput, match="NaN or infinite"):
            reading(wav(sound, rate, float_=True), LIMITS)


def test_float64_beyond_float32_is_infinite() -> None:
    sound = tone(0.1, 16_000).astype("<f8")
    sound[5] = 1e300
    with pytest.raises(InvalidInput, match="NaN or infinite"):
        decode(wav(sound, 16_000, float_=True), LIMITS)


def test_float_samples_of_any_scale_in_use_are_taken_and_absurd_ones_named() -> None:
    sound = tone(0.1, 16_000)
    assert np.abs(decode(wav(sound * 2.0**31, 16_000, float_=True), LIMITS)).max() > 2.0**28
    with pytest.raises(InvalidInput, match="full scale is 1"):
        measure(wav(sound * 1e20, 16_000, float_=True), LIMITS)


@pytest.mark.parametrize("rate", [1, 3_999, 1_000_000])
def test_sampling_rates_nobody_records_at(rate: int) -> None:
    with pytest.raises(InvalidInput, match=f"{rate} Hz"):
        decode(wav(np.zeros(5000, "<i2"), rate), LIMITS)


def test_three_hours_are_refused_before_they_are_decoded() -> None:
    file = three_hours()
    assert len(file) < 3_000_000
    heard = 0
    with pytest.raises(InvalidInput, match="longer than 1800 s"):
        for block in blocks(file, LIMITS):
            heard += len(block)
    assert heard <= 1800 * 16_000
    with pytest.raises(InvalidInput, match="longer than 1800 s"):
        measure(file, LIMITS)


def test_exactly_the_limit_is_taken() -> None:
    sound = np.zeros(32_000, "<i2")
    assert measure(wav(sound, 16_000), Limits(1_000_000, 2.0)) == 32_000
    with pytest.raises(InvalidInput, match="longer than 2 s"):
        measure(wav(np.zeros(32_001, "<i2"), 16_000), Limits(1_000_000, 2.0))


def test_too_many_bytes_are_refused_unread() -> None:
    with pytest.raises(TooLarge, match="1 MB"):
        decode(bytes(2**20 + 1), Limits(2**20, 60))


@pytest.mark.parametrize("piece", [1, 7, 480, 24_000])
def test_a_stream_resamples_to_the_same_in_pieces_of_any_size(piece: int) -> None:
    sound = speechlike(0.5, 24_000)
    whole = Resampler(24_000)
    expected = np.concatenate([whole.push(sound), whole.finish()])
    stream = Resampler(24_000)
    parts = [stream.push(sound[at : at + piece]) for at in range(0, len(sound), piece)]
    assert np.array_equal(np.concatenate([*parts, stream.finish()]), expected)
    assert len(expected) == 8_000


def test_a_stream_of_nothing() -> None:
    stream = Resampler(24_000)
    assert len(stream.push(np.zeros(0, np.float32))) == 0
    assert len(stream.finish()) == 0
