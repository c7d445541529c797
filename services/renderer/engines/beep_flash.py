"""Test engine for measuring audio-video skew by content: a white flash and a 1 kHz beep at each full second."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from flashback.media.clock import SPEECH_RATE
from flashback.personas import Persona
from services.renderer import stamp as stamps
from services.renderer.engine import EngineInfo, Pose
from services.renderer.settings import RendererSettings

BEEP_HZ = 1000
FLASH_FRAMES = 2
DARK, BAR, WHITE = 48, 110, 235
BAR_WIDTH = 16


class BeepFlashCanvas:
    """Dark grey with a bar that moves 8 pixels a frame; for the first two frames of each second of media time all
    white. The audio is silence, and the beep for as long as the flash."""

    def __init__(self, info: EngineInfo) -> None:
        self._info = info
        self._picture = np.full(info.width * info.height * 3 // 2, 128, np.uint8)
        self._luma = self._picture[: info.width * info.height].reshape(info.height, info.width)
        self._flash_samples = FLASH_FRAMES * SPEECH_RATE // info.fps

    def draw(self, pose: Pose, stamp: int | None) -> memoryview:
        flash = pose.start_sample % SPEECH_RATE < self._flash_samples
        self._luma.fill(WHITE if flash else DARK)
        if not flash:
            x = pose.frame * 8 % (self._info.width - BAR_WIDTH)
            self._luma[:, x : x + BAR_WIDTH] = BAR
        stamps.write(self._luma, pose.frame if stamp is None else stamp)
        return self._picture.data

    def sound(self, pose: Pose) -> NDArray[np.int16]:
        t = np.arange(pose.start_sample, pose.start_sample + len(pose.audio)) % SPEECH_RATE
        beep = 12000 * np.sin(2 * np.pi * BEEP_HZ * t / SPEECH_RATE)
        return np.where(t < self._flash_samples, beep, 0).astype(np.int16)


class BeepFlashFace:
    """Every persona looks the same."""

    def __init__(self, info: EngineInfo) -> None:
        self._info = info

    def canvas(self) -> BeepFlashCanvas:
        return BeepFlashCanvas(self._info)


class BeepFlashEngine:
    """Needs nothing but a persona's name."""

    def __init__(self, settings: RendererSettings) -> None:
        self.info = EngineInfo("beep-flash", settings.size, settings.size, settings.fps, grades_in_place=False)

    def load(self, persona: Persona) -> BeepFlashFace:
        return BeepFlashFace(self.info)


def create(settings: RendererSettings) -> BeepFlashEngine:
    return BeepFlashEngine(settings)
