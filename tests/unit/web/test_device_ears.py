"""Recognition on the device: offered only where nothing leaves it, and the server's ears rest meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

RECOGNITION = """
window.SpeechRecognition = class {
  static available({ langs, processLocally }) { return Promise.resolve(processLocally ? "%s" : "available"); }
  get processLocally() { return this.local; }
  set processLocally(local) { this.local = local; }
  start(track) { window.recognition = this; this.track = track; }
  abort() { this.aborted = true; }
};
"""
SAY = """(words) => {
  const result = Object.assign([{ transcript: words }], { isFinal: true });
  recognition.onresult({ resultIndex: 0, results: [result] });
}"""
OpenPage = Callable[..., Page]


def talking(open_page: OpenPage, available: str) -> Page:
    page = open_page(script=RECOGNITION % available)
    page.click("#start-talking:enabled")
    page.wait_for_selector("body[data-phase=live]")
    page.wait_for_function("window.server?.channel?.readyState === 'open'")
    return page


def test_words_recognised_on_the_device_are_asked(open_page: OpenPage) -> None:
    page = talking(open_page, "available")
    page.get_by_label("Recognise speech on this device").check()
    page.wait_for_function("server.received.length === 1")
    update = page.evaluate("server.received[0]")
    assert update["session"]["flashback"] == {"ears": "off"}
    assert page.evaluate("recognition.local === true && recognition.track.kind === 'audio'")

    page.evaluate(SAY, "what is a viseme")
    page.wait_for_function("server.received.length === 3")
    assert page.evaluate("server.received[1].item.content[0].text") == "what is a viseme"
    expect(page.locator("#transcript .you .meta")).to_contain_text("Heard by this device")

    page.get_by_label("Recognise speech on this device").uncheck()
    page.wait_for_function("server.received.length === 4")
    assert page.evaluate("server.received[3].session.flashback") == {"ears": "on"}
    assert page.evaluate("recognition.aborted") is True


def test_the_servers_ears_return_when_the_device_gives_up(open_page: OpenPage) -> None:
    page = talking(open_page, "available")
    page.get_by_label("Recognise speech on this device").check()
    page.wait_for_function("window.recognition")
    page.evaluate("recognition.onerror({ error: 'language-not-supported' })")
    expect(page.get_by_label("Recognise speech on this device")).not_to_be_checked()
    page.wait_for_function("server.received.at(-1).session.flashback.ears === 'on'")


def test_recognition_that_would_need_a_download_is_not_offered(open_page: OpenPage) -> None:
    page = talking(open_page, "downloadable")
    expect(page.locator("#device-ears")).to_be_hidden()
