"""The blendshape viewer, with a server whose face service follows the loudness of a recording."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tests.fakes.blendshape_server import BlendshapeServer
from tests.unit.web import viewer
from tests.unit.web.conftest import HERE, send
from tests.unit.web.viewer import EASED_MS, JAW, MOVE_SLIDER, STILL, WITHOUT_3D

LOUD_AND_SOFT = [0.25, 0.02, 0.25, 0.02]
ALPHABETICAL_JAW = 24
Open = Callable[..., Page]


@pytest.fixture
def server() -> Iterator[BlendshapeServer]:
    with BlendshapeServer() as running:
        yield running


@pytest.fixture
def open_viewer(browser: Browser, server: BlendshapeServer) -> Iterator[Open]:
    """open_viewer(query="", script="", call=False, drawn=False) -> the page; fails the test when the page throws.

    call: a server for calls lives in the page. drawn: with the 3D view, which is slow without a graphics card.
    """
    context = browser.new_context(viewport=viewer.WINDOW, permissions=["microphone"])
    context.set_default_timeout(60_000)
    thrown: list[str] = []

    def told(message: ConsoleMessage) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            thrown.append(message.text)

    def go(query: str = "", script: str = "", call: bool = False, drawn: bool = False) -> Page:
        page = context.new_page()
        page.on("pageerror", lambda error: thrown.append(str(error)))
        page.on("console", told)
        if call:
            page.add_init_script(path=HERE / "peer.js")
        if not drawn:
            page.add_init_script(WITHOUT_3D)
        if script:
            page.add_init_script(script)
        page.goto(f"{server.url}/viewer/?probe=1{query}")
        expect(page.locator("#personas")).to_be_visible(timeout=60_000)
        return page

    yield go
    context.close()
    assert not thrown


def move(page: Page, name: str, value: float) -> None:
    page.locator(f"#s-{name}").evaluate(MOVE_SLIDER, value)


def weight(page: Page, name: str) -> float:
    found: float = page.evaluate("name => flashback.viewer.weights()[name]", name)
    return found


def until_weight(page: Page, name: str, condition: str) -> None:
    page.wait_for_function(f"flashback.viewer.weights().{name} {condition}")


def test_the_mouth_opens_on_the_picture_when_the_jaw_slider_moves(open_viewer: Open) -> None:
    page = open_viewer("", STILL, drawn=True)
    viewer.face_drawn(page)
    move(page, "jawOpen", 0.0)
    until_weight(page, "eyeBlinkLeft", "< 0.01")
    page.wait_for_timeout(300)
    closed = viewer.picture(page)
    drawn = page.evaluate("flashback.viewer.drawn")
    move(page, "jawOpen", 1.0)
    until_weight(page, "jawOpen", "=== 1")
    page.wait_for_function("drawn => flashback.viewer.drawn > drawn + 2", arg=drawn)
    viewer.only_the_jaw_moved(closed, viewer.picture(page))


def test_sliders_show_what_moves_the_face_and_a_hand_takes_over(open_viewer: Open) -> None:
    page = open_viewer()
    expect(page.locator(".shape")).to_have_count(52)
    expect(page.locator("#manual")).not_to_be_checked()
    move(page, "mouthSmileLeft", 0.7)
    expect(page.locator("#manual")).to_be_checked()
    until_weight(page, "mouthSmileLeft", "> 0.69")
    expect(page.locator("[data-name=mouthsmileleft] output")).to_have_text("0.70")
    page.click("#reset")
    until_weight(page, "mouthSmileLeft", "< 0.01")
    move(page, "jawOpen", 0.5)
    until_weight(page, "jawOpen", "> 0.49")
    page.locator("#manual").uncheck()
    until_weight(page, "jawOpen", "< 0.01")


def test_a_hand_that_takes_over_in_a_blink_leaves_the_eyes_open(open_viewer: Open) -> None:
    page = open_viewer()
    page.wait_for_function(
        """() => {
          if (flashback.viewer.weights().eyeBlinkLeft < 0.3) return false;
          const slider = document.getElementById('s-jawOpen');
          slider.value = 0.4;
          return slider.dispatchEvent(new Event('input'));
        }"""
    )
    until_weight(page, "jawOpen", "> 0.39")
    until_weight(page, "eyeBlinkLeft", "< 0.01")


def test_a_shape_is_found_by_a_part_of_its_name(open_viewer: Open) -> None:
    page = open_viewer()
    page.keyboard.press("/")
    page.keyboard.type("sneer")
    expect(page.locator(".shape:visible")).to_have_count(2)
    page.fill("#find", "elbow")
    expect(page.get_by_text("No shape of that name.")).to_be_visible()
    page.fill("#find", "")
    expect(page.locator(".shape:visible")).to_have_count(52)


@pytest.mark.parametrize("layout", ["arkit-52", "arkit-52-alphabetical"])
def test_a_recording_moves_the_jaw_with_its_loudness(open_viewer: Open, server: BlendshapeServer, layout: str) -> None:
    server.layout = layout
    page = open_viewer()
    recording = viewer.recording(LOUD_AND_SOFT)
    viewer.choose(page, recording)
    page.wait_for_selector("#clip[data-playback=ended]")
    frames = server.frames(recording)
    jaw = {"arkit-52": 17, "arkit-52-alphabetical": ALPHABETICAL_JAW}[layout]
    shown = [entry for entry in viewer.log(page) if entry["leader"] == "frames"]
    settled = [entry for entry in shown if entry["now"] > shown[0]["now"] + EASED_MS]
    assert len(settled) > 10
    for entry in settled:
        at = min(len(frames) - 1, entry["time"] * 30)
        near = [frames[int(k)]["blendshapes"][jaw] for k in (at, min(len(frames) - 1, at + 1))]
        if abs(near[0] - near[1]) < 0.01:
            assert entry["weights"][JAW] == pytest.approx(near[0], abs=0.02)
    expect(page.locator("#readout")).to_contain_text(layout)
    assert server.received == ["speech.wav"]


def test_it_plays_before_the_last_frames_are_there_and_waits_when_they_run_dry(
    open_viewer: Open, server: BlendshapeServer
) -> None:
    server.chunk, server.pause_s = 30, 1.6
    page = open_viewer()
    viewer.choose(page, viewer.recording([0.2] * 6))
    page.wait_for_selector("#clip[data-playback=playing]")
    assert page.evaluate("flashback.viewer.source.buffered < 2.5")
    page.wait_for_selector("#clip[data-playback=waiting]")
    stopped = page.evaluate("flashback.viewer.source.playback.time")
    assert stopped == pytest.approx(page.evaluate("flashback.viewer.source.buffered"), abs=0.4)
    page.wait_for_selector("#clip[data-playback=playing]")
    page.wait_for_selector("#clip[data-playback=ended]")
    assert page.evaluate("flashback.viewer.source.playback.stalls") >= 1
    until_weight(page, "jawOpen", "< 0.01")


def test_play_pause_and_seek(open_viewer: Open) -> None:
    page = open_viewer()
    viewer.choose(page, viewer.recording([0.25] * 8))
    page.wait_for_selector("#clip[data-playback=playing]")
    page.click("#play")
    page.wait_for_selector("#clip[data-playback=paused]")
    page.locator("#seek").evaluate("(s) => { s.value = 3; s.dispatchEvent(new Event('input')); }")
    expect(page.locator("#time")).to_have_text("0:03 / 0:04")
    until_weight(page, "jawOpen", "> 0.55")
    page.locator("#view").focus()
    page.keyboard.press(" ")
    page.wait_for_selector("#clip[data-playback=ended]")
    page.get_by_role("button", name="Close the recording").click()
    expect(page.locator("#choose")).to_be_visible()


def test_a_file_that_is_no_recording_is_refused_in_plain_words(open_viewer: Open) -> None:
    page = open_viewer()
    viewer.choose(page, b"hello, this is text", "notes.txt", "text/plain")
    expect(page.locator("#trouble h2")).to_have_text("This is not a recording that can be read")
    expect(page.locator("#trouble")).to_contain_text("The file holds no sound that could be read.")
    page.get_by_role("button", name="Close", exact=True).click()
    expect(page.locator("#choose-file")).to_be_visible()


def test_a_full_server_says_when_and_is_tried_again_by_itself(open_viewer: Open, server: BlendshapeServer) -> None:
    server.full = 1
    page = open_viewer()
    viewer.choose(page, viewer.recording([0.2] * 4))
    expect(page.locator("#trouble h2")).to_have_text("The server is full")
    expect(page.locator("#trouble .countdown")).to_contain_text("Trying again in")
    page.wait_for_selector("#clip[data-playback=playing]")
    assert len(server.received) == 2


def test_an_error_in_the_stream_is_told(open_viewer: Open, server: BlendshapeServer) -> None:
    server.error = "The engine stopped."
    page = open_viewer()
    viewer.choose(page, viewer.recording([0.2]))
    expect(page.locator("#notices, #trouble").filter(has_text="The engine stopped.")).to_have_count(1)


def test_frames_that_break_off_are_told_and_the_sound_goes_on(open_viewer: Open, server: BlendshapeServer) -> None:
    server.breaks_after = 2
    page = open_viewer()
    viewer.choose(page, viewer.recording([0.2] * 4))
    expect(page.locator("#notices")).to_contain_text("The frames broke off")
    page.wait_for_selector("#clip[data-playback=ended]")


def test_a_recording_from_the_microphone_is_sent(open_viewer: Open, server: BlendshapeServer) -> None:
    page = open_viewer()
    page.click("#record:enabled")
    expect(page.locator("#recorded")).to_have_text("0:01")
    page.get_by_role("button", name="Stop and show").click()
    expect(page.locator("#trouble h2")).to_be_visible()
    assert server.received == ["recording.webm"]


def test_another_face_is_loaded_when_it_is_chosen(open_viewer: Open) -> None:
    page = open_viewer("&persona=amon", drawn=True)
    viewer.face_drawn(page)
    page.get_by_role("radio", name="Iris").click()
    expect(page.locator("#loading")).to_have_text("")
    assert "persona=iris" in page.url
    expect(page.locator("#conversation")).to_have_attribute("href", "../?persona=iris")


def test_a_browser_without_3d_still_shows_the_numbers(open_viewer: Open) -> None:
    page = open_viewer()
    expect(page.locator("#trouble h2")).to_have_text("This browser cannot draw in 3D")
    viewer.choose(page, viewer.recording([0.25] * 4))
    until_weight(page, "jawOpen", "> 0.5")
    expect(page.locator("#trouble")).to_be_hidden()


def begin_call(page: Page) -> None:
    """Opens the mocked call and tells it that media time is zero now."""
    page.click("#talk:enabled")
    page.wait_for_function("window.server?.channel?.readyState === 'open'")
    page.wait_for_function("window.rtp = (() => {" + RTP + "})()")
    send(page, "flashback.metrics", media_ms=0, audio_rtp_origin=page.evaluate("rtp"))
    page.wait_for_function("flashback.viewer.source.mediaTime !== null")


RTP = """
const receiver = flashback.viewer.source.talk.peer?.getReceivers().find(({ track }) => track.kind === 'audio');
return receiver?.getSynchronizationSources()[0]?.rtpTimestamp;
"""


def say(page: Page, turn: str, generation: int, seconds: float, **changes: Any) -> None:
    """The mocked server sends an open mouth, from 0.3 s from now on."""
    start = page.evaluate("flashback.viewer.source.mediaTime") + 300
    row = [0.0] * 52
    row[ALPHABETICAL_JAW] = 0.5
    event = {
        "turn_id": turn,
        "generation": generation,
        "start_ms": start,
        "fps": 30,
        "layout": "arkit-52-alphabetical",
        "frames": [row] * int(seconds * 30),
        **changes,
    }
    send(page, "flashback.blendshapes", **event)


def test_a_call_asks_for_blendshapes_and_shows_them_at_their_time(open_viewer: Open) -> None:
    page = open_viewer(call=True)
    begin_call(page)
    assert page.evaluate("server.calls[0].flashback") == {"greet": True, "blendshapes": True}
    send(page, "session.created", session={"flashback": {"blendshapes": False}})
    page.wait_for_function("server.received.some((e) => e.session?.flashback?.blendshapes === true)")
    say(page, "t1", 0, 1.5)
    until_weight(page, "jawOpen", "> 0.49")
    until_weight(page, "jawOpen", "< 0.01")
    expect(page.locator("#readout")).to_contain_text("30 fps")


def test_a_cut_closes_the_mouth_and_drops_what_was_to_come(open_viewer: Open) -> None:
    page = open_viewer(call=True)
    begin_call(page)
    say(page, "t1", 0, 60)
    until_weight(page, "jawOpen", "> 0.49")
    send(page, "output_audio_buffer.cleared", response_id="resp_t1")
    until_weight(page, "jawOpen", "< 0.01")
    say(page, "t1", 0, 60)
    page.wait_for_timeout(800)
    assert weight(page, "jawOpen") < 0.01
    say(page, "t2", 1, 60)
    until_weight(page, "jawOpen", "> 0.49")
    page.click("#leave")
    until_weight(page, "jawOpen", "< 0.01")
    page.wait_for_function("server.deleted.length === 1")


def test_frames_in_an_unknown_layout_are_told_once(open_viewer: Open) -> None:
    page = open_viewer(call=True)
    begin_call(page)
    for _ in range(2):
        say(page, "t1", 0, 1, layout="mine")
    expect(page.locator("#notices")).to_contain_text("unknown order")
    expect(page.locator(".notice")).to_have_count(1)


def test_a_full_server_is_told_before_a_call_and_tried_again(open_viewer: Open) -> None:
    page = open_viewer("", "server.full = 1", call=True)
    page.click("#talk:enabled")
    expect(page.locator("#trouble h2")).to_have_text("The server is full")
    page.wait_for_function("window.server?.channel?.readyState === 'open'")
    expect(page.locator("#trouble")).to_be_hidden()
