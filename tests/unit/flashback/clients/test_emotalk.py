"""The blocking client. The service runs on the test's loop, so the client works in a thread."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from flashback.clients import EmoTalk
from flashback.clients.emotalk import Chunks
from flashback.compat import emotalk_pb2
from flashback.errors import FlashbackError, Full, InvalidInput, TooLarge, Unavailable
from tests.fakes.emotalk import FakeEmoTalk, weights, without_statuses

T = TypeVar("T")
BUSY = "Server is busy, queue is full (100 waiting)."


async def using(address: str, work: Callable[[EmoTalk], T], **options: Any) -> T:
    def run() -> T:
        with EmoTalk(address, **options) as client:
            return work(client)

    return await asyncio.to_thread(run)


async def test_a_file_becomes_chunks_of_frames(emotalk: FakeEmoTalk, tmp_path: Path) -> None:
    emotalk.answer(3, 2)
    file = tmp_path / "voice.wav"
    file.write_bytes(b"RIFF")
    chunks = await using(emotalk.address, lambda c: list(c.process_audio_file(file, emotion_level=0, person_id=23)))
    assert [(c["chunk_index"], len(c["frames"]), c["is_final"]) for c in chunks] == [(0, 3, False), (1, 2, True)]
    frames = [frame for chunk in chunks for frame in chunk["frames"]]
    assert [f["timecode"] for f in frames] == [k / 30 for k in range(5)]
    assert [f["frame_number"] for f in frames] == [0, 1, 2, 0, 1]
    assert [f["blendshapes"] for f in frames] == [weights(k) for k in range(5)]
    (request,) = emotalk.requests
    assert chunks[0]["request_id"] == request.request_id != ""
    assert (request.audio_data, request.emotion_level, request.person_id) == (b"RIFF", 0, 23)


async def test_defaults_are_those_of_the_existing_service(emotalk: FakeEmoTalk) -> None:
    await using(emotalk.address, lambda c: list(c.process_audio(b"x")))
    (r,) = emotalk.requests
    given = (r.emotion_level, r.person_id, r.post_processing, r.chunk_duration, r.chunk_overlap)
    assert given == (1, 0, True, 25.0, 0.5)


async def test_the_number_of_chunks_may_be_asked_before_they_are_read(emotalk: FakeEmoTalk) -> None:
    emotalk.answer(1, 1, 1)

    def work(client: EmoTalk) -> tuple[int, int, int, int]:
        chunks = client.process_audio(b"x")
        next(chunks)
        counted = len(chunks)
        return counted, len(list(chunks)), len(chunks), len(list(chunks))

    assert await using(emotalk.address, work) == (3, 2, 3, 0)


@pytest.mark.parametrize("how", ["closed", "with", "dropped"])
async def test_an_abandoned_recording_is_cancelled(emotalk: FakeEmoTalk, how: str) -> None:
    emotalk.answer(1, emotalk.hold, 1)
    may_end = threading.Event()

    def leave(client: EmoTalk) -> None:
        chunks: Chunks | None = client.process_audio(b"x")
        assert chunks is not None
        next(chunks)
        match how:
            case "closed":
                chunks.close()
            case "with":
                with chunks:
                    pass
            case "dropped":
                chunks = None
        assert may_end.wait(10), "the channel must stay open until the service has seen the call end"

    working = asyncio.create_task(using(emotalk.address, leave))
    async with asyncio.timeout(5):
        await emotalk.left.wait()
    may_end.set()
    await working


@pytest.mark.parametrize(
    "error", [InvalidInput("Not audio."), Full(BUSY, 7), Unavailable("Loading."), FlashbackError("Broke.")]
)
async def test_errors_are_typed(emotalk: FakeEmoTalk, error: FlashbackError) -> None:
    emotalk.answer(error)
    with pytest.raises(type(error), match=error.message[:4]) as caught:
        await using(emotalk.address, lambda c: list(c.process_audio(b"x")))
    if isinstance(error, Full):
        assert caught.value.retry_after_s == 7


async def test_an_error_after_some_chunks_comes_after_them(emotalk: FakeEmoTalk) -> None:
    emotalk.answer(2, InvalidInput("The recording breaks off."))

    def work(client: EmoTalk) -> int:
        chunks = client.process_audio(b"x")
        got = len(next(chunks)["frames"])
        with pytest.raises(InvalidInput, match="breaks off"):
            next(chunks)
        return got

    assert await using(emotalk.address, work) == 2


async def test_the_status_says_more_than_the_text_before_it(emotalk: FakeEmoTalk) -> None:
    text = emotalk_pb2.BlendshapeResponse(error_message="The recording breaks off.", is_final=True)
    emotalk.answer(2, text, InvalidInput("The recording breaks off."))
    with pytest.raises(InvalidInput, match="breaks off"):
        await using(emotalk.address, lambda c: list(c.process_audio(b"x")))


async def test_waits_for_a_full_service_only_when_asked(emotalk: FakeEmoTalk) -> None:
    pauses: list[float] = []
    emotalk.answer(Full(BUSY, 7))
    with pytest.raises(Full):
        await using(emotalk.address, lambda c: list(c.process_audio(b"x")), sleep=pauses.append)
    assert pauses == []
    emotalk.answer(Full(BUSY, 7))
    emotalk.answer(Full(BUSY, 3))
    emotalk.answer(5)
    chunks = await using(emotalk.address, lambda c: list(c.process_audio(b"x", wait=True)), sleep=pauses.append)
    assert pauses == [7, 3]
    assert [len(c["frames"]) for c in chunks] == [5]
    assert len({r.request_id for r in emotalk.requests[1:]}) == 1


async def test_does_not_wait_longer_than_it_may(emotalk: FakeEmoTalk) -> None:
    pauses: list[float] = []
    emotalk.answer(Full(BUSY, 60))
    with pytest.raises(Full):
        await using(
            emotalk.address, lambda c: list(c.process_audio(b"x", wait=True)), timeout_s=30, sleep=pauses.append
        )
    assert pauses == []


async def test_full_in_the_midst_is_not_tried_again(emotalk: FakeEmoTalk) -> None:
    emotalk.answer(1, Full(BUSY, 1))
    with pytest.raises(Full):
        await using(emotalk.address, lambda c: list(c.process_audio(b"x", wait=True)), sleep=lambda s: None)
    assert len(emotalk.requests) == 1


async def test_a_recording_that_takes_too_long_ends(emotalk: FakeEmoTalk) -> None:
    emotalk.answer(emotalk.hold, 1)
    with pytest.raises(Unavailable, match="in time"):
        await using(emotalk.address, lambda c: list(c.process_audio(b"x")), timeout_s=0.2)


async def test_nobody_there(tmp_path: Path) -> None:
    address = f"unix:{tmp_path}/nobody.sock"
    with pytest.raises(Unavailable, match="No EmoTalk service is answering"):
        await using(address, lambda c: list(c.process_audio(b"x")))
    assert await using(address, lambda c: c.health_check()) is False


async def test_health(emotalk: FakeEmoTalk) -> None:
    assert await using(emotalk.address, lambda c: c.health_check()) is True
    emotalk.status = emotalk_pb2.HealthCheckResponse.NOT_SERVING
    assert await using(emotalk.address, lambda c: c.health_check()) is False


async def test_describes_itself(emotalk: FakeEmoTalk) -> None:
    described = await using(emotalk.address, lambda c: c.describe())
    assert (described["engine"], described["device"], described["fps"]) == ("viseme", "cpu", 30)
    assert described["channels"][0] == "browDownLeft"


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({"emotion_level": 7}, "emotion_level"),
        ({"emotion_level": -1}, "emotion_level"),
        ({"person_id": 99}, "person_id"),
        ({"person_id": 24}, "person_id"),
        ({"person_id": 2**40}, "person_id"),
    ],
)
async def test_values_out_of_range_are_refused_at_once(
    emotalk: FakeEmoTalk, values: dict[str, Any], names: str
) -> None:
    with pytest.raises(InvalidInput, match=names):
        await using(emotalk.address, lambda c: c.process_audio(b"x", **values))
    assert emotalk.requests == []


async def test_empty_and_missing_files(emotalk: FakeEmoTalk, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="empty"):
        await using(emotalk.address, lambda c: c.process_audio(b""))
    with pytest.raises(InvalidInput, match=r"gone\.wav cannot be read: No such file"):
        await using(emotalk.address, lambda c: c.process_audio_file(tmp_path / "gone.wav"))


async def test_a_recording_larger_than_the_service_takes(emotalk: FakeEmoTalk) -> None:
    with pytest.raises(TooLarge, match="The recording is larger"):
        await using(emotalk.address, lambda c: list(c.process_audio(bytes(17 * 1024 * 1024), wait=True)))


@pytest.mark.parametrize(
    ("text", "kind"), [("Server is busy, queue is full. Try later.", Full), ("Error: no audio", FlashbackError)]
)
async def test_a_service_that_answers_errors_as_text(tmp_path: Path, text: str, kind: type[FlashbackError]) -> None:
    async with without_statuses(tmp_path, text) as address:
        with pytest.raises(FlashbackError, match=text) as caught:
            await using(address, lambda c: list(c.process_audio(b"x")))
        assert type(caught.value) is kind
        with pytest.raises(FlashbackError):
            await using(address, lambda c: c.describe())


async def test_frames_of_51_are_refused(emotalk: FakeEmoTalk) -> None:
    frame = emotalk_pb2.BlendshapeFrame(blendshapes=[0.0] * 51)
    emotalk.answer(emotalk_pb2.BlendshapeResponse(frames=[frame], is_final=True))
    with pytest.raises(FlashbackError, match="51"):
        await using(emotalk.address, lambda c: list(c.process_audio(b"x")))


async def test_a_stream_without_its_final_chunk_is_an_error(emotalk: FakeEmoTalk) -> None:
    emotalk.answer(emotalk_pb2.BlendshapeResponse(chunk_index=0))
    with pytest.raises(FlashbackError, match="final"):
        await using(emotalk.address, lambda c: list(c.process_audio(b"x")))


def test_needs_grpc_and_protobuf_alone() -> None:
    code = """
import sys
for name in ("numpy", "pydantic", "pydantic_settings", "grpc_health", "grpc_reflection", "rich", "typer"):
    sys.modules[name] = None
import flashback.clients
print(flashback.clients.EmoTalk.__name__)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ran.stdout.strip() == "EmoTalk", ran.stderr
