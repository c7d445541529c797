"""The blendshape viewer on the whole stack: a head in software WebGL, a recording, a conversation."""

from __future__ import annotations

import io
import wave
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.async_api import Browser, ConsoleMessage, Page, expect

from benchmarks import chromium
from benchmarks.live_stack import LiveStack
from tests.e2e.conftest import SKIP
from tests.e2e.voice import spoken
from tests.unit.web.viewer import EASED_MS, JAW, MOVE_SLIDER, STILL, WINDOW, WITHOUT_3D, only_the_jaw_moved, pixels

LEAST_IN_STEP = 0.4
MOST_APART_MS = 120
STEP_MS = 10
RESTING = """() => {
  const now = performance.now();
  const last = flashback.viewer.log.filter((entry) => entry.now > now - 300);
  return last.length > 0 && last.every(({ leader, weights }) => leader === 'rest' && weights[17] < 0.01);
}"""
"""Nothing has led the face for 0.3 s, longer than between two words."""


class Viewer:
    """The page, opened with `?probe=1`; `complaints` is what it wrote to the console as an error, or threw."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._told)
        page.set_default_timeout(60_000)

    def _told(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    async def open(self, stack: LiveStack, drawn: bool, query: str = "") -> None:
        """drawn: with the 3D view, which is slow without a graphics card."""
        if not drawn:
            await self.page.add_init_script(WITHOUT_3D)
        await self.page.goto(f"{stack.url}/viewer/?probe=1{query}")
        await expect(self.page.locator("#personas")).to_be_visible()
        if drawn:
            await self.page.wait_for_function("flashback.viewer.drawn > 0")

    async def picture(self) -> NDArray[np.int16]:
        """What the 3D view shows now: int16[height, width, 3], 0..255."""
        box: Any = await self.page.locator("#view").bounding_box()
        return pixels(await self.page.screenshot(clip=box))

    async def move(self, name: str, value: float) -> None:
        """Moves a slider and waits until the face is drawn with it."""
        await self.page.locator(f"#s-{name}").evaluate(MOVE_SLIDER, value)
        await self.page.wait_for_function(
            "([name, value]) => Math.abs(flashback.viewer.weights()[name] - value) < 0.01", arg=[name, value]
        )
        drawn = await self.page.evaluate("flashback.viewer.drawn")
        await self.page.wait_for_function("drawn => flashback.viewer.drawn > drawn + 2", arg=drawn)

    async def choose(self, data: bytes, name: str, kind: str) -> None:
        await self.page.set_input_files("#file", {"name": name, "mimeType": kind, "buffer": data})

    async def log(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self.page.evaluate("flashback.viewer.log")
        return found


@pytest.fixture
async def drawing_browser() -> AsyncIterator[Browser]:
    if chromium.find() is None:
        pytest.skip(SKIP)
    async with chromium.launch(chromium.SOFTWARE_WEBGL) as launched:
        yield launched


@pytest.fixture
async def viewer(drawing_browser: Browser) -> AsyncIterator[Viewer]:
    page = await drawing_browser.new_page(viewport=WINDOW)
    yield Viewer(page)
    await page.close()


def in_step(
    jaw_at: NDArray[np.float64], jaw: NDArray[np.float64], sound_at: NDArray[np.float64], rms: NDArray[np.float64]
) -> tuple[float, int]:
    """The best correlation of jaw and loudness within 300 ms, and by how many milliseconds the jaw is late then."""
    grid = np.arange(max(jaw_at[0], sound_at[0]), min(jaw_at[-1], sound_at[-1]), STEP_MS)
    opened = np.interp(grid, jaw_at, jaw)
    loud = np.convolve(np.interp(grid, sound_at, rms), np.ones(8) / 8, "same")
    reach = 300 // STEP_MS
    middle = loud[reach : len(loud) - reach]
    late = range(-reach, reach + 1)
    scores = [float(np.corrcoef(opened[reach + k : len(opened) - reach + k], middle)[0, 1]) for k in late]
    best = int(np.argmax(scores))
    return scores[best], late[best] * STEP_MS


def loudness(wav: bytes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Milliseconds, and root mean square of the 20 ms around each."""
    with wave.open(io.BytesIO(wav)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16) / 32768
        step = file.getframerate() // 50
    parts = samples[: len(samples) // step * step].reshape(-1, step)
    return (np.arange(len(parts)) + 0.5) * 20, np.sqrt((parts**2).mean(1))


async def test_a_head_is_drawn_and_opens_its_mouth(stack: LiveStack, viewer: Viewer) -> None:
    await viewer.page.add_init_script(STILL)
    await viewer.open(stack, drawn=True)
    await viewer.move("jawOpen", 0.0)
    closed = await viewer.picture()
    await viewer.move("jawOpen", 1.0)
    only_the_jaw_moved(closed, await viewer.picture())
    assert viewer.complaints == []


async def test_a_recording_moves_the_face_in_step_with_its_sound(stack: LiveStack, viewer: Viewer) -> None:
    recording = await spoken(stack, "A recording of a voice comes in, and the face you see follows it word by word.")
    await viewer.open(stack, drawn=False)
    await viewer.choose(recording, "speech.wav", "audio/wav")
    await viewer.page.wait_for_selector("#clip[data-playback=ended]")
    shown = [entry for entry in await viewer.log() if entry["leader"] == "frames"]
    settled = [entry for entry in shown if entry["now"] > shown[0]["now"] + EASED_MS]
    at = np.array([entry["time"] * 1000 for entry in settled])
    jaw = np.array([entry["weights"][JAW] for entry in settled])
    assert np.ptp(jaw) > 0.05
    score, late = in_step(at, jaw, *loudness(recording))
    assert score > LEAST_IN_STEP
    assert abs(late) <= MOST_APART_MS
    await expect(viewer.page.locator("#readout")).to_contain_text("arkit-52-alphabetical")
    assert viewer.complaints == []


async def test_a_file_that_is_no_recording_is_refused_in_plain_words(stack: LiveStack, viewer: Viewer) -> None:
    await viewer.open(stack, drawn=False)
    await viewer.choose(b"this is a letter, not a sound" * 100, "letter.wav", "audio/wav")
    await expect(viewer.page.locator("#trouble h2")).to_have_text("This is not a recording that can be read")
    words = await viewer.page.locator("#trouble p").first.inner_text()
    assert len(words) > 10
    assert "Traceback" not in words


async def test_a_conversation_moves_the_face_and_a_cut_rests_it(stack: LiveStack, viewer: Viewer) -> None:
    page = viewer.page
    await viewer.open(stack, drawn=False, query="&greet=0")
    await page.click("#talk:enabled")
    await page.wait_for_function("(flashback.viewer.source?.mediaTime ?? null) !== null")
    await page.fill("#question", "What is a viseme?")
    await page.press("#question", "Enter")
    begun = await page.wait_for_function("flashback.viewer.log.find(({ leader }) => leader === 'frames')?.now")
    start = await begun.json_value()
    await page.wait_for_function("start => performance.now() > start + 4000", arg=start)
    heard = [entry for entry in await viewer.log() if start - 500 < entry["now"] < start + 4000]
    at = np.array([entry["now"] for entry in heard])
    jaw = np.array([entry["weights"][JAW] for entry in heard])
    score, late = in_step(at, jaw, at, np.array([entry["rms"] or 0.0 for entry in heard]))
    assert score > LEAST_IN_STEP
    assert abs(late) <= MOST_APART_MS

    await page.fill("#question", "How does barge-in work?")
    await page.press("#question", "Enter")
    await page.wait_for_function("document.body.dataset.state === 'speaking'")
    await page.wait_for_function("flashback.viewer.weights().jawOpen > 0.05")
    await page.click("#stop")
    await page.wait_for_function(RESTING)
    rested = await page.evaluate("performance.now()")
    await page.wait_for_timeout(1000)
    assert all(entry["weights"][JAW] < 0.01 for entry in await viewer.log() if entry["now"] > rested)
    assert viewer.complaints == []
    await page.click("#leave")
    await expect(page.locator("#choose")).to_be_visible()
