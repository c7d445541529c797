"""The page in headless Chromium, served from its folder, with a server that lives in the page itself (peer.js)."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright

from benchmarks import chromium

HERE = Path(__file__).parent
PAGE = HERE.parents[2] / "web-samples" / "minimal-webrtc-client"
PERSONAS = [
    {"id": "iris", "name": "Iris", "about": "lips", "greeting": "Hello.", "portrait": "/portrait.svg"},
    {"id": "amon", "name": "Amon", "about": "stars", "greeting": "Good evening.", "portrait": "/portrait.svg"},
]
PORTRAIT = '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect width="8" height="8" fill="tan"/></svg>'
DOCUMENTS = {
    "iris": {
        "documents": [{"document": "lips.md", "title": "All about lips"}],
        "suggestions": ["Which sounds close the lips?", "What is a viseme?"],
    },
    "amon": {"documents": [], "suggestions": []},
}


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="session")
def page_url() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(PAGE)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = chromium.find()
    if executable is None:
        pytest.skip("no Chromium on this machine: the page is not tested")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=executable, args=[*chromium.FLAGS, *chromium.SOFTWARE_WEBGL]
        )
        yield launched
        launched.close()


def _serve(route: Route) -> None:
    url = route.request.url
    if "/personas" in url:
        route.fulfill(json={"personas": PERSONAS, "default": "iris"})
    elif "persona=amon" in url:
        route.fulfill(json=DOCUMENTS["amon"])
    else:
        route.fulfill(json=DOCUMENTS["iris"])


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, page_url: str) -> Iterator[OpenPage]:
    """open_page(query="", script="") -> a page with the mocked server; fails the test when the page throws."""
    context = browser.new_context(viewport={"width": 1000, "height": 700}, permissions=["microphone"])
    context.set_default_timeout(15_000)
    thrown: list[str] = []

    def go(query: str = "", script: str = "") -> Page:
        page = context.new_page()
        page.on("pageerror", lambda error: thrown.append(str(error)))
        page.route("**/v1/flashback/**", _serve)
        page.route("**/portrait.svg", lambda route: route.fulfill(body=PORTRAIT, content_type="image/svg+xml"))
        page.add_init_script(path=HERE / "peer.js")
        if script:
            page.add_init_script(script)
        page.goto(page_url + query)
        return page

    yield go
    context.close()
    assert not thrown


@pytest.fixture
def call(open_page: OpenPage) -> Page:
    """A page in a live call, without microphone."""
    return go_live(open_page())


def go_live(page: Page) -> Page:
    page.click("#type-only:enabled")
    page.wait_for_selector("body[data-phase=live]")
    page.wait_for_function("window.server?.channel?.readyState === 'open'")
    return page


def send(page: Page, kind: str, **fields: Any) -> None:
    """The mocked server sends an event."""
    page.evaluate("([type, fields]) => server.send(type, fields)", [kind, fields])
