"""What the page says and does when something goes wrong."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.unit.web.conftest import go_live

NO_MICROPHONE = """
navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("", "NotAllowedError"));
"""
OpenPage = Callable[..., Page]


def test_full_server_is_tried_again_by_itself(open_page: OpenPage) -> None:
    page = open_page(script="server.full = 1")
    page.click("#type-only:enabled")
    expect(page.locator("#trouble h2")).to_have_text("The server is full")
    expect(page.locator("#trouble .countdown")).to_contain_text("Trying again in")
    page.wait_for_selector("body[data-phase=live]")
    expect(page.locator("#trouble")).to_be_hidden()


def test_refused_microphone_leaves_typing(open_page: OpenPage) -> None:
    page = open_page(script=NO_MICROPHONE)
    page.click("#start-talking:enabled")
    expect(page.locator("#notices")).to_contain_text("The microphone is blocked")
    page.wait_for_selector("body[data-phase=live]")
    expect(page.locator("#mute")).to_have_text("Use mic")


def test_insecure_address_says_so_and_offers_typing(open_page: OpenPage) -> None:
    page = open_page(script="Object.defineProperty(window, 'isSecureContext', { value: false })")
    expect(page.locator("#welcome-note")).to_contain_text("only over https")
    expect(page.locator("#start-talking")).to_be_disabled()
    expect(page.locator("#type-only")).to_be_enabled()


def test_browser_without_webrtc_is_told(open_page: OpenPage) -> None:
    page = open_page(script="delete window.RTCPeerConnection")
    expect(page.locator("#trouble h2")).to_have_text("This browser cannot hold a video call")
    expect(page.locator("#type-only")).to_be_disabled()


def test_unknown_persona_is_named_and_the_default_greets(open_page: OpenPage) -> None:
    page = open_page("?persona=../../etc")
    expect(page.locator("#notices")).to_contain_text("Nobody of that name here")
    expect(page.locator("#persona-name")).to_have_text("Iris")


def test_last_picture_stays_when_the_call_breaks_and_it_reconnects(open_page: OpenPage) -> None:
    page = go_live(open_page())
    page.wait_for_selector(".picture[data-live]")
    page.evaluate("server.hangUp()")
    expect(page.locator("#trouble h2")).to_have_text("The server ended the call")
    expect(page.locator("#still")).to_be_visible()
    page.get_by_role("button", name="Try now").click()
    page.wait_for_selector("body[data-phase=live]")
    expect(page.locator("#still")).to_be_hidden()


def test_portrait_shows_until_the_first_frame(open_page: OpenPage) -> None:
    page = open_page()
    page.wait_for_selector("#type-only:enabled")
    assert page.evaluate("getComputedStyle(video).opacity") == "0"
    assert page.evaluate("poster.naturalWidth") > 0
    go_live(page)
    page.wait_for_selector(".picture[data-live]")
    page.wait_for_function("getComputedStyle(video).opacity === '1'")


def test_silent_server_is_told(open_page: OpenPage, page_url: str) -> None:
    page = open_page()
    page.unroute("**/v1/flashback/**")
    page.route("**/v1/flashback/**", lambda route: route.abort())
    page.goto(page_url)
    expect(page.locator("#trouble h2")).to_have_text("The server does not answer")
