"""Live speech: sentences in pieces, frames as they are settled, generations."""

from __future__ import annotations

import asyncio
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from flashback.errors import FlashbackError, Full, InvalidInput, Unavailable
from services.emotalk.blinks import Blinks
from services.emotalk.engine import CHANNELS, EngineInfo, Utterance, Weights
from services.emotalk.live import RESAMPLING, Frames, LiveStream, Piece, level_of, policy_of
from services.emotalk.settings import EmoTalkSettings
from services.emotalk.smoothing import smooth
from services.emotalk.windows import Policy
from tests.unit.emotalk.predictors import INFO, Predictor, loudness
from tests.unit.emotalk.sounds import speechlike, tone

POLICY = policy_of(EmoTalkSettings(), INFO)


def s16(sound: NDArray[np.float32]) -> bytes:
    return (sound * 32767).astype("<i2").tobytes()


def stream(predict: Predictor, post_processing: bool = False, policy: Policy = POLICY) -> LiveStream:
    return LiveStream(predict, policy, 3, post_processing=post_processing, seed=5, most_waiting_s=60.0)


def piece(audio: bytes = b"", sentence: int = 0, generation: int = 0, last: bool = False, level: int = 1) -> Piece:
    return Piece("turn", generation, sentence, audio, level, last)


async def say(live: LiveStream, sound: NDArray[np.float32], size: int, **which: int) -> None:
    """A whole sentence, in pieces of `size` samples, each heard before the next comes."""
    audio = s16(sound)
    for at in range(0, len(audio), 2 * size):
        await live.push(piece(audio[at : at + 2 * size], last=at + 2 * size >= len(audio), **which))
        for _ in range(20):
            await asyncio.sleep(0)


async def collected(live: LiveStream) -> list[Frames]:
    return [frames async for frames in live.frames()]


def sentences(found: list[Frames]) -> dict[int, Weights]:
    """Frames of each sentence, after looking at their numbers."""
    out: dict[int, list[Weights]] = {}
    ended: set[int] = set()
    for frames in found:
        assert frames.sentence not in ended
        assert frames.first_frame == sum(map(len, out.setdefault(frames.sentence, [])))
        out[frames.sentence].append(frames.weights)
        if frames.last:
            ended.add(frames.sentence)
    assert ended == set(out)
    return {sentence: np.concatenate(parts) for sentence, parts in out.items()}


@pytest.mark.parametrize("samples", [1, 399, 800, 801, 12_000, 24_000, 79_999])
@pytest.mark.parametrize("post_processing", [False, True])
async def test_frames_cover_exactly_the_sentence(samples: int, post_processing: bool) -> None:
    live = stream(Predictor(), post_processing)
    reading = asyncio.create_task(collected(live))
    await say(live, speechlike(4, 24_000)[:samples], 960)
    live.finish()
    assert sentences(await reading)[0].shape == (math.ceil(samples / 800), CHANNELS)


async def test_pieces_leave_no_trace_in_what_the_engine_hears() -> None:
    heard = []
    for size in (240, 961, 48_000, 200_000):
        predict = Predictor()
        live = stream(predict, policy=Policy(10**6, 10**6, 0, 0, 10**7))
        await live.push(piece(s16(tone(3.0, 24_000))[: 2 * size]))
        await live.push(piece(s16(tone(3.0, 24_000))[2 * size :], last=True))
        live.finish()
        await collected(live)
        heard.append(predict.heard[-1].samples)
    for samples in heard:
        assert np.array_equal(samples, heard[0])
    expected = tone(3.0, 16_000)
    assert len(heard[0]) == 48_000
    assert np.abs(heard[0][300:-300] - expected[300:-300]).max() < 1e-3


async def test_the_first_frames_come_after_half_a_second_of_speech() -> None:
    live = stream(predict := Predictor())
    found = live.frames()
    waiting = asyncio.create_task(anext(found))
    await say_open(live, speechlike(0.48, 24_000))
    assert not waiting.done()
    assert not predict.heard
    await live.push(piece(s16(speechlike(0.02, 24_000))))
    frames = await waiting
    assert frames.first_frame == 0
    assert 10 <= len(frames.weights) <= 13
    assert not frames.last
    await found.aclose()


