"""The sample page under measurement: opening it, asking, and reading its probe."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from playwright.async_api import Browser, Page

from benchmarks.chromium import INJECTED_MICROPHONE


class ProbedPage:
    """A page opened with `?probe=1`. Times are milliseconds of the page's performance.now()."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @classmethod
    async def open(cls, browser: Browser, url: str, persona: str = "iris", microphone: bool = False) -> ProbedPage:
        """Starts a call; returns when the first frame is shown."""
        page = await browser.new_page(viewport={"width": 1280, "height": 800})
        if microphone:
            await page.add_init_script(INJECTED_MICROPHONE)
        await page.goto(f"{url}/?probe=1&greet=0&persona={persona}")
        await page.click("#start-talking" if microphone else "#type-only")
        await page.wait_for_function("window.flashback?.probe?.frames.length > 0", timeout=30_000, polling=20)
        await page.wait_for_function("window.flashback.probe.eventAfter('session.created') !== null", timeout=10_000)
        return cls(page)

    async def ask(self, question: str) -> float:
        """Sends a typed question; returns when it left."""
        sent: float = await self.page.evaluate(
            "q => { const asked = performance.now(); flashback.talk.ask(q); return asked; }", question
        )
        return sent

    async def now(self) -> float:
        value: float = await self.page.evaluate("performance.now()")
        return value

    async def frames(self, since: float) -> list[dict[str, Any]]:
        """Entries of the probe's frame log from `since` on."""
        found: list[dict[str, Any]] = await self.page.evaluate(
            "since => flashback.probe.frames.filter((f) => f.t >= since)", since
        )
        return found

    async def audio(self, since: float) -> list[tuple[float, float]]:
        """(time of a block's first sample, RMS) from `since` on; blocks of 256 samples at 48 kHz."""
        found: list[list[float]] = await self.page.evaluate(
            "since => flashback.probe.audio.filter(([t]) => t >= since).map(([t, rms]) => [t, rms])", since
        )
        return [(t, rms) for t, rms in found]

    async def events(self, since: float, kind: str | None = None) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self.page.evaluate(
            "([since, kind]) => flashback.probe.events.filter((e) => e.t >= since && (!kind || e.type === kind))",
            [since, kind],
        )
        return found

    async def wait_event(self, kind: str, since: float, timeout_s: float = 20.0) -> dict[str, Any]:
        """The first event of a type at or after `since`. Raises TimeoutError when there is none in time."""
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            found = await self.events(since, kind)
            if found:
                return found[0]
            await asyncio.sleep(0.02)
        raise TimeoutError(f"no {kind} within {timeout_s} s")

    async def stop_talking(self) -> None:
        """Cancels the answer, if there is one, and waits until the page is quiet."""
        before = await self.now()
        await self.page.evaluate("flashback.talk.conversation.stop()")
        await asyncio.sleep(0.6)
        await self.wait_quiet(before)

    async def wait_quiet(self, since: float, hold_ms: float = 500, timeout_s: float = 60.0) -> float:
        """Returns the time since when the sound has been silent for `hold_ms`."""
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            quiet: float | None = await self.page.evaluate(
                "([since, hold]) => flashback.probe.silentFrom(since, hold)", [since, hold_ms]
            )
            if quiet is not None and (await self.now()) - quiet >= hold_ms:
                return quiet
            await asyncio.sleep(0.05)
        raise TimeoutError("the page never fell silent")
