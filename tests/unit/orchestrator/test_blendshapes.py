"""The REST gateway to EmoTalk, over a real socket, with the service's wire faked behind it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from flashback.compat import emotalk_pb2
from flashback.errors import FlashbackError, Full, InvalidInput, TooLarge, Unavailable
from flashback.media.blendshapes import ARKIT_52, ARKIT_52_ALPHABETICAL
from services.orchestrator.routes.blendshapes import as_event
from tests.fakes.emotalk import FakeEmoTalk, weights
from tests.unit.orchestrator.conftest import Serve, Served

URL = "/api/v1/process-audio-stream"
WAV = {"file": ("voice.wav", b"RIFF....", "audio/wav")}
BUSY = "Server is busy, queue is full (100 waiting)."


def as_the_old_page_reads(text: str) -> list[Any]:
    """Splits at line ends and parses what begins with `data: `, as pages written for the existing gateway do."""
    return [json.loads(line[6:]) for line in text.split("\n") if line.startswith("data: ")]


def error_of(answer: httpx.Response) -> dict[str, Any]:
    body = answer.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "code", "param"}
    error: dict[str, Any] = body["error"]
    return error


async def until(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


async def begin_upload(writer: asyncio.StreamWriter) -> None:
    """The first 20 of 100 kB."""
    head = f"POST {URL} HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    part = '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    writer.write(f"{head}Content-Length: 100000\r\n\r\n{part}".encode() + bytes(20_000))
    await writer.drain()


async def test_one_event_a_chunk(emotalk: FakeEmoTalk, served: Served) -> None:
    emotalk.answer(3, 2)
    answer = await served.http.post(URL, files=WAV)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-blendshape-layout"] == "arkit-52-alphabetical"
    assert answer.headers["x-blendshape-fps"] == "30"
    assert answer.headers["x-request-id"] == emotalk.requests[0].request_id
    assert [bool(line) for line in answer.text.split("\n")] == [True, False, True, False, False]
    first, second = as_the_old_page_reads(answer.text)
    assert [frame["timecode"] for frame in first + second] == pytest.approx([k / 30 for k in range(5)], abs=1e-6)
    assert [frame["frame_number"] for frame in first + second] == [0, 1, 2, 0, 1]
    for place, frame in enumerate(first + second):
        assert list(frame) == ["timecode", "blendshapes", "frame_number"]
        assert frame["blendshapes"] == pytest.approx(weights(place), abs=1e-6)


async def test_the_fixed_parameters_are_the_defaults(emotalk: FakeEmoTalk, served: Served) -> None:
    await served.http.post(URL, files=WAV)
    (r,) = emotalk.requests
    assert r.audio_data == b"RIFF...."
    given = (r.emotion_level, r.person_id, r.post_processing, r.chunk_duration, r.chunk_overlap)
    assert given == (1, 0, True, 25.0, 0.5)


async def test_fields_of_the_form(emotalk: FakeEmoTalk, served: Served) -> None:
    fields = {
        "emotion_level": "0",
        "person_id": "23",
        "post_processing": "false",
        "chunk_duration": "10",
        "chunk_overlap": "0.25",
        "other": "is passed over",
    }
    await served.http.post(URL, files=WAV, data=fields)
    await served.http.post(URL, files=WAV, data={"person_id": ""})
    given, empty = emotalk.requests
    assert (given.emotion_level, given.person_id, given.post_processing) == (0, 23, False)
    assert (given.chunk_duration, given.chunk_overlap) == (10.0, 0.25)
    assert empty.person_id == 0


async def test_events_come_while_the_rest_is_still_computed(emotalk: FakeEmoTalk, served: Served) -> None:
    emotalk.answer(3, emotalk.hold, 2)
    async with served.http.stream("POST", URL, files=WAV) as answer:
        lines = answer.aiter_lines()
        async with asyncio.timeout(5):
            assert len(as_the_old_page_reads(await anext(lines))[0]) == 3
        emotalk.hold.set()
        rest = [line async for line in lines]
    assert len(as_the_old_page_reads("\n".join(rest))[0]) == 2


def test_numbers_are_rounded_and_nothing_but_numbers() -> None:
    frames = [{"timecode": 1 / 3, "frame_number": 10, "blendshapes": [0.1 + 0.2, -1e-9, 1.25]}]
    assert as_event(frames) == (b'data: [{"timecode":0.333333,"blendshapes":[0.3,-0.0,1.25],"frame_number":10}]\n\n')
    frames[0]["blendshapes"] = [float("nan")]
    with pytest.raises(ValueError, match="JSON"):
        as_event(frames)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (InvalidInput("This is not an audio file."), 400, "invalid_input"),
        (TooLarge("The recording has 10800 s."), 413, "too_large"),
        (Full(BUSY, 7), 503, "server_full"),
        (Unavailable("The engine is loading."), 503, "unavailable"),
    ],
)
async def test_refusals_before_the_first_frame_have_a_status(
    emotalk: FakeEmoTalk, served: Served, error: FlashbackError, status: int, code: str
) -> None:
    emotalk.answer(error)
    answer = await served.http.post(URL, files=WAV)
    assert answer.status_code == status
    assert (error_of(answer)["message"], error_of(answer)["code"]) == (error.message, code)
    assert answer.headers.get("retry-after") == ("7" if isinstance(error, Full) else None)
    assert served.app.state.holdings.held == 0


async def test_a_refusal_as_text_has_a_status_too(emotalk: FakeEmoTalk, served: Served) -> None:
    emotalk.answer("Server is busy, queue is full. Try later.")
    answer = await served.http.post(URL, files=WAV)
    assert answer.status_code == 503
    assert "retry-after" in answer.headers


async def test_nobody_behind_it(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRPC_SERVER", f"unix:{tmp_path}/nobody.sock")
    answer = await (await serve()).http.post(URL, files=WAV)
    assert answer.status_code == 503
    assert error_of(answer)["code"] == "unavailable"


async def test_the_existing_gateways_variable_is_read(
    emotalk: FakeEmoTalk, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FLASHBACK_EMOTALK_ADDRESS")
    monkeypatch.setenv("GRPC_SERVER", emotalk.address)
    assert (await (await serve()).http.post(URL, files=WAV)).status_code == 200


@pytest.mark.parametrize("fault", [InvalidInput("The recording breaks off."), "Out of memory"])
async def test_errors_after_the_first_frames_are_the_last_event(
    emotalk: FakeEmoTalk, served: Served, fault: FlashbackError | str
) -> None:
    emotalk.answer(2, fault)
    answer = await served.http.post(URL, files=WAV)
    assert answer.status_code == 200
    frames, error = as_the_old_page_reads(answer.text)
    assert len(frames) == 2
    assert error == {"error": fault if isinstance(fault, str) else fault.message}


async def test_a_chunk_without_frames_is_no_event(emotalk: FakeEmoTalk, served: Served) -> None:
    emotalk.answer(2, emotalk_pb2.BlendshapeResponse(chunk_index=1, is_final=True))
    answer = await served.http.post(URL, files=WAV)
    assert [len(event) for event in as_the_old_page_reads(answer.text)] == [2]


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({}, "multipart/form-data"),
        ({"json": {"file": "x"}}, "multipart/form-data"),
        ({"files": {"sound": ("a.wav", b"x")}}, "`file`"),
        ({"files": {"file": ("a.wav", b"")}}, "empty"),
        ({"files": {"file": (None, "not a file")}}, "`file`"),
        ({"content": b"--b\r\nnonsense", "headers": {"Content-Type": "multipart/form-data; boundary=b"}}, "form"),
        (
            {
                "content": b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nRIFF',
                "headers": {"Content-Type": "multipart/form-data; boundary=b"},
            },
            "breaks off",
        ),
        ({"content": b"x", "headers": {"Content-Type": "multipart/form-data"}}, "multipart/form-data"),
        ({"files": WAV, "data": {"emotion_level": "7"}}, "emotion_level"),
        ({"files": WAV, "data": {"emotion_level": "happy"}}, "emotion_level"),
        ({"files": WAV, "data": {"emotion_level": "9" * 40}}, "emotion_level"),
        ({"files": WAV, "data": {"person_id": "99"}}, "person_id"),
        ({"files": WAV, "data": {"person_id": "-1"}}, "person_id"),
        ({"files": WAV, "data": {"person_id": "0.5"}}, "person_id"),
        ({"files": WAV, "data": {"post_processing": "maybe"}}, "post_processing"),
        ({"files": WAV, "data": {"chunk_duration": "long"}}, "chunk_duration"),
        ({"files": WAV, "data": {"chunk_overlap": "0,5"}}, "chunk_overlap"),
        ({"files": WAV, "data": {"note": "x" * 2000}}, "note"),
        ({"files": WAV, "data": {f"n{k}": "x" for k in range(20)}}, "parts"),
    ],
)
async def test_bad_requests(emotalk: FakeEmoTalk, served: Served, request_: dict[str, Any], says: str) -> None:
    answer = await served.http.post(URL, **request_)
    assert answer.status_code == 400
    error = error_of(answer)
    assert says in error["message"]
    assert error["type"] == "invalid_request_error"
    assert emotalk.requests == []
    assert served.app.state.holdings.held == 0


@pytest.mark.parametrize("declared", [True, False])
async def test_too_large_a_recording(emotalk: FakeEmoTalk, serve: Serve, declared: bool) -> None:
    served = await serve(max_recording_mb=1)
    form = httpx.Request("POST", "http://x", files={"file": ("a.wav", bytes(8 * 2**20))})
    body = form.read()

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    headers = {"Content-Type": form.headers["content-type"]}
    answer = await served.http.post(URL, content=body if declared else pieces(), headers=headers)
    assert answer.status_code == 413
    assert "larger than 1 MB" in error_of(answer)["message"]
    assert emotalk.requests == []
    assert served.app.state.holdings.held == 0


async def test_a_recording_of_just_the_limit_is_taken(emotalk: FakeEmoTalk, serve: Serve) -> None:
    served = await serve(max_recording_mb=1)
    assert (await served.http.post(URL, files={"file": ("a.wav", bytes(2**20))})).status_code == 200
    assert len(emotalk.requests[0].audio_data) == 2**20
    assert (await served.http.post(URL, files={"file": ("a.wav", bytes(2**20 + 1))})).status_code == 413


async def test_who_sends_everything_before_reading_sees_why(served: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    head = f"POST {URL} HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    writer.write(f"{head}Content-Length: {100 * 2**20}\r\n\r\n".encode())
    async with asyncio.timeout(20):
        for _ in range(100):
            writer.write(bytes(2**20))
            await writer.drain()
        assert b" 413 " in await reader.readline()
    writer.close()


async def test_who_asks_before_sending_is_told_at_once(served: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    length = 100 * 2**20
    writer.write(
        f"POST {URL} HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        f"Content-Length: {length}\r\nExpect: 100-continue\r\n\r\n".encode()
    )
    async with asyncio.timeout(5):
        status = await reader.readline()
    assert b" 413 " in status
    writer.close()


async def test_what_is_held_is_bounded_by_all_requests_together(emotalk: FakeEmoTalk, serve: Serve) -> None:
    served = await serve(max_recording_mb=1, max_held_mb=1, retry_after_s=9)
    emotalk.answer(1, emotalk.hold, 1)
    large = {"file": ("a.wav", bytes(900_000))}
    async with served.http.stream("POST", URL, files=large) as first:
        assert first.status_code == 200
        refused = await served.http.post(URL, files=large)
        assert refused.status_code == 503
        assert "Server is busy, queue is full" in error_of(refused)["message"]
        assert refused.headers["retry-after"] == "9"
        assert (await served.http.post(URL, files=WAV)).status_code == 200
        emotalk.hold.set()
        await first.aread()
    assert (await served.http.post(URL, files=large)).status_code == 200


@pytest.mark.parametrize("script", [(), (2,)], ids=["before the first frames", "between frames"])
async def test_who_leaves_frees_the_slot(emotalk: FakeEmoTalk, served: Served, script: tuple[int, ...]) -> None:
    emotalk.answer(*script, emotalk.hold, 1)
    asking = asyncio.create_task(_read_some(served, bool(script)))
    await until(emotalk.begun.is_set)
    if script:
        await asking
    else:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    await until(emotalk.left.is_set)
    await until(lambda: served.app.state.holdings.held == 0)
    assert (await served.http.post(URL, files=WAV)).status_code == 200


async def _read_some(served: Served, some: bool) -> None:
    async with served.http.stream("POST", URL, files=WAV) as answer:
        if some:
            await anext(answer.aiter_lines())


async def test_who_stops_reading_is_dropped(emotalk: FakeEmoTalk, serve: Serve) -> None:
    served = await serve(stalled_reader_s=0.3)
    emotalk.answer(*[750] * 60)
    form = httpx.Request("POST", "http://x", files=WAV)
    body = form.read()
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port, limit=1024)
    head = f"POST {URL} HTTP/1.1\r\nHost: x\r\nContent-Type: {form.headers['content-type']}\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    async with asyncio.timeout(20):
        assert b" 200 " in await reader.readline()
        await emotalk.left.wait()
    await until(lambda: served.app.state.holdings.held == 0)
    writer.close()


async def test_an_upload_that_stalls_is_ended(emotalk: FakeEmoTalk, serve: Serve) -> None:
    served = await serve(upload_stall_s=0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    await begin_upload(writer)
    async with asyncio.timeout(5):
        assert b" 408 " in await reader.readline()
    assert served.app.state.holdings.held == 0
    writer.close()


async def test_who_leaves_while_sending_leaves_nothing(emotalk: FakeEmoTalk, served: Served) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", served.port)
    await begin_upload(writer)
    await until(lambda: served.app.state.holdings.held > 0)
    writer.close()
    await until(lambda: served.app.state.holdings.held == 0)
    assert emotalk.requests == []


async def test_a_long_wait_is_bridged_with_comments(emotalk: FakeEmoTalk, serve: Serve) -> None:
    served = await serve(keepalive_s=0.05)
    emotalk.answer(emotalk.hold, 2)
    async with served.http.stream("POST", URL, files=WAV) as answer:
        assert answer.status_code == 200
        lines = answer.aiter_lines()
        assert (await anext(lines)).startswith(":")
        emotalk.hold.set()
        rest = [line async for line in lines]
    assert [len(event) for event in as_the_old_page_reads("\n".join(rest))] == [2]


async def test_a_refusal_after_a_long_wait_is_an_event(emotalk: FakeEmoTalk, serve: Serve) -> None:
    served = await serve(keepalive_s=0.05)
    emotalk.answer(emotalk.hold, InvalidInput("No samples."))
    async with served.http.stream("POST", URL, files=WAV) as answer:
        lines = answer.aiter_lines()
        await anext(lines)
        emotalk.hold.set()
        rest = [line async for line in lines]
    assert as_the_old_page_reads("\n".join(rest)) == [{"error": "No samples."}]


async def test_layouts_by_name(served: Served) -> None:
    found = (await served.http.get("/v1/flashback/blendshapes/layouts")).json()
    assert found["default"] == "arkit-52-alphabetical"
    assert found["fps"] == 30
    assert found["layouts"] == {
        "arkit-52": list(ARKIT_52),
        "arkit-52-alphabetical": list(ARKIT_52_ALPHABETICAL),
    }
