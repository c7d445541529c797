"""Loading personas: once, shared, and again only after a failure."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from flashback.errors import InvalidInput, NotFound, Unavailable
from flashback.personas import Persona
from flashback.settings import HouseSettings
from services.renderer.engine import EngineInfo
from services.renderer.engines.beep_flash import BeepFlashFace
from services.renderer.engines.rig.engine import RigEngine
from services.renderer.faces import Faces
from services.renderer.settings import RendererSettings

TOML = 'name = "X"\ngreeting = "Hello."\nabout = "x"\nsynthetic = true\n'


class CountingEngine:
    """Fails as many times as it is told to, off the event loop's thread."""

    info = EngineInfo("counting", 512, 512, 25, grades_in_place=True)

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.loads = 0
        self.threads: set[int] = set()

    def load(self, persona: Persona) -> BeepFlashFace:
        self.loads += 1
        self.threads.add(threading.get_ident())
        if self.loads <= self.failures:
            raise Unavailable("not yet")
        return BeepFlashFace(self.info)


@pytest.fixture
def house(tmp_path: Path) -> HouseSettings:
    folder = tmp_path / "personas" / "x"
    folder.mkdir(parents=True)
    (folder / "persona.toml").write_text(TOML)
    return HouseSettings(home=tmp_path)


async def test_a_persona_is_loaded_once_for_all_and_off_the_loop(house: HouseSettings) -> None:
    engine = CountingEngine()
    faces = Faces(engine, house)
    first, *others = await asyncio.gather(*(faces.get("x") for _ in range(5)))
    assert all(face is first for face in others)
    assert await faces.get("x") is first
    assert engine.loads == 1
    assert threading.get_ident() not in engine.threads


async def test_a_failed_load_is_tried_again(house: HouseSettings) -> None:
    faces = Faces(CountingEngine(failures=2), house)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await faces.get("x")
    assert await faces.get("x") is await faces.get("x")


async def test_one_who_gives_up_waiting_does_not_spoil_it_for_another(house: HouseSettings) -> None:
    engine = CountingEngine()
    faces = Faces(engine, house)
    impatient = asyncio.create_task(faces.get("x"))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await faces.get("x")
    assert engine.loads == 1


async def test_unknown_and_malformed_personas(house: HouseSettings) -> None:
    faces = Faces(CountingEngine(), house)
    with pytest.raises(NotFound):
        await faces.get("y")
    with pytest.raises(InvalidInput):
        await faces.get("../x")


def test_the_rig_says_so_when_nobody_colours_its_plates(house: HouseSettings, tmp_path: Path) -> None:
    persona = Persona("x", tmp_path, tmp_path, "X", ("en",), "", "", True)
    engine = RigEngine(RendererSettings(postfx_wait_s=0.2), f"unix:{tmp_path}/nobody", tmp_path)
    with pytest.raises(Unavailable, match="postfx"):
        engine.load(persona)
