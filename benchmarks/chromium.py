"""Headless Chromium the way the benches and the end-to-end tests need it."""

from __future__ import annotations

import base64
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, Page, async_playwright

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--allow-loopback-in-peer-connection",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
]

SOFTWARE_WEBGL = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
"""To draw in 3D where there is no graphics card; slow, a few pictures a second."""

INJECTED_MICROPHONE = """
(() => {
  let context, line;
  const ensure = () => {
    if (!context) {
      context = new AudioContext({ sampleRate: 48000 });
      line = context.createMediaStreamDestination();
      const hum = context.createConstantSource(); hum.offset.value = 1e-6; hum.connect(line); hum.start();
    }
    return line;
  };
  navigator.mediaDevices.getUserMedia = async () => ensure().stream.clone();
  window.speakIntoMicrophone = async (base64) => {
    const stream = ensure(); await context.resume();
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const buffer = await context.decodeAudioData(bytes.buffer);
    const source = context.createBufferSource(); source.buffer = buffer; source.connect(stream);
    const begun = performance.now(); source.start();
    return { begun, seconds: buffer.duration };
  };
})();
"""
"""Replaces getUserMedia by a line that plays WAV data on demand, so that the moment somebody speaks is known."""


def find() -> str | None:
    """Path of an installed Chromium, or None."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    return None


@asynccontextmanager
async def launch(extra: list[str] | None = None) -> AsyncIterator[Browser]:
    """A browser process; closed at the end. Raises RuntimeError when Chromium is not installed."""
    executable = find()
    if executable is None:
        raise RuntimeError("Chromium is not installed: apt install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=[*FLAGS, *(extra or [])])
        try:
            yield browser
        finally:
            await browser.close()


async def speak(page: Page, wav: bytes) -> tuple[float, float]:
    """Speaks WAV data into the injected microphone; returns (performance.now() at its start, its seconds)."""
    begun = await page.evaluate("wav => speakIntoMicrophone(wav)", base64.b64encode(wav).decode())
    return float(begun["begun"]), float(begun["seconds"])