async def test_frames_of_a_stream_are_those_of_the_whole_sentence() -> None:
    sound = speechlike(3.0, 24_000)
    live = stream(predict := Predictor())
    reading = asyncio.create_task(collected(live))
    await say(live, sound, 480)
    live.finish()
    rows = sentences(await reading)[0]
    assert len(predict.heard) > 8
    assert max(len(u.samples) for u in predict.heard) < 2 * 16_000, "a bounded past"
    whole = Predictor()
    at_once = stream(whole, policy=Policy(10**6, 10**6, 0, 0, 10**7))
    await at_once.push(piece(s16(sound), last=True))
    at_once.finish()
    expected = sentences(await collected(at_once))[0]
    assert np.abs(rows[:, 0] - expected[:, 0]).max() < 2e-3


async def test_level_and_person_reach_the_engine() -> None:
    live = stream(predict := Predictor())
    await live.push(piece(s16(tone(0.2, 24_000)), last=True, level=0))
    await live.push(piece(s16(tone(0.2, 24_000)), sentence=1, last=True, level=1))
    live.finish()
    await collected(live)
    assert [(u.level, u.person) for u in predict.heard] == [(0, 3), (1, 3)]


async def test_sentences_follow_each_other_and_an_open_one_ends_with_the_next() -> None:
    live = stream(Predictor())
    await live.push(piece(s16(tone(0.4, 24_000))))
    await live.push(piece(s16(tone(0.2, 24_000)), sentence=1))
    await live.push(piece(sentence=2, last=True))
    live.finish()
    found = await collected(live)
    assert [frames.sentence for frames in found if frames.last] == [0, 1, 2]
    assert {key: len(rows) for key, rows in sentences(found).items()} == {0: 12, 1: 6, 2: 0}


async def test_smoothing_is_of_each_sentence_and_blinks_go_on_over_all() -> None:
    plain, finished = stream(Predictor()), stream(Predictor(), post_processing=True)
    out = []
    for live in (plain, finished):
        reading = asyncio.create_task(collected(live))
        for sentence in range(4):
            await say(live, speechlike(2.0, 24_000, seed=sentence), 2400, sentence=sentence)
        live.finish()
        out.append(sentences(await reading))
    expected = Blinks(5).apply(0, np.concatenate([smooth(out[0][sentence]) for sentence in range(4)]))
    got = np.concatenate([out[1][sentence] for sentence in range(4)])
    assert np.abs(got - expected).max() < 1e-6
    assert got[:, 8].max() > 0.5


async def test_a_cancel_drops_what_waits_and_what_is_half_computed() -> None:
    gate = asyncio.Event()
    live = stream(predict := Predictor(gate))
    reading = asyncio.create_task(collected(live))
    await live.push(piece(s16(tone(1.0, 24_000)), last=True))
    await live.push(piece(s16(tone(1.0, 24_000)), sentence=1, last=True))
    await until(lambda: len(predict.heard) == 1)
    live.cancel(1)
    await until(lambda: predict.cancelled == 1)
    gate.set()
    await live.push(piece(s16(tone(1.0, 24_000)), sentence=2, generation=0, last=True))
    await live.push(piece(s16(tone(0.1, 24_000)), generation=1, last=True))
    live.finish()
    found = await reading
    assert {frames.generation for frames in found} == {1}
    assert len(sentences(found)[0]) == 3


async def test_speech_of_a_newer_generation_cancels_by_itself_and_an_older_cancel_does_nothing() -> None:
    live = stream(Predictor())
    await live.push(piece(s16(tone(1.0, 24_000)), generation=3, last=True))
    live.cancel(3)
    live.cancel(2)
    await live.push(piece(s16(tone(0.2, 24_000)), generation=4, last=True))
    live.finish()
    assert {frames.generation for frames in await collected(live)} == {4}


async def test_a_prediction_that_ends_in_spite_of_its_cancellation_is_thrown_away() -> None:
    begun, finish = asyncio.Event(), asyncio.Event()

    async def stubborn(utterance: Utterance) -> Weights:
        begun.set()
        try:
            await finish.wait()
        except asyncio.CancelledError:
            pass
        return loudness(utterance)

    live = LiveStream(stubborn, POLICY, 0, post_processing=False, seed=0, most_waiting_s=60)
    reading = asyncio.create_task(collected(live))
    await live.push(piece(s16(tone(1.0, 24_000)), last=True))
    await begun.wait()
    live.cancel(1)
    live.finish()
    assert await reading == []


