"""A stack whose face follows EmoTalk: lips that move as its blendshapes say; and a conversation that outlives it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.async_api import Browser

from benchmarks.conversation.page import ProbedPage
from benchmarks.live_stack import LiveStack
from flashback.media.blendshapes import ARKIT_52_ALPHABETICAL
from tests.e2e.conftest import VECTORS, wait_until_read

QUESTION = "What is the difference between Wav2Lip and EchoMimic?"
KIND = "flashback.blendshapes"
MOUTH = [place for place, name in enumerate(ARKIT_52_ALPHABETICAL) if name.startswith(("jaw", "mouth"))]
FRAME_MS = 40.0

Floats = NDArray[np.float64]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    """Started anew, driven by EmoTalk."""
    settings = {"FLASHBACK_FACE_DRIVEN_BY": "emotalk", "FLASHBACK_MAX_SESSIONS": "2", **VECTORS}
    with LiveStack(tmp_path_factory.mktemp("driven"), settings) as running:
        asyncio.run(wait_until_read(running))
        yield running


async def opened(browser: Browser, stack: LiveStack) -> ProbedPage:
    """A page that has asked for blendshapes."""
    page = await ProbedPage.open(browser, stack.url)
    asked = await page.now()
    await page.page.evaluate("flashback.talk.conversation.setBlendshapes(true)")
    updated = await page.wait_event("session.updated", asked)
    assert updated["event"]["session"]["flashback"]["blendshapes"] is True
    return page


async def told(page: ProbedPage, since: float) -> list[dict[str, Any]]:
    return [e["event"] for e in await page.events(since, KIND)]


def told_motion(events: list[dict[str, Any]], at: Floats) -> Floats:
    """How much the told mouth changes over the frame before each media time (ms)."""
    times = [e["start_ms"] + k * 1000 / e["fps"] for e in events for k in range(len(e["frames"]))]
    rows = np.array([row for e in events for row in e["frames"]])

    def mouth(when: Floats) -> Floats:
        return np.stack([np.interp(when, times, rows[:, place], left=0.0, right=0.0) for place in MOUTH])

    return np.abs(mouth(at) - mouth(at - FRAME_MS)).sum(0)


async def seen_motion(page: ProbedPage, since: float) -> tuple[Floats, Floats]:
    """Media times (ms) of the middle of the frames shown, and how much the mouth moved beyond the head since the last.

    Media time is counted from the newest metrics: it stands still where a frame came late.
    """
    metrics = await page.events(0.0, "flashback.metrics")
    times, moved = [], []
    for frame in await page.frames(since):
        if frame["rtp"] is not None:
            newest = [m["event"] for m in metrics if m["t"] <= frame["t"] + FRAME_MS][-1]
            times.append(((int(frame["rtp"]) - newest["video_rtp_origin"]) % 2**32) / 90 + FRAME_MS / 2)
            moved.append(max(0.0, frame["motion"] - 1.1 * frame["head"]))
    return np.array(times), np.array(moved)


def best_lag(times: Floats, moved: Floats, events: list[dict[str, Any]]) -> tuple[float, float]:
    """By how many milliseconds the picture is behind the blendshapes, and how well the two fit then."""
    lags = range(-300, 301, 20)
    fits = [float(np.corrcoef(moved, told_motion(events, times - lag))[0, 1]) for lag in lags]
    return float(lags[int(np.argmax(fits))]), max(fits)


async def test_the_mouth_in_the_picture_moves_with_the_blendshapes_and_these_cover_the_speech(
    stack: LiveStack, browser: Browser
) -> None:
    page = await opened(browser, stack)
    asked = await page.ask(QUESTION)
    await page.wait_event("response.done", asked, 90.0)
    events = await told(page, asked)
    assert {(e["fps"], e["layout"]) for e in events} == {(30, "arkit-52-alphabetical")}
    assert all(0 < len(e["frames"]) <= 15 for e in events)
    assert all(len(row) == 52 and min(row) >= 0 and max(row) <= 1 for e in events for row in e["frames"])
    words = [w for e in await page.events(asked, "flashback.caption") for w in e["event"]["words"]]
    spans = [(e["start_ms"], e["start_ms"] + len(e["frames"]) * 1000 / 30) for e in events]
    for word in words:
        middle = (word["start_ms"] + word["end_ms"]) / 2
        assert any(start - 1 <= middle <= end + 1 for start, end in spans), f"no face for {word}"
    times, moved = await seen_motion(page, asked)
    spoken = (times > words[0]["start_ms"]) & (times < words[-1]["end_ms"])
    lag, fit = best_lag(times[spoken], moved[spoken], events)
    assert fit > 0.3
    assert abs(lag) <= 80.0
    await page.page.close()


async def test_no_blendshapes_of_an_answer_that_was_stopped(stack: LiveStack, browser: Browser) -> None:
    page = await opened(browser, stack)
    asked = await page.ask(QUESTION)
    await page.wait_event(KIND, asked, 90.0)
    await page.page.keyboard.press("Escape")
    done = await page.wait_event("response.done", asked)
    assert done["event"]["response"]["status"] == "cancelled"
    generation = (await told(page, asked))[0]["generation"]
    again = await page.ask("What is a viseme?")
    await page.wait_event("output_audio_buffer.started", again)
    await page.wait_event(KIND, again)
    assert all(e["generation"] > generation for e in await told(page, done["t"]))
    await page.page.close()


async def test_speech_and_mouth_go_on_without_emotalk_and_it_comes_back(stack: LiveStack, browser: Browser) -> None:
    page = await opened(browser, stack)
    asked = await page.ask(QUESTION)
    await page.wait_event(KIND, asked, 90.0)
    killed = await page.now()
    os.kill(stack.service("emotalk").pid, signal.SIGKILL)
    await page.wait_event("flashback.notice", killed)
    done = await page.wait_event("response.done", asked, 60.0)
    assert done["event"]["response"]["status"] == "completed"
    _, moved = await seen_motion(page, killed)
    assert len(moved) > 50
    assert np.mean(moved > 0.5) > 0.2, "the mouth stood still"
    for _ in range(20):
        again = await page.ask("What is a viseme?")
        await page.wait_event("response.done", again, 60.0)
        if await told(page, again):
            break
    else:
        pytest.fail("blendshapes never came back")
    assert len(await page.events(killed, "flashback.notice")) == 1
    await page.page.close()
