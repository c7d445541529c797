"""A person talks with the avatar in a browser."""

from __future__ import annotations

import asyncio

from playwright.async_api import Browser

from benchmarks import chromium
from benchmarks.conversation.page import ProbedPage
from benchmarks.live_stack import LiveStack
from tests.e2e.voice import recogniser_loaded, spoken

FIRST_ANSWER_S = 90.0
TIMES_SAID = 3


async def answer_to(page: ProbedPage, question: str, timeout_s: float = FIRST_ANSWER_S) -> dict[str, object]:
    """Asks and returns the answer's `response` object once it is done."""
    asked = await page.ask(question)
    done = await page.wait_event("response.done", asked, timeout_s)
    response: dict[str, object] = done["event"]["response"]
    return response


def transcript(response: dict[str, object]) -> str:
    return str(response["output"][0]["content"][0]["transcript"])  # type: ignore[index]


async def test_a_typed_question_is_answered_by_a_moving_citing_face(stack: LiveStack, browser: Browser) -> None:
    page = await ProbedPage.open(browser, stack.url)
    asked = await page.now()
    response = await answer_to(page, "What is a viseme?")
    assert response["status"] == "completed"
    assert "viseme" in transcript(response).lower()
    citations = await page.events(asked, "flashback.citation")
    assert citations
    assert citations[0]["event"]["document"].endswith(".md")
    captions = [w for e in await page.events(asked, "flashback.caption") for w in e["event"]["words"]]
    assert [w["text"] for w in captions][:2] == transcript(response).split()[:2]
    assert all(a["start_ms"] <= b["start_ms"] for a, b in zip(captions, captions[1:], strict=False))
    audible = [rms for _, rms in await page.audio(asked) if rms > 0.01]
    assert len(audible) > 50
    started = (await page.events(asked, "output_audio_buffer.started"))[0]["t"]
    frames = await page.frames(started)
    assert max(f["dark"] for f in frames) > min(f["dark"] for f in frames)
    assert all(f["luma"] > 20 for f in frames), "a black frame was shown"
    await page.page.close()


async def test_what_the_documents_do_not_hold_is_refused(stack: LiveStack, browser: Browser) -> None:
    page = await ProbedPage.open(browser, stack.url)
    asked = await page.now()
    response = await answer_to(page, "Who won the football world cup in 1998?")
    assert response["flashback"]["refused"] is True  # type: ignore[index]
    assert await page.events(asked, "flashback.citation") == []
    await page.page.close()


async def ask_aloud(page: ProbedPage, question: bytes) -> tuple[float, str, dict[str, object]]:
    """Speaks WAV data; returns when that was, what was heard, and the answer's `response` object; empty when no word
    was understood."""
    said = await page.now()
    await chromium.speak(page.page, question)
    await page.wait_event("input_audio_buffer.speech_started", said)
    await page.wait_event("input_audio_buffer.speech_stopped", said)
    heard = (await page.wait_event("flashback.heard", said))["event"]
    assert heard["recogniser"]
    if not heard["transcript"]:
        return said, "", {}
    done = await page.wait_event("response.done", said, FIRST_ANSWER_S)
    return said, heard["transcript"], done["event"]["response"]


async def test_a_spoken_question_is_heard_and_answered(stack: LiveStack, browser: Browser) -> None:
    """A question that was misheard is said again, as people do; how often one is heard right is for
    `python -m benchmarks spoken` to say."""
    await recogniser_loaded(stack)
    page = await ProbedPage.open(browser, stack.url, microphone=True)
    question = await spoken(stack, "What does the renderer do?")
    for _ in range(TIMES_SAID):
        said, heard, answer = await ask_aloud(page, question)
        if citations := await page.events(said, "flashback.citation"):
            break
    assert "renderer" in heard.lower()
    assert "renderer" in transcript(answer).lower()
    assert citations
    assert await page.events(said, "output_audio_buffer.started")
    await page.page.close()


async def test_a_voice_interrupts_and_history_keeps_what_was_heard(stack: LiveStack, browser: Browser) -> None:
    page = await ProbedPage.open(browser, stack.url, microphone=True)
    asked = await page.ask("What is the difference between Wav2Lip and EchoMimic?")
    await page.wait_event("output_audio_buffer.started", asked, FIRST_ANSWER_S)
    await asyncio.sleep(1.0)
    await chromium.speak(page.page, await spoken(stack, "Wait, how does barge in work?"))
    done = (await page.wait_event("response.done", asked))["event"]["response"]
    assert (done["status"], done["status_details"]["reason"]) == ("cancelled", "turn_detected")
    full = "".join(e["event"]["delta"] for e in await page.events(asked, "response.output_audio_transcript.delta"))
    heard = done["flashback"]["heard"]
    assert heard
    assert full.startswith(heard[:20])
    assert len(heard) < len(full.strip())
    await page.wait_event("output_audio_buffer.cleared", asked)
    await page.page.close()


async def test_the_stop_button_silences_the_avatar(stack: LiveStack, browser: Browser) -> None:
    page = await ProbedPage.open(browser, stack.url)
    asked = await page.ask("What is the difference between Wav2Lip and EchoMimic?")
    await page.wait_event("output_audio_buffer.started", asked, FIRST_ANSWER_S)
    await asyncio.sleep(0.5)
    await page.page.keyboard.press("Escape")
    pressed = await page.now()
    done = (await page.wait_event("response.done", asked))["event"]["response"]
    assert done["status_details"]["reason"] == "client_cancelled"
    quiet = await page.wait_quiet(pressed)
    shown = await page.frames(quiet)
    await asyncio.sleep(0.5)
    assert len(await page.frames(quiet)) > len(shown), "the picture froze"
    await page.page.close()


async def test_two_personas_at_once_never_see_each_others_answers(stack: LiveStack, browser: Browser) -> None:
    iris = await ProbedPage.open(browser, stack.url, "iris")
    amon = await ProbedPage.open(browser, stack.url, "amon")
    begun = [await iris.now(), await amon.now()]
    answers = await asyncio.gather(
        answer_to(iris, "What is a viseme?"), answer_to(amon, "What causes a lunar eclipse?")
    )
    assert "viseme" in transcript(answers[0]).lower()
    assert "shadow" in transcript(answers[1]).lower() or "moon" in transcript(answers[1]).lower()
    for page, since, own in ((iris, begun[0], answers[0]), (amon, begun[1], answers[1])):
        text = "".join(e["event"]["delta"] for e in await page.events(since, "response.output_audio_transcript.delta"))
        assert text.strip() == transcript(own).strip()
    crossed = await asyncio.gather(
        answer_to(iris, "What causes a lunar eclipse?"), answer_to(amon, "What is a viseme?")
    )
    assert all(r["flashback"]["refused"] for r in crossed)  # type: ignore[index]
    await iris.page.close()
    await amon.page.close()