async def test_nothing_is_predicted_ahead_of_a_reader_who_stops() -> None:
    live = stream(predict := Predictor())
    await live.push(piece(s16(tone(20.0, 24_000)), last=True))
    found = live.frames()
    await anext(found)
    for _ in range(50):
        await asyncio.sleep(0)
    assert len(predict.heard) == 1
    await found.aclose()


async def test_too_much_waiting_speech_is_refused() -> None:
    live = stream(Predictor())
    await live.push(piece(s16(tone(59.0, 24_000))))
    with pytest.raises(Full, match="60 s"):
        await live.push(piece(s16(tone(2.0, 24_000))))


async def test_a_piece_that_is_too_long_by_itself_is_not_even_heard() -> None:
    live = stream(predict := Predictor())
    with pytest.raises(Full, match="60 s"):
        await live.push(piece(s16(tone(61.0, 24_000))))
    live.finish()
    assert [(len(frames.weights), frames.last) for frames in await collected(live)] == [(0, True)]
    assert predict.heard == []


async def test_too_many_empty_sentences_are_refused() -> None:
    live = stream(Predictor())
    with pytest.raises(Full):
        for sentence in range(601):
            await live.push(piece(sentence=sentence, last=True))


async def test_half_a_sample_and_speech_after_the_end_are_wrong() -> None:
    live = stream(Predictor())
    with pytest.raises(InvalidInput, match="even number"):
        await live.push(piece(b"abc"))
    await live.push(piece(last=True))
    with pytest.raises(InvalidInput, match="last piece"):
        await live.push(piece(b"ab"))


async def test_failures_end_the_stream_with_their_error() -> None:
    predict = Predictor()
    predict.failure = FlashbackError("no memory left")
    live = stream(predict)
    await live.push(piece(s16(tone(1.0, 24_000)), last=True))
    with pytest.raises(FlashbackError, match="no memory"):
        await collected(live)
    waiting = stream(Predictor(asyncio.Event()))
    reading = asyncio.create_task(collected(waiting))
    await waiting.push(piece(s16(tone(1.0, 24_000)), last=True))
    await asyncio.sleep(0.01)
    waiting.fail(Unavailable("the caller's requests broke off"))
    with pytest.raises(Unavailable):
        await reading


async def test_an_engine_with_51_channels_is_a_defect() -> None:
    async def predict(utterance: Utterance) -> Weights:
        return loudness(utterance)[:, :51]

    live = LiveStream(predict, POLICY, 0, post_processing=False, seed=0, most_waiting_s=60)
    await live.push(piece(s16(tone(0.2, 24_000)), last=True))
    with pytest.raises(FlashbackError, match="51"):
        await collected(live)


@pytest.mark.parametrize(
    ("valence", "arousal", "level"),
    [(0, 0, 0), (0.2, 0.1, 0), (0.25, 0, 1), (0, -0.3, 1), (-0.2, 0.2, 1), (1, 1, 1)],
)
def test_a_strong_emotion_is_level_1(valence: float, arousal: float, level: int) -> None:
    assert level_of(valence, arousal, 0.25) == level


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1.5, -2])
def test_emotions_that_are_none(bad: float) -> None:
    with pytest.raises(InvalidInput, match="-1..1"):
        level_of(bad, 0, 0.25)
    with pytest.raises(InvalidInput, match="-1..1"):
        level_of(0, bad, 0.25)


def test_the_policy_follows_settings_and_engine() -> None:
    info = EngineInfo("x", "cpu", 1, 20.0, context_s=2.0, lookahead_s=0.15)
    assert policy_of(EmoTalkSettings(), info) == Policy(8_000 - RESAMPLING, 3_200 - RESAMPLING, 32_000, 2_400, 320_000)
    assert policy_of(EmoTalkSettings(live_context_s=30.0), info).context == 160_000


async def say_open(live: LiveStream, sound: NDArray[np.float32]) -> None:
    """The beginning of a sentence, in pieces of 20 ms."""
    audio = s16(sound)
    for at in range(0, len(audio), 960):
        await live.push(piece(audio[at : at + 960]))
        await asyncio.sleep(0)


async def until(condition: object) -> None:
    while not condition():  # type: ignore[operator]
        await asyncio.sleep(0.001)
