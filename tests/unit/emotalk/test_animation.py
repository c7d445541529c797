"""From a job to its chunks: decoding, cutting, joining, smoothing, blinks."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace

import numpy as np
import pytest

from flashback.errors import FlashbackError, InvalidInput
from services.emotalk.animation import animate
from services.emotalk.audio import Limits
from services.emotalk.blinks import Blinks
from services.emotalk.engine import CHANNELS, MIN_SAMPLES, Utterance, Weights, frame_count
from services.emotalk.jobs import Chunk, Job
from services.emotalk.smoothing import smooth
from tests.unit.emotalk.predictors import INFO, Predictor, loudness
from tests.unit.emotalk.sounds import encoded, speechlike, three_hours, wav

LIMITS = Limits(64_000_000, 1800)


def job(sound: np.ndarray, **changes: object) -> Job:
    """A recording of 16 kHz samples, in chunks of 2 s that share 0.5 s."""
    audio = wav(sound.astype(np.float32), 16_000, float_=True)
    plain = Job("job", audio, level=1, person=3, post_processing=False, chunk_s=2.0, overlap_s=0.5, seed=7)
    return replace(plain, **changes)  # type: ignore[arg-type]


async def chunks(job: Job, predict: Predictor | None = None, limits: Limits = LIMITS, **info: object) -> list[Chunk]:
    found = animate(job, predict or Predictor(), limits, replace(INFO, **info))  # type: ignore[arg-type]
    return [chunk async for chunk in found]


def whole(found: list[Chunk]) -> Weights:
    """The frames, after looking at how they were numbered."""
    assert [chunk.index for chunk in found] == list(range(len(found)))
    assert [chunk.final for chunk in found] == [False] * (len(found) - 1) + [True]
    at = 0
    for chunk in found:
        assert chunk.first_frame == at
        assert chunk.weights.dtype == np.float32
        at += len(chunk.weights)
    return np.concatenate([chunk.weights for chunk in found])


@pytest.mark.parametrize("seconds", [0.1, 1.0, 2.0, 2.3, 9.7])
@pytest.mark.parametrize("post_processing", [False, True])
async def test_frames_are_those_of_the_recording(seconds: float, post_processing: bool) -> None:
    sound = speechlike(seconds)
    found = await chunks(job(sound, post_processing=post_processing))
    assert whole(found).shape == (frame_count(len(sound)), CHANNELS)


async def test_the_engine_hears_level_person_and_pieces() -> None:
    predict = Predictor()
    sound = speechlike(5.0)
    await chunks(job(sound), predict)
    assert [len(u.samples) for u in predict.heard] == [32_000, 32_000, 32_000]
    assert {(u.level, u.person) for u in predict.heard} == {(1, 3)}
    assert np.array_equal(predict.heard[1].samples, sound[24_000:56_000])


async def test_one_piece_passes_unchanged() -> None:
    sound = speechlike(1.5)
    assert np.array_equal(whole(await chunks(job(sound))), loudness(Utterance(sound, 1, 3)))


async def test_a_recording_shorter_than_an_engine_hears_is_followed_by_silence() -> None:
    predict = Predictor()
    found = await chunks(job(np.full(7, 0.5)), predict)
    assert len(predict.heard[0].samples) == MIN_SAMPLES
    assert np.array_equal(predict.heard[0].samples[:7], np.full(7, 0.5, np.float32))
    assert not predict.heard[0].samples[7:].any()
    assert whole(found).shape == (1, CHANNELS)


@pytest.mark.parametrize("seconds", [0.1, 2.0, 9.7, 31.0])
async def test_smoothing_and_blinks_go_over_the_whole_recording(seconds: float) -> None:
    sound = speechlike(seconds)
    plain = whole(await chunks(job(sound)))
    finished = whole(await chunks(job(sound, post_processing=True)))
    expected = Blinks(7, len(plain)).apply(0, smooth(plain))
    assert np.abs(finished - expected).max() < 1e-6
    assert np.array_equal(finished[:, 8], expected[:, 8])


async def test_equal_jobs_give_equal_frames_and_other_seeds_other_blinks() -> None:
    sound = speechlike(20.0)
    first = whole(await chunks(job(sound, post_processing=True)))
    again = whole(await chunks(job(sound, post_processing=True)))
    other = whole(await chunks(job(sound, post_processing=True, seed=8)))
    assert np.array_equal(first, again)
    assert not np.array_equal(first[:, 8], other[:, 8])
    assert np.array_equal(np.delete(first, [8, 9], 1), np.delete(other, [8, 9], 1))


async def test_the_first_chunk_comes_before_the_second_is_predicted() -> None:
    for device in ("cpu", "an accelerator"):
        predict = Predictor()
        info = replace(INFO, max_batch=8, device=device)
        async with aclosing(animate(job(speechlike(9.0)), predict, LIMITS, info)) as found:
            first = await anext(found)
            assert len(predict.heard) == 1
            assert len(first.weights) == 45
            await anext(found)
            assert (len(predict.heard) > 2) == (device != "cpu"), "several at a time where that is quicker"


async def test_an_engine_that_hears_less_decides_how_long_pieces_are() -> None:
    predict = Predictor()
    found = await chunks(job(speechlike(9.0), chunk_s=25.0), predict, max_seconds=3.0)
    assert max(len(u.samples) for u in predict.heard) <= 48_000
    assert len(whole(found)) == 270


async def test_who_stops_listening_stops_the_predictions() -> None:
    predict = Predictor(gate=asyncio.Event())
    listening = asyncio.create_task(chunks(job(speechlike(9.0)), predict))
    while not predict.heard:
        await asyncio.sleep(0.001)
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    assert predict.cancelled == 1


async def test_an_engine_that_fails_fails_the_job() -> None:
    predict = Predictor()
    predict.failure = FlashbackError("out of memory")
    with pytest.raises(FlashbackError, match="out of memory"):
        await chunks(job(speechlike(3.0)), predict)


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (np.zeros((30, 51), np.float32), r"\(30, 51\)"),
        (np.zeros((29, 52), np.float32), r"\(29, 52\)"),
        (np.full((30, 52), np.nan, np.float32), "NaN"),
    ],
    ids=["51 channels", "a frame missing", "NaN"],
)
async def test_an_engine_that_answers_wrongly_is_a_defect(answer: Weights, complaint: str) -> None:
    async def predict(utterance: Utterance) -> Weights:
        return answer

    with pytest.raises(FlashbackError, match=complaint):
        _ = [chunk async for chunk in animate(job(speechlike(1.0)), predict, LIMITS, INFO)]


async def test_bad_audio_is_refused_by_name() -> None:
    for audio, complaint in ((b"no sound at all", "not an audio file"), (three_hours(), "longer than 5 s")):
        with pytest.raises(InvalidInput, match=complaint):
            await chunks(job(np.zeros(1), audio=audio), limits=replace(LIMITS, max_s=5))


async def test_compressed_stereo_at_another_rate() -> None:
    sound = speechlike(3.0, 44_100)
    found = await chunks(job(np.zeros(1), audio=encoded(np.stack([sound, sound]), 44_100, "m4a", layout="stereo")))
    assert len(whole(found)) in (90, 91)
