"""Recordings through the whole stack: every kind of file, bad ones, the command line, a dead service, the reference."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest
from playwright.async_api import Browser, Route

from benchmarks.live_stack import LiveStack
from flashback.clients import AsyncEmoTalk
from flashback.media.blendshapes import ARKIT_52_ALPHABETICAL
from flashback.stack import runfile

URL = "/api/v1/process-audio-stream"
SPEECH = Path(__file__).parents[1] / "data" / "ears" / "uncanny-valley.wav"


def speech() -> tuple[np.ndarray[Any, np.dtype[np.int16]], int]:
    """Samples, mono, and their rate."""
    with wave.open(str(SPEECH)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), np.int16), file.getframerate()


def encoded(container: str, codec: str, rate: int, layout: str) -> bytes:
    """The speech as a file of that kind."""
    samples, own_rate = speech()
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        stream = file.add_stream(codec, rate=rate, layout=layout)
        context = stream.codec_context
        sound = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        sound.sample_rate, sound.pts = own_rate, 0
        fit = av.AudioResampler(format=context.format, layout=layout, rate=rate, frame_size=context.frame_size)
        for frame in [*fit.resample(sound), *fit.resample(None)]:
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return out.getvalue()


@pytest.fixture
async def client(stack: LiveStack) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=stack.url, timeout=30) as opened:
        yield opened


def events(text: str) -> list[Any]:
    return [json.loads(line[6:]) for line in text.split("\n") if line.startswith("data: ")]


@pytest.mark.parametrize(
    ("container", "codec", "rate", "layout"),
    [
        ("wav", "pcm_s16le", 16_000, "mono"),
        ("wav", "pcm_u8", 8_000, "mono"),
        ("wav", "pcm_s24le", 192_000, "stereo"),
        ("wav", "pcm_f32le", 44_100, "stereo"),
        ("flac", "flac", 48_000, "stereo"),
        ("mp3", "libmp3lame", 44_100, "stereo"),
        ("ogg", "libopus", 48_000, "mono"),
        ("webm", "libopus", 48_000, "stereo"),
        ("mp4", "aac", 44_100, "mono"),
    ],
)
async def test_every_kind_of_file(
    client: httpx.AsyncClient, container: str, codec: str, rate: int, layout: str
) -> None:
    answer = await client.post(URL, files={"file": (f"speech.{container}", encoded(container, codec, rate, layout))})
    assert answer.status_code == 200
    assert answer.headers["x-blendshape-layout"] == "arkit-52-alphabetical"
    frames = [frame for event in events(answer.text) for frame in event]
    samples, own_rate = speech()
    assert len(frames) == pytest.approx(len(samples) / own_rate * 30, abs=6)
    assert [f["timecode"] for f in frames] == pytest.approx([k / 30 for k in range(len(frames))], abs=1e-6)
    jaw = [f["blendshapes"][ARKIT_52_ALPHABETICAL.index("jawOpen")] for f in frames]
    assert max(jaw) - min(jaw) > 0.05


def _wav(samples: Any) -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="wav") as file:
        stream = file.add_stream("pcm_f32le", rate=16_000, layout="mono")
        if len(samples):
            frame = av.AudioFrame.from_ndarray(np.asarray(samples, np.float32)[None], format="flt", layout="mono")
            frame.sample_rate, frame.pts = 16_000, 0
            file.mux(stream.encode(frame))
        else:
            file.start_encoding()
        file.mux(stream.encode(None))
    return out.getvalue()


@pytest.mark.parametrize(
    "recording",
    [b"hello", b"\x89PNG\r\n\x1a\n" + bytes(2000), _wav([]), _wav([0.0] * 8000 + [float("nan")] * 8)],
    ids=["text", "picture", "no samples", "NaN"],
)
async def test_what_is_no_recording(client: httpx.AsyncClient, recording: bytes) -> None:
    answer = await client.post(URL, files={"file": ("a.wav", recording)})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


async def test_many_at_once_are_all_answered(client: httpx.AsyncClient) -> None:
    recording = encoded("mp3", "libmp3lame", 44_100, "mono")
    answers = await asyncio.gather(*(client.post(URL, files={"file": ("a.mp3", recording)}) for _ in range(24)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({len(events(answer.text)[0]) for answer in answers}) == 1


async def test_who_leaves_leaves_nothing_behind(stack: LiveStack, client: httpx.AsyncClient) -> None:
    samples, rate = speech()
    long = io.BytesIO()
    with wave.open(long, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.tile(samples, 300).tobytes())
    async with client.stream("POST", URL, files={"file": ("a.wav", long.getvalue())}) as answer:
        assert answer.status_code == 200
        await anext(answer.aiter_lines())
    found = await asyncio.to_thread(runfile.read, stack.data_dir / "run" / "stack.json")
    assert found is not None
    async with AsyncEmoTalk(found.addresses["emotalk"]) as emotalk, asyncio.timeout(20):
        while (await emotalk.describe())["queue_depth"]:
            await asyncio.sleep(0.05)
    assert (await client.post(URL, files={"file": ("a.wav", SPEECH.read_bytes())})).status_code == 200


def test_the_command_uses_the_running_stack(stack: LiveStack, tmp_path: Path) -> None:
    output = tmp_path / "speech.glb"
    ran = subprocess.run(
        [sys.executable, "-m", "flashback", "blendshapes", str(SPEECH), "-o", str(output)],
        env={**os.environ, "FLASHBACK_DATA_DIR": str(stack.data_dir)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ran.returncode, ran.stdout.strip(), ran.stderr) == (0, str(output), "")
    assert output.read_bytes()[:4] == b"glTF"


async def test_emotalk_dies_and_comes_back(stack: LiveStack, client: httpx.AsyncClient) -> None:
    os.kill(stack.service("emotalk").pid, signal.SIGKILL)
    seen: set[int] = set()
    async with asyncio.timeout(40):
        while 200 not in seen:
            answer = await client.post(URL, files={"file": ("a.wav", SPEECH.read_bytes())})
            seen.add(answer.status_code)
            await asyncio.sleep(0.1)
    assert seen <= {200, 503}
    async with asyncio.timeout(10):
        while (await client.get("/health")).json()["grpc_status"] != "SERVING":
            await asyncio.sleep(0.1)


@pytest.mark.parametrize(("page", "shows"), [("/docs", ".opblock"), ("/redoc", "#tag\\/blendshapes")])
async def test_the_reference_needs_no_internet(stack: LiveStack, browser: Browser, page: str, shows: str) -> None:
    opened = await browser.new_page()
    elsewhere: list[str] = []

    async def only_here(route: Route) -> None:
        if route.request.url.startswith((stack.url, "data:", "blob:")):
            await route.continue_()
        else:
            elsewhere.append(route.request.url)
            await route.abort()

    await opened.route("**/*", only_here)
    await opened.goto(stack.url + page)
    await opened.wait_for_selector(shows, state="attached", timeout=30_000)
    assert elsewhere == []
    await opened.close()
