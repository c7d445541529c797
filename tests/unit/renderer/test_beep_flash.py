"""The skew test engine and the stamp."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from flashback.media.clock import FrameClock
from flashback.personas import Persona
from services.renderer import stamp
from services.renderer.engines.beep_flash import create
from services.renderer.settings import RendererSettings
from services.renderer.stage import Stage

SIZE = 512


def test_flash_and_beep_cover_the_same_samples() -> None:
    persona = Persona("x", Path(), Path(), "X", ("en",), "", "", True)
    canvas = create(RendererSettings(size=SIZE)).load(persona).canvas()
    stage = Stage(FrameClock(), 1)
    bright, loud, numbers = [], [], []
    for _ in range(75):
        pose = stage.next_frame().pose
        luma = np.frombuffer(bytes(canvas.draw(pose, None)), np.uint8)[: SIZE * SIZE].reshape(SIZE, SIZE)
        numbers.append(stamp.read(luma))
        bright.append(bool(luma[100:].mean() > 200))
        sound = canvas.sound(pose)
        assert len(sound) == len(pose.audio)
        loud.append(bool(np.abs(sound).mean() > 1000))
        assert loud[-1] or not sound.any()
    assert bright == loud == [i % 25 < 2 for i in range(75)]
    assert numbers == list(range(75))


def test_beep_is_a_kilohertz() -> None:
    persona = Persona("x", Path(), Path(), "X", ("en",), "", "", True)
    canvas = create(RendererSettings()).load(persona).canvas()
    spectrum = np.abs(np.fft.rfft(canvas.sound(Stage(FrameClock(), 1).next_frame().pose)))
    assert np.argmax(spectrum) * 25 == 1000


@pytest.mark.parametrize("number", [0, 1, 25, 4095, 123_456, stamp.NUMBERS - 1])
def test_stamp_is_read_back_through_noise(number: int) -> None:
    luma = np.full((SIZE, SIZE), 90, np.uint8)
    stamp.write(luma, number)
    noise = np.random.default_rng(number).normal(0, 25, luma.shape)
    assert stamp.read(np.clip(luma + noise, 16, 235).astype(np.uint8)) == number


def test_no_stamp_no_number() -> None:
    assert stamp.read(np.full((SIZE, SIZE), 90, np.uint8)) is None
    assert stamp.read(np.zeros((8, 8), np.uint8)) is None
