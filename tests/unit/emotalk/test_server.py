"""`flashback.v1.EmoTalk` on a real channel."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from numpy.typing import NDArray

from flashback.errors import Unavailable
from flashback.media.blendshapes import ARKIT_52_ALPHABETICAL
from flashback.rpc import ServiceServer
from flashback.v1 import emotalk_pb2, emotalk_pb2_grpc, media_pb2
from services.emotalk.engine import CHANNELS, EngineInfo, Weights
from services.emotalk.jobs import QueueState
from services.emotalk.readers import ReaderWatch
from services.emotalk.server import LiveServicer
from services.emotalk.settings import EmoTalkSettings
from tests.unit.emotalk.predictors import INFO, LoudEngine, Predictor
from tests.unit.emotalk.serving import SMALL_WINDOW, Caller, serving, until
from tests.unit.emotalk.sounds import speechlike, tone

Call = Any


@pytest.fixture
async def caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Caller]:
    async with serving(tmp_path, monkeypatch, LoudEngine(), max_live_streams=2) as found:
        yield found


def start(**fields: object) -> emotalk_pb2.AnimateRequest:
    return emotalk_pb2.AnimateRequest(start=emotalk_pb2.AnimateStart(session_id="s", **fields))  # type: ignore[arg-type]


def spoken(
    sound: NDArray[np.float32], sentence: int = 0, generation: int = 0, last: bool = True, **emotion: float
) -> emotalk_pb2.AnimateRequest:
    return emotalk_pb2.AnimateRequest(
        audio=emotalk_pb2.SpokenAudio(
            turn_id="t",
            generation=generation,
            sentence=sentence,
            audio=(sound * 32767).astype("<i2").tobytes(),
            emotion=media_pb2.Emotion(**emotion),  # type: ignore[arg-type]
            last=last,
        )
    )


def cancel(generation: int) -> emotalk_pb2.AnimateRequest:
    return emotalk_pb2.AnimateRequest(cancel=emotalk_pb2.CancelAnimation(generation=generation))


async def animated(caller: Caller, requests: Iterable[emotalk_pb2.AnimateRequest]) -> list[emotalk_pb2.AnimateEvent]:
    """All events to a whole stream of requests."""
    call = caller.live.Animate(iter(list(requests)))
    return [event async for event in call]


async def opened(caller: Caller) -> Call:
    """A stream that has begun."""
    call = caller.live.Animate()
    await call.write(start())
    event = await call.read()
    assert event.HasField("description")
    return call


async def refused(caller: Caller, *requests: emotalk_pb2.AnimateRequest) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await animated(caller, requests)
    return caught.value


def rows(events: Iterable[emotalk_pb2.AnimateEvent], sentence: int = 0) -> Weights:
    """The frames of a sentence, after looking at how they were numbered."""
    parts = [event.frames for event in events if event.HasField("frames") and event.frames.sentence == sentence]
    assert [part.last for part in parts] == [False] * (len(parts) - 1) + [True]
    at = 0
    for part in parts:
        assert part.first_frame == at
        at += len(part.weights) // CHANNELS
    return np.array([value for part in parts for value in part.weights], np.float32).reshape(-1, CHANNELS)


async def test_the_service_says_what_it_is(caller: Caller) -> None:
    description = await caller.describe()
    assert (description.engine, description.device, description.fps) == ("loudness", "cpu", 30)
    assert description.layout == "arkit-52-alphabetical"
    assert tuple(description.channels) == ARKIT_52_ALPHABETICAL
    assert (description.queue_depth, description.queue_size, description.workers) == (0, 100, 2)
    assert (description.live_streams, description.max_live_streams) == (0, 2)


async def test_speech_becomes_frames_and_the_first_event_describes_them(caller: Caller) -> None:
    events = await animated(caller, [start(person_id=4), spoken(speechlike(1.5, 24_000)), spoken(tone(0.3, 24_000), 1)])
    assert events[0].description.layout == "arkit-52-alphabetical"
    assert rows(events).shape == (45, CHANNELS)
    assert rows(events, 1).shape == (9, CHANNELS)
    assert (rows(events)[:, 2] == 4).all()


async def test_the_level_follows_the_emotion_of_the_sentence(caller: Caller) -> None:
    sound = tone(0.2, 24_000)
    calm, glad = spoken(sound, 0), spoken(sound, 1, valence=0.6, arousal=0.4)
    events = await animated(caller, [start(), calm, glad])
    assert (rows(events)[:, 1] == 0).all()
    assert (rows(events, 1)[:, 1] == 1).all()


async def test_frames_come_while_the_sentence_is_still_spoken(caller: Caller) -> None:
    call = await opened(caller)
    await call.write(spoken(speechlike(0.6, 24_000), last=False))
    event = await call.read()
    assert event.frames.first_frame == 0
    assert len(event.frames.weights) >= 10 * CHANNELS
    assert not event.frames.last
    await call.done_writing()
    rest = [event async for event in _rest(call)]
    assert rest[-1].frames.last
    assert rest[-1].frames.first_frame + len(rest[-1].frames.weights) // CHANNELS == 18


async def test_a_cancel_stops_what_was_said_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = LoudEngine(threading.Event())
    async with serving(tmp_path, monkeypatch, engine) as caller:
        call = await opened(caller)
        await call.write(spoken(speechlike(2.0, 24_000)))
        await until(lambda: engine.predicted)
        await call.write(cancel(1))
        await call.write(spoken(tone(0.1, 24_000), generation=0, sentence=1))
        await call.write(spoken(tone(0.2, 24_000), generation=1))
        await call.done_writing()
        assert engine.gate is not None
        engine.gate.set()
        events = [event async for event in _rest(call)]
    assert {event.frames.generation for event in events} == {1}
    assert rows(events).shape == (6, CHANNELS)


@pytest.mark.parametrize(
    ("requests", "sentence"),
    [
        ([], "first message"),
        ([spoken(tone(0.1, 24_000))], "first message"),
        ([start(person_id=99)], "person_id is 0 to 23"),
        ([start(), start()], "one `start`"),
        ([start(), emotalk_pb2.AnimateRequest(audio=emotalk_pb2.SpokenAudio(audio=b"abc"))], "even number"),
        ([start(), spoken(tone(0.1, 24_000), valence=float("nan"))], "-1..1"),
        ([start(), spoken(tone(0.1, 24_000)), spoken(tone(0.1, 24_000))], "last piece"),
    ],
    ids=["nothing", "no start", "person 99", "two starts", "half a sample", "NaN emotion", "after the end"],
)
async def test_bad_input_is_an_invalid_argument_and_frees_the_slot(
    caller: Caller, requests: list[emotalk_pb2.AnimateRequest], sentence: str
) -> None:
    error = await refused(caller, *requests)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert sentence in (error.details() or "")
    await no_streams(caller)


async def test_no_more_streams_than_allowed(caller: Caller) -> None:
    first, second = await opened(caller), await opened(caller)
    error = await refused(caller, start())
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "All 2 live streams" in (error.details() or "")
    assert "retry-after" in dict(error.trailing_metadata() or ())
    first.cancel()
    while (await caller.describe()).live_streams > 1:
        await asyncio.sleep(0.005)
    third = await opened(caller)
    for call in (second, third):
        call.cancel()
    await no_streams(caller)


@pytest.mark.parametrize("when", ["idle", "predicting"])
async def test_a_caller_who_leaves_frees_the_slot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    engine = LoudEngine(threading.Event())
    async with serving(tmp_path, monkeypatch, engine) as caller:
        call = await opened(caller)
        if when == "predicting":
            await call.write(spoken(speechlike(5.0, 24_000)))
            await until(lambda: engine.predicted)
        call.cancel()
        await no_streams(caller)
        assert engine.gate is not None
        engine.gate.set()
        assert len(await animated(caller, [start(), spoken(tone(0.2, 24_000))])) == 2


class QueueElsewhere:
    """A queue that does not answer."""

    async def state(self) -> QueueState:
        raise Unavailable("Redis does not answer.")


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[tuple[Predictor, Caller]]:
    """Live speech alone, without its queue; whoever reads nothing for a second has stopped."""
    predict = Predictor()
    async with _bare(tmp_path, predict, INFO) as caller:
        yield predict, caller


@contextlib.asynccontextmanager
async def _bare(folder: Path, predict: Predictor | None, info: EngineInfo | None) -> AsyncIterator[Caller]:
    readers = ReaderWatch(1.0)
    servicer = LiveServicer(QueueElsewhere(), readers, EmoTalkSettings(), predict, info)  # type: ignore[arg-type]
    service = ServiceServer(f"unix:{folder}/s.sock")
    emotalk_pb2_grpc.add_EmoTalkServicer_to_server(servicer, service.server)
    await service.start()
    async with grpc.aio.insecure_channel(service.address, options=SMALL_WINDOW) as channel:
        yield Caller(channel)
    await service.stop(0)
    await readers.close()


async def test_live_speech_does_not_need_the_queue(bare: tuple[Predictor, Caller]) -> None:
    _, caller = bare
    events = await animated(caller, [start(), spoken(tone(0.2, 24_000))])
    assert events[0].description.queue_size == 100
    assert rows(events).shape == (6, CHANNELS)


async def test_a_caller_who_stops_reading_is_told_and_nothing_more_is_predicted(
    bare: tuple[Predictor, Caller], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    predict, caller = bare
    call = await opened(caller)
    for sentence in range(40):
        await call.write(spoken(speechlike(7.0, 24_000), sentence))
    await until(lambda: "live stream closed" in caplog.text)
    predicted = len(predict.heard)
    with contextlib.suppress(grpc.aio.AioRpcError):
        while await call.read() is not grpc.aio.EOF:
            pass
    assert await call.code() is grpc.StatusCode.ABORTED
    assert "Nothing was read for 1 s" in await call.details()
    assert len(predict.heard) == predicted < 40 * 4


async def test_a_process_that_takes_recordings_alone_says_so(tmp_path: Path) -> None:
    async with _bare(tmp_path, None, None) as caller:
        error = await refused(caller, start())
        assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
        assert "FLASHBACK_EMOTALK_ROLE=all" in (error.details() or "")


async def no_streams(caller: Caller) -> None:
    while (await caller.describe()).live_streams:
        await asyncio.sleep(0.005)


async def _rest(call: Call) -> AsyncIterator[emotalk_pb2.AnimateEvent]:
    while (event := await call.read()) is not grpc.aio.EOF:
        yield event
