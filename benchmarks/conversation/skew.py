"""A/V skew by content: a renderer that flashes and beeps at the same media time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from benchmarks import chromium
from benchmarks.conversation.page import ProbedPage
from benchmarks.hardware import percentile
from benchmarks.live_stack import LiveStack

SECONDS = 60.0


async def measure(data_dir: Path) -> dict[str, Any]:
    """Absolute difference between beep and flash in the browser, in ms."""
    async with chromium.launch() as browser:
        with LiveStack(data_dir, {"FLASHBACK_RENDERER_ENGINE": "beep-flash"}) as stack:
            page = await ProbedPage.open(browser, stack.url)
            await asyncio.sleep(3.0)
            await page.page.evaluate("flashback.probe.reset()")
            await asyncio.sleep(SECONDS)
            skews: list[float] = await page.page.evaluate("flashback.probe.skews()")
    return {
        "av_skew_ms_p95": round(percentile([abs(s) for s in skews], 95), 1),
        "av_skew_ms_median": round(percentile(skews, 50), 1),
        "av_skew_samples": len(skews),
    }
