"""What the page shows and sends in a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tests.unit.web.conftest import send

PASSAGE: dict[str, Any] = {
    "index": 1,
    "document": "lips.md",
    "place": "Closed lips",
    "text": "The sounds p, b and m close the lips.",
}


def answer(page: Page, turn: str, text: str) -> None:
    send(page, "response.created", response={"id": f"resp_{turn}", "status": "in_progress"})
    send(page, "response.output_audio_transcript.delta", response_id=f"resp_{turn}", delta=text)


def sent(page: Page) -> list[str]:
    return [str(event["type"]) for event in page.evaluate("server.received")]


def test_typed_question_is_sent_and_answered_with_its_source(call: Page) -> None:
    call.fill("#question", "Which sounds close the lips?")
    call.press("#question", "Enter")
    call.wait_for_function("server.received.length === 2")
    item, create = call.evaluate("server.received")
    assert item["item"]["content"] == [{"type": "input_text", "text": "Which sounds close the lips?"}]
    assert create["type"] == "response.create"
    expect(call.locator("#transcript .you")).to_have_text("You:Which sounds close the lips?")
    expect(call.locator("#question")).to_have_value("")

    answer(call, "t1", "P, b and m. ")
    send(call, "flashback.citation", turn_id="t1", **PASSAGE)
    expect(call.locator("#transcript .avatar .said")).to_have_text("P, b and m.")
    call.get_by_role("button", name="Source 1: All about lips, Closed lips").click()
    expect(call.locator("#passage")).to_be_visible()
    expect(call.locator("#passage-title")).to_have_text("All about lips")
    expect(call.locator("#passage-text")).to_have_text(PASSAGE["text"])
    call.keyboard.press("Escape")
    expect(call.locator("#passage")).to_be_hidden()


def test_answer_text_is_never_read_as_markup(call: Page) -> None:
    answer(call, "t1", "<img src=x onerror=alert(1)>")
    send(call, "flashback.citation", turn_id="t1", **{**PASSAGE, "text": "<b>bold</b>"})
    expect(call.locator("#transcript .avatar .said")).to_have_text("<img src=x onerror=alert(1)>")
    call.click(".source")
    expect(call.locator("#passage-text")).to_have_text("<b>bold</b>")


def test_escape_stops_the_answer_but_closes_an_open_passage_first(call: Page) -> None:
    send(call, "flashback.state", state="speaking")
    answer(call, "t1", "A long answer.")
    send(call, "flashback.citation", turn_id="t1", **PASSAGE)
    call.click(".source")
    call.keyboard.press("Escape")
    assert sent(call) == []
    call.keyboard.press("Escape")
    call.wait_for_function("server.received.length === 2")
    assert sent(call) == ["response.cancel", "output_audio_buffer.clear"]


def test_cut_answer_keeps_only_what_was_heard(call: Page) -> None:
    answer(call, "t1", "One two three four.")
    done = {"id": "resp_t1", "status": "cancelled", "flashback": {"heard": "One two"}}
    send(call, "response.done", response=done)
    expect(call.locator("#transcript .avatar .said")).to_have_text("One two …")
    expect(call.locator("#transcript .avatar .meta")).to_have_text("Stopped here")


def test_failed_answer_says_why(call: Page) -> None:
    send(call, "response.created", response={"id": "resp_t1"})
    details = {"type": "failed", "error": {"message": "The renderer stopped while it spoke."}}
    send(call, "response.done", response={"id": "resp_t1", "status": "failed", "status_details": details})
    expect(call.locator("#transcript .avatar .meta")).to_have_text("The renderer stopped while it spoke.")


def test_what_was_heard_names_the_recogniser_and_can_be_corrected(call: Page) -> None:
    heard = {"item_id": "i1", "transcript": "what is a bison", "recogniser": "pocketsphinx", "confidence": 0.9}
    send(call, "conversation.item.input_audio_transcription.completed", item_id="i1", transcript="what is a bison")
    send(call, "flashback.heard", **heard)
    entry = call.locator("#transcript .you")
    expect(entry).to_have_count(1)
    expect(entry.locator(".meta")).to_contain_text("Heard by pocketsphinx")
    entry.get_by_role("button").click()
    expect(call.locator("#question")).to_have_value("what is a bison")
    call.fill("#question", "What is a viseme?")
    call.press("#question", "Enter")
    call.wait_for_function("server.received.length === 2")
    expect(entry.first).to_have_class("you corrected")
    expect(entry.last.locator(".said")).to_have_text("What is a viseme?")


def test_state_is_shown_and_stop_is_offered_while_it_thinks_or_speaks(call: Page) -> None:
    for state, words, stoppable in [
        ("listening", "Listening", False),
        ("thinking", "Thinking", True),
        ("speaking", "Speaking", True),
        ("idle", "Ready, type a question", False),
    ]:
        send(call, "flashback.state", state=state)
        expect(call.locator("#state-label")).to_have_text(words)
        expect(call.locator("#stop")).to_be_enabled(enabled=stoppable)


def test_suggestion_is_asked_by_a_tap(call: Page) -> None:
    call.get_by_role("button", name="What is a viseme?").click()
    call.wait_for_function("server.received.length === 2")
    assert call.evaluate("server.received[0].item.content[0].text") == "What is a viseme?"
    expect(call.locator("#knows")).to_be_hidden()


def test_captions_without_a_media_clock_show_at_once(call: Page) -> None:
    words = [{"text": "Hello", "start_ms": 9_000_000, "end_ms": 9_000_100}]
    send(call, "flashback.caption", turn_id="t1", words=words)
    expect(call.locator("#captions [data-said]")).to_have_text("Hello")


def test_captions_of_a_cut_answer_do_not_take_the_next_ones_with_them(call: Page) -> None:
    send(call, "flashback.caption", turn_id="t1", words=[{"text": "Old", "start_ms": 0, "end_ms": 1}])
    send(call, "output_audio_buffer.cleared", response_id="resp_t1")
    send(call, "response.done", response={"id": "resp_t1", "status": "cancelled"})
    send(call, "flashback.caption", turn_id="t2", words=[{"text": "New", "start_ms": 0, "end_ms": 1}])
    expect(call.locator("#captions")).to_have_text("New")
    call.wait_for_timeout(1500)
    expect(call.locator("#captions")).to_have_text("New")


def test_leaving_hangs_up(call: Page) -> None:
    call.click("#leave")
    assert call.evaluate("server.deleted") == ["/v1/realtime/calls/call-1"]
    expect(call.locator("#welcome")).to_be_visible()


def test_persona_of_the_address_is_asked_for(open_page: Callable[..., Page]) -> None:
    page = open_page("?persona=amon")
    expect(page.locator("#persona-name")).to_have_text("Amon")
    page.click("#type-only:enabled")
    page.wait_for_selector("body[data-phase=live]")
    session = page.evaluate("server.calls[0]")
    assert session["type"] == "realtime"
    assert session["persona"] == "amon"


def test_switching_persona_in_a_call_starts_another(call: Page) -> None:
    call.get_by_role("radio", name="Amon").click()
    call.wait_for_function("server.calls.length === 2")
    assert call.evaluate("server.calls[1].persona") == "amon"
    assert "persona=amon" in call.url
    assert call.evaluate("server.deleted.length") == 1


def test_the_viewer_is_linked_with_the_persona_chosen(open_page: Callable[..., Page]) -> None:
    page = open_page("?persona=amon")
    expect(page.get_by_role("link", name="3D face")).to_have_attribute("href", "viewer/?persona=amon")
