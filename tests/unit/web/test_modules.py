"""The page's pure parts, called in the browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from services.renderer import stamp

OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def page(browser: Browser, page_url: str) -> Iterator[Page]:
    """A document beside the modules that loads none of them by itself."""
    bare = browser.new_page()
    bare.goto(page_url + "style.css")
    yield bare
    bare.close()


def words(text: str) -> list[dict[str, Any]]:
    return [{"text": word, "start_ms": i * 100, "end_ms": i * 100 + 90} for i, word in enumerate(text.split())]


def cues(page: Page, text: str) -> list[str]:
    script = (
        "async (words) => (await import('./captions.js')).cues(words).map((cue) => cue.map((w) => w.text).join(' '))"
    )
    found: list[str] = page.evaluate(script, words(text))
    return found


def test_media_time_survives_the_wrap_of_rtp_timestamps(page: Page) -> None:
    script = "async ([rtp, origin]) => (await import('./media-clock.js')).mediaTime(rtp, origin)"
    assert page.evaluate(script, [90_000, 0]) == 1000
    assert page.evaluate(script, [44_999, 2**32 - 45_001]) == 1000


def test_captions_end_with_their_sentence(page: Page) -> None:
    assert cues(page, "Hello there. How are you?") == ["Hello there.", "How are you?"]


TEXT = "Ask me about talking avatars, and I will answer from all of the documents that I was given by my makers."


def test_long_sentences_are_cut_and_lose_no_word(page: Page) -> None:
    parts = cues(page, TEXT)
    assert " ".join(parts) == TEXT
    assert parts[0] == "Ask me about talking avatars,"
    assert all(len(part) <= 72 for part in parts)


def test_captions_already_on_screen_are_not_cut_anew_when_words_come_in(page: Page) -> None:
    whole = cues(page, TEXT)
    spoken = TEXT.split()
    for count in range(1, len(spoken)):
        *settled, newest = cues(page, " ".join(spoken[:count]))
        assert settled == whole[: len(settled)]
        assert whole[len(settled)].startswith(newest)


@pytest.mark.parametrize("number", [0, 1, 77, 123_456, 2**20 - 1])
def test_probe_reads_the_renderers_frame_number(page: Page, number: int) -> None:
    luma = np.full((16, 416), 128, np.uint8)
    stamp.write(luma, number)
    rgba = np.repeat(luma.reshape(-1, 1), 4, 1).ravel().tolist()
    script = """async (data) => {
      const { readStamp } = await import('./probe-picture.js');
      return readStamp({ data, width: 416 });
    }"""
    assert page.evaluate(script, rgba) == number


def test_probe_reads_no_number_where_none_is(page: Page) -> None:
    script = """async (value) => {
      const { readStamp } = await import('./probe-picture.js');
      return readStamp({ data: new Uint8ClampedArray(416 * 16 * 4).fill(value), width: 416 });
    }"""
    for value in (0, 128, 255):
        assert page.evaluate(script, value) is None


def test_probe_watches_a_call(open_page: OpenPage) -> None:
    page = open_page("?probe=1")
    page.click("#type-only:enabled")
    page.wait_for_selector("body[data-phase=live]")
    page.fill("#question", "What is a viseme?")
    page.press("#question", "Enter")
    page.wait_for_function("flashback.probe.frames.length > 2 && flashback.probe.audio.length > 20")
    seen = page.evaluate(
        "({ asked: flashback.probe.asked, events: flashback.probe.events, f: flashback.probe.frames })"
    )
    assert seen["asked"] > 0
    assert [e["type"] for e in seen["events"] if e["way"] == "out"] == ["conversation.item.create", "response.create"]
    assert 0 < seen["f"][-1]["luma"] < 255
    times = [frame["t"] for frame in seen["f"]]
    assert times == sorted(times)


def test_probe_costs_nothing_unless_asked_for(open_page: OpenPage) -> None:
    page = open_page()
    page.wait_for_selector("#type-only:enabled")
    assert page.evaluate("window.flashback === undefined")
    loaded = page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert not [name for name in loaded if "probe" in name]
