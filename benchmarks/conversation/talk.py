"""One session: start, memory, text and voice latency, barge-in, frames shown."""

from __future__ import annotations

import asyncio
import io
import json
import math
import sys
import time
import wave
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.async_api import Browser

from benchmarks import chromium
from benchmarks.conversation.detect import Lips, sound_end, sound_onset
from benchmarks.conversation.page import ProbedPage
from benchmarks.hardware import percentile
from benchmarks.live_stack import LiveStack
from flashback.rpc import QUICK_S, open_channel
from flashback.stack import runfile
from flashback.v1 import tts_pb2, tts_pb2_grpc

DATA = Path(__file__).parent.parent / "data"
REST_S = 2.0


async def measure(data_dir: Path, count: int, frames_s: float) -> dict[str, Any]:
    """Keys of the conversation bench that one session yields, and how many samples stand behind each."""
    questions = text_questions(count)
    result: dict[str, Any] = {}
    async with chromium.launch() as browser:
        with LiveStack(data_dir, {"FLASHBACK_RENDERER_STAMP": "1"}) as warmup:
            page = await ProbedPage.open(browser, warmup.url)
            await settle_index(page, questions[0])
            await page.page.close()
        result |= await start_to_frame(browser, data_dir)
        with LiveStack(data_dir, {"FLASHBACK_RENDERER_STAMP": "1"}) as stack:
            page = await ProbedPage.open(browser, stack.url)
            await settle_index(page, questions[0])
            result |= await text_latency(page, questions)
            pss = stack.pss_mb()
            result |= {"rss_mb": round(sum(pss.values()), 1), "rss_mb_by_service": rounded(pss)}
            result |= await frames_shown(page, questions, frames_s)
            await page.page.close()
            voice = await ProbedPage.open(browser, stack.url, microphone=True)
            spoken = await speech(data_dir, questions)
            result |= await voice_latency(voice, spoken)
            result |= await barge_in(voice, questions, spoken)
    return result


def rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 1) for name, value in sorted(values.items())}


