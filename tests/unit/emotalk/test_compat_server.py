"""`emotalk.EmoTalkService` on a real channel, as clients in the field use it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import numpy as np
import pytest

from flashback.compat import emotalk_pb2, emotalk_pb2_grpc
from flashback.errors import Full, Unavailable
from flashback.rpc import ServiceServer
from services.emotalk.compat_server import EmoTalkServicer
from services.emotalk.engine import CHANNELS, Utterance, frame_count
from services.emotalk.jobs import Chunk, Job, QueueState
from services.emotalk.readers import ReaderWatch
from services.emotalk.settings import EmoTalkSettings
from tests.unit.emotalk.predictors import LoudEngine, loudness
from tests.unit.emotalk.serving import SMALL_WINDOW, Caller, request, serving, until
from tests.unit.emotalk.sounds import encoded, silent_film, speechlike, three_hours, tone, wav

SOUND = speechlike(3.0)
FILE = wav(SOUND, 16_000, float_=True)


@pytest.fixture
async def caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Caller]:
    async with serving(tmp_path, monkeypatch, LoudEngine()) as found:
        yield found


async def refused(caller: Caller, audio: bytes = FILE, **fields: object) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await caller.process(audio, **fields)
    return caught.value


async def test_a_recording_becomes_chunks_of_52_weights(caller: Caller) -> None:
    responses = await caller.process(FILE, request_id="mine", person_id=5)
    assert len(responses) == 1
    response = responses[0]
    assert (response.request_id, response.chunk_index, response.is_final) == ("mine", 0, True)
    assert response.error_message == ""
    assert [frame.frame_number for frame in response.frames] == list(range(90))
    assert [frame.timecode for frame in response.frames] == [k / 30 for k in range(90)]
    rows = np.array([frame.blendshapes for frame in response.frames], np.float32)
    assert np.array_equal(rows, loudness(Utterance(SOUND, 1, 5)))


async def test_frame_numbers_begin_again_in_each_chunk_and_time_goes_on(caller: Caller) -> None:
    responses = await caller.process(wav(speechlike(9.0), 16_000, float_=True), chunk_duration=4.0)
    assert [response.chunk_index for response in responses] == [0, 1, 2]
    assert [response.is_final for response in responses] == [False, False, True]
    times = [frame.timecode for response in responses for frame in response.frames]
    assert times == [k / 30 for k in range(frame_count(9 * 16_000))]
    for response in responses:
        assert [frame.frame_number for frame in response.frames] == list(range(len(response.frames)))


async def test_what_a_caller_leaves_out_has_the_defaults(caller: Caller) -> None:
    stub = caller.recordings
    bare = [r async for r in stub.ProcessAudio(emotalk_pb2.AudioRequest(audio_data=FILE))]
    assert bare[0].request_id != ""
    assert [frame.blendshapes[1] for frame in bare[0].frames[:2]] == [0, 0]
    negative = await caller.process(FILE, chunk_duration=-1, chunk_overlap=-1)
    assert len(negative[0].frames) == 90


async def test_smoothing_and_blinks_are_there_when_asked_for(caller: Caller) -> None:
    file = wav(speechlike(12.0), 16_000, float_=True)
    plain, finished = await caller.process(file), await caller.process(file, post_processing=True)
    lids = [max(frame.blendshapes[8] for response in found for frame in response.frames) for found in (plain, finished)]
    assert lids[0] == 0
    assert lids[1] > 0.5


@pytest.mark.parametrize("kind", ["mp3", "ogg", "flac", "m4a", "webm"])
async def test_compressed_files_are_taken_too(caller: Caller, kind: str) -> None:
    responses = await caller.process(encoded(speechlike(1.0, 48_000), 48_000, kind))
    assert len(responses[0].frames) in (30, 31)


@pytest.mark.parametrize(
    "file",
    [wav(((tone(1, 16_000) + 1) * 127).astype(np.uint8), 16_000), wav(tone(1, 192_000), 192_000, float_=True)],
    ids=["8-bit", "192 kHz"],
)
async def test_unusual_recordings_are_taken(caller: Caller, file: bytes) -> None:
    assert len((await caller.process(file))[0].frames) == 30


NAN = tone(1, 16_000)
NAN[100] = np.nan


@pytest.mark.parametrize(
    ("audio", "fields", "sentence"),
    [
        (b"Dear Sir or Madam", {}, "not an audio file"),
        (silent_film(), {}, "no audio stream"),
        (b"", {}, "0 bytes"),
        (wav(np.zeros(0, "<i2"), 16_000), {}, "0 samples"),
        (wav(NAN, 16_000, float_=True), {}, "NaN"),
        (three_hours(), {}, "longer than 1800 s"),
        (FILE, {"emotion_level": 7}, "emotion_level is 0 or 1"),
        (FILE, {"emotion_level": -1}, "emotion_level is 0 or 1"),
        (FILE, {"person_id": 99}, "person_id is 0 to 23"),
        (FILE, {"person_id": -1}, "person_id is 0 to 23"),
        (FILE, {"chunk_overlap": 25.0}, "chunk_overlap"),
        (FILE, {"chunk_duration": float("nan")}, "finite"),
        (FILE, {"chunk_overlap": float("inf")}, "finite"),
        (FILE, {"request_id": "x" * 257}, "256 characters"),
    ],
    ids=[
        *("not audio", "film", "empty", "no samples", "NaN", "3 hours", "level 7", "level -1", "person 99"),
        *("person -1", "overlap", "NaN duration", "infinite overlap", "long id"),
    ],
)
async def test_bad_input_is_an_invalid_argument_that_says_so(
    caller: Caller, audio: bytes, fields: dict[str, object], sentence: str
) -> None:
    error = await refused(caller, audio, **fields)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert sentence in (error.details() or "")
    description = await caller.describe()
    assert description.queue_depth == 0


async def test_a_file_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(tmp_path, monkeypatch, LoudEngine(), max_audio_mb=1) as caller:
        error = await refused(caller, FILE + bytes(2**20))
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "larger than 1 MB" in (error.details() or "")


async def test_an_engine_with_51_channels_is_an_internal_error_and_others_are_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = LoudEngine()
    engine.channels = 51
    async with serving(tmp_path, monkeypatch, engine, tries=1) as caller:
        error = await refused(caller)
        assert error.code() is grpc.StatusCode.INTERNAL
        assert "51" in (error.details() or "")
        engine.channels = CHANNELS
        assert len((await caller.process(FILE))[0].frames) == 90


async def test_a_full_queue_says_so_with_a_place_and_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = LoudEngine(threading.Event())
    async with serving(tmp_path, monkeypatch, engine, queue_size=1, num_workers=1) as caller:
        running = asyncio.create_task(caller.process(FILE))
        await until(lambda: engine.predicted)
        waiting = asyncio.create_task(caller.process(FILE))
        while (await caller.describe()).queue_depth < 1:
            await asyncio.sleep(0.005)
        error = await refused(caller)
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert (error.details() or "").startswith("Server is busy, queue is full")
        assert "2 recordings are ahead" in (error.details() or "")
        trailing = dict(error.trailing_metadata() or ())
        assert int(trailing["retry-after"]) > 0
        assert engine.gate is not None
        engine.gate.set()
        assert len((await running)[0].frames) == len((await waiting)[0].frames) == 90


async def test_recordings_of_too_many_bytes_together_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = LoudEngine(threading.Event())
    large = wav(speechlike(20.0), 16_000, float_=True)
    async with serving(tmp_path, monkeypatch, engine, max_held_mb=2) as caller:
        running = asyncio.create_task(caller.process(large))
        await until(lambda: engine.predicted)
        error = await refused(caller, large)
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert (error.details() or "").startswith("Server is busy, queue is full")
        assert engine.gate is not None
        engine.gate.set()
        await running
        assert await caller.process(large)


@pytest.mark.parametrize("how", ["cancels", "deadline"])
async def test_a_caller_who_leaves_frees_the_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    engine = LoudEngine(threading.Event())
    async with serving(tmp_path, monkeypatch, engine, num_workers=1) as caller:
        # The one who waits leaves first: once the other has left, a waiting recording is rightly begun.
        limits_s = (4.0, 2.0) if how == "deadline" else (None, None)
        first = caller.recordings.ProcessAudio(request(FILE), timeout=limits_s[0])
        await until(lambda: engine.predicted)
        second = caller.recordings.ProcessAudio(request(FILE), timeout=limits_s[1])
        while (await caller.describe()).queue_depth < 1:
            await asyncio.sleep(0.005)
        if how == "cancels":
            second.cancel()
            await second.code()
            while (await caller.describe()).queue_depth:
                await asyncio.sleep(0.005)
            first.cancel()
        expected = grpc.StatusCode.CANCELLED if how == "cancels" else grpc.StatusCode.DEADLINE_EXCEEDED
        assert (await first.code(), await second.code()) == (expected, expected)
        while (await caller.describe()).queue_depth:
            await asyncio.sleep(0.005)
        assert engine.gate is not None
        engine.gate.set()
        assert len((await caller.process(FILE))[0].frames) == 90
        assert engine.predicted == 2, "nothing was predicted for the one who waited and left"


class Scripted:
    """A queue that answers every job with the same chunks; an exception among them is raised. cancelled: jobs."""

    def __init__(self, *script: Chunk | Exception) -> None:
        self.script = script
        self.submitted: list[Job] = []
        self.cancelled: list[str] = []

    async def submit(self, job: Job) -> int:
        self.submitted.append(job)
        return 0

    async def results(self, job_id: str) -> AsyncIterator[Chunk]:
        for item in self.script:
            if isinstance(item, Exception):
                raise item
            yield item

    async def cancel(self, job_id: str) -> None:
        self.cancelled.append(job_id)

    async def state(self) -> QueueState:
        return QueueState(0, 0, 100, 1)

    async def close(self) -> None:
        return


def long_script(count: int) -> list[Chunk]:
    """Chunks of 750 frames, 160 kB each on the wire."""
    rows = np.zeros((750, CHANNELS), np.float32) + 0.5
    return [Chunk(index, index * 750, rows, index == count - 1) for index in range(count)]


@pytest.fixture
async def scripted(tmp_path: Path) -> AsyncIterator[tuple[Scripted, Caller]]:
    """A service before a scripted queue; whoever reads nothing for a second has stopped."""
    queue, readers = Scripted(), ReaderWatch(1.0)
    servicer = EmoTalkServicer(queue, readers, EmoTalkSettings(blink_seed=11))
    service = ServiceServer(f"unix:{tmp_path}/s.sock")
    emotalk_pb2_grpc.add_EmoTalkServiceServicer_to_server(servicer, service.server)
    await service.start()
    async with grpc.aio.insecure_channel(service.address, options=SMALL_WINDOW) as channel:
        yield queue, Caller(channel)
    await service.stop(0)
    await readers.close()
    await servicer.close()


async def test_a_job_says_what_was_asked(scripted: tuple[Scripted, Caller]) -> None:
    queue, caller = scripted
    queue.script = tuple(long_script(1))
    await caller.process(FILE, request_id="a", person_id=23, post_processing=True, chunk_duration=8.0)
    await caller.process(FILE, request_id="a", chunk_duration=0.0, chunk_overlap=0.0)
    first, second = queue.submitted
    assert (first.audio, first.level, first.person, first.post_processing) == (FILE, 1, 23, True)
    assert (first.chunk_s, first.overlap_s, first.seed) == (8.0, 0.5, 11)
    assert (second.chunk_s, second.overlap_s) == (25.0, 0.0)
    assert first.id != second.id, "two callers may choose the same request_id"
    assert queue.cancelled == []


async def test_a_caller_who_stops_reading_is_told_and_the_job_cancelled(scripted: tuple[Scripted, Caller]) -> None:
    queue, caller = scripted
    queue.script = tuple(long_script(200))
    call = caller.recordings.ProcessAudio(request(FILE))
    await call.read()
    await until(lambda: queue.cancelled)
    assert queue.cancelled == [queue.submitted[0].id]
    with contextlib.suppress(grpc.aio.AioRpcError):
        while await call.read() is not grpc.aio.EOF:
            pass
    assert await call.code() is grpc.StatusCode.ABORTED
    assert "Nothing was read for 1 s" in await call.details()


async def test_a_slow_reader_gets_everything(scripted: tuple[Scripted, Caller]) -> None:
    queue, caller = scripted
    queue.script = tuple(long_script(20))
    count = 0
    async for _ in caller.recordings.ProcessAudio(request(FILE)):
        count += 1
        await asyncio.sleep(0.1)
    assert count == 20
    assert queue.cancelled == []


async def test_a_caller_who_leaves_while_frames_are_on_their_way(scripted: tuple[Scripted, Caller]) -> None:
    queue, caller = scripted
    queue.script = tuple(long_script(200))
    call = caller.recordings.ProcessAudio(request(FILE))
    await call.read()
    call.cancel()
    await until(lambda: queue.cancelled)


async def test_a_failure_after_the_first_frames_is_told_in_a_last_response_and_the_status(
    scripted: tuple[Scripted, Caller],
) -> None:
    queue, caller = scripted
    queue.script = (long_script(2)[0], Unavailable("the workers are gone"))
    responses = []
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for response in caller.recordings.ProcessAudio(request(FILE)):
            responses.append(response)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert [(r.chunk_index, len(r.frames), r.is_final, r.error_message) for r in responses] == [
        (0, 750, False, ""),
        (1, 0, True, "the workers are gone"),
    ]
    assert queue.cancelled == []


async def test_a_failure_before_the_first_frames_is_the_status_alone(scripted: tuple[Scripted, Caller]) -> None:
    queue, caller = scripted
    queue.script = (Full("Server is busy, queue is full: 100 recordings are ahead of yours.", 7),)
    error = await refused(caller)
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert dict(error.trailing_metadata() or ())["retry-after"] == "7"


async def test_health_is_serving(caller: Caller) -> None:
    for name in ("", "emotalk", "anything"):
        answer = await caller.recordings.HealthCheck(emotalk_pb2.HealthCheckRequest(service=name))
        assert answer.status == emotalk_pb2.HealthCheckResponse.SERVING
