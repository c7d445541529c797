"""The viewer's pure parts, in Chromium and, where it is installed, in node: the same cases."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from flashback.media.blendshapes import LAYOUTS
from tests.fakes.blendshape_server import BlendshapeServer

VIEWER = Path(__file__).parents[3] / "web-samples" / "blendshape-viewer"
RUN = """async () => {
  const { cases } = await import('./test/cases.js');
  const failed = {};
  for (const [name, check] of Object.entries(cases)) {
    try { await check(); } catch (error) { failed[name] = String(error); }
  }
  return { count: Object.keys(cases).length, failed };
}"""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """A document beside the sources that loads none of them by itself."""
    with BlendshapeServer() as server:
        bare = browser.new_page()
        bare.goto(f"{server.url}/web-samples/blendshape-viewer/package.json")
        yield bare
        bare.close()


def test_the_cases_hold_in_the_browser(page: Page) -> None:
    done = page.evaluate(RUN)
    assert done["failed"] == {}
    assert done["count"] >= 35


def test_layouts_are_those_of_the_server(page: Page) -> None:
    assert page.evaluate("async () => (await import('./src/layouts.js')).LAYOUTS") == {
        name: list(channels) for name, channels in LAYOUTS.items()
    }


def test_the_cases_hold_in_node() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed: the same cases ran in Chromium")
    ran = subprocess.run([node, "--test", "test/node.test.js"], cwd=VIEWER, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stdout[-3000:]