def text_questions(count: int) -> list[str]:
    """Questions about corpus/ that the documents answer."""
    lines = (DATA / "spoken_questions.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["q"] for line in lines[:count]]


async def settle_index(page: ProbedPage, question: str) -> None:
    """Asks once, so that a first start's ingest is over before anything is timed."""
    await page.ask(question)
    await page.wait_event("output_audio_buffer.started", 0, timeout_s=120)
    await page.stop_talking()


async def start_to_frame(browser: Browser, data_dir: Path, runs: int = 3) -> dict[str, Any]:
    """Seconds from launching `flashback up` to the first frame in a browser that waits for it."""
    seconds = []
    for _ in range(runs):
        stack = LiveStack(data_dir, {"FLASHBACK_RENDERER_STAMP": "1"})
        try:
            await asyncio.to_thread(stack.start)
            page = await ProbedPage.open(browser, stack.url)
            shown = await page.page.evaluate("performance.timeOrigin + flashback.probe.frames[0].expected")
            wall_of_launch = time.time() - (time.monotonic() - stack.launched_at)
            seconds.append(shown / 1000 - wall_of_launch)
            await page.page.close()
        finally:
            await asyncio.to_thread(stack.stop)
    return {"start_to_frame_s": round(percentile(seconds, 50), 2), "start_to_frame_samples": len(seconds)}


async def text_latency(page: ProbedPage, questions: list[str]) -> dict[str, Any]:
    """Question sent -> audible and moving, in ms."""
    values: list[float] = []
    sound: list[float] = []
    for question in questions:
        lips = await resting_lips(page)
        asked = await page.ask(question)
        await page.wait_event("output_audio_buffer.started", asked)
        await asyncio.sleep(1.0)
        heard = sound_onset(await page.audio(asked), asked)
        seen = lips.onset(await page.frames(asked), asked)
        if heard is not None and seen is not None:
            values.append(max(heard, seen) - asked)
            sound.append(heard - asked)
        else:
            print(f"no onset: heard={heard} seen={seen}", file=sys.stderr)
        await page.stop_talking()
    return {
        "first_word_ms_p50": round(percentile(values, 50)),
        "first_word_ms_p95": round(percentile(values, 95)),
        "first_sound_ms_p50": round(percentile(sound, 50)),
        "first_word_samples": len(values),
        "first_word_questions": len(questions),
    }


async def resting_lips(page: ProbedPage) -> Lips:
    since = await page.now()
    await asyncio.sleep(REST_S)
    return Lips(await page.frames(since))


async def frames_shown(page: ProbedPage, questions: list[str], seconds: float) -> dict[str, Any]:
    """Distinct frame numbers read from the picture / frames due at 25 fps, while the avatar talks."""
    begun = await page.now()
    asking = asyncio.create_task(keep_talking(page, questions))
    await asyncio.sleep(seconds)
    ended = await page.now()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    frames = [f for f in await page.frames(begun) if f["t"] < ended]
    stamps = {f["stamp"] for f in frames if f["stamp"] is not None}
    due = (ended - begun) / 40
    await page.stop_talking()
    return {
        "frames_shown_ratio": round(min(1.0, len(stamps) / due), 4),
        "frames_shown": len(stamps),
        "frames_due": round(due),
        "frames_unreadable": sum(f["stamp"] is None for f in frames),
    }


async def keep_talking(page: ProbedPage, questions: list[str]) -> None:
    """Asks the next question whenever an answer ends."""
    while True:
        for question in questions:
            asked = await page.ask(question)
            await page.wait_event("response.done", asked, timeout_s=60)


async def speech(data_dir: Path, questions: list[str]) -> list[tuple[bytes, float, float]]:
    """Each question spoken by the running stack's voice: (WAV, first and last voiced moment in ms)."""
    stack = runfile.read(data_dir / "run" / "stack.json")
    assert stack is not None
    channel = open_channel(stack.addresses["tts"])
    stub = tts_pb2_grpc.TtsStub(channel)
    spoken = []
    for question in questions:
        pcm = b""
        request = tts_pb2.SynthesizeRequest(text=question, persona_id="amon")
        async for chunk in stub.Synthesize(request, timeout=QUICK_S):
            pcm += chunk.audio
        samples = np.frombuffer(pcm, np.int16)
        loud = np.flatnonzero(np.abs(samples) > 300)
        spoken.append((wav_of(samples), loud[0] / 24, loud[-1] / 24))
    await channel.close(None)
    return spoken


def wav_of(samples: NDArray[np.int16], rate: int = 24_000) -> bytes:
    """s16 mono samples as a WAV file."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return out.getvalue()


async def voice_latency(page: ProbedPage, spoken: list[tuple[bytes, float, float]]) -> dict[str, Any]:
    """End of a spoken question -> first word, less the endpointing silence, in ms."""
    metrics = await page.wait_event("flashback.metrics", await page.now())
    endpointing = metrics["event"]["endpointing_ms"]
    values = []
    for wav, _, last in spoken:
        lips = await resting_lips(page)
        begun, _ = await chromium.speak(page.page, wav)
        ended = begun + last
        try:
            await page.wait_event("output_audio_buffer.started", begun, timeout_s=last / 1000 + 8)
        except TimeoutError:
            print("no answer to a spoken question", file=sys.stderr)
            continue
        await asyncio.sleep(1.0)
        heard = sound_onset(await page.audio(begun), begun)
        seen = lips.onset(await page.frames(begun), begun)
        if heard is not None and seen is not None:
            values.append(max(heard, seen) - ended - endpointing)
        await page.stop_talking()
    return {
        "voice_first_word_ms_p50": round(percentile(values, 50)) if values else math.nan,
        "voice_first_word_samples": len(values),
        "endpointing_ms": endpointing,
    }


async def barge_in(page: ProbedPage, questions: list[str], spoken: list[tuple[bytes, float, float]]) -> dict[str, Any]:
    """Onset of the user's voice -> avatar silent and mouth at rest, in ms."""
    values: list[float] = []
    silent: list[float] = []
    for index, question in enumerate(questions):
        lips = await resting_lips(page)
        asked = await page.ask(question)
        await page.wait_event("output_audio_buffer.started", asked)
        await asyncio.sleep(0.9)
        wav, first, _ = spoken[(index + 7) % len(spoken)]
        begun, _ = await chromium.speak(page.page, wav)
        onset = begun + first
        await asyncio.sleep(1.0)
        quiet = sound_end(await page.audio(onset), onset)
        rest = lips.rest(await page.frames(onset), onset)
        if quiet is not None and rest is not None:
            values.append(max(quiet, rest) - onset)
            silent.append(quiet - onset)
        else:
            print(f"no barge-in: quiet={quiet} rest={rest}", file=sys.stderr)
        await asyncio.sleep(2.5)
        await page.stop_talking()
    return {
        "barge_in_ms_p95": round(percentile(values, 95)),
        "barge_in_ms_p50": round(percentile(values, 50)),
        "barge_in_silent_ms_p50": round(percentile(silent, 50)),
        "barge_in_samples": len(values),
    }
