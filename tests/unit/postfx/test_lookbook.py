from pathlib import Path

import numpy as np
import pytest

from flashback.errors import Broken, NotFound
from flashback.settings import HouseSettings
from services.postfx.engines.cpu import CpuEngine
from services.postfx.lookbook import LookBook, find
from services.postfx.lut import write_cube
from services.postfx.settings import PostFxSettings

PIXELS = np.full((2, 2, 3), 100, np.uint8)


@pytest.fixture
def house(tmp_path: Path) -> HouseSettings:
    for name, look in (
        ("iris", 'lut="cinematic"\nintensity=0.35'),
        ("plain", 'lut="none"\nbadge=false'),
        ("own", 'lut="own.cube"\nintensity=1.0'),
        ("broken", 'lut="broken.cube"'),
        ("thief", 'lut="../own/own.cube"'),
        ("lost", 'lut="lost.cube"'),
    ):
        folder = tmp_path / "personas" / name
        folder.mkdir(parents=True)
        (folder / "persona.toml").write_text(
            f'name="x"\ngreeting="x"\nabout="x"\nsynthetic=true\n[look]\n{look}\n', encoding="utf-8"
        )
    black = np.zeros((2, 2, 2, 3), np.float32)
    (tmp_path / "personas/own/own.cube").write_text(write_cube(black, "black"))
    (tmp_path / "personas/broken/broken.cube").write_text("LUT_1D_SIZE 4\n")
    return HouseSettings(home=tmp_path)


def _book(house: HouseSettings, **settings: object) -> LookBook:
    return LookBook(CpuEngine(), PostFxSettings.model_validate(settings), house)


def test_each_persona_has_its_look(house: HouseSettings) -> None:
    book = _book(house)
    assert (book.look("own").still(PIXELS) == 0).all()
    assert (book.look("plain").still(PIXELS) == 100).all()
    assert (book.look("").still(PIXELS) != 100).any()
    assert book.look("").badge
    assert not book.look("plain").badge


def test_settings_override(house: HouseSettings) -> None:
    assert not _book(house, badge=False).look("iris").badge
    assert (_book(house, intensity=0).look("own").still(PIXELS) == 100).all()
    assert abs(int(_book(house, intensity=0.5).look("own").still(PIXELS)[0, 0, 0]) - 50) <= 1
    assert (_book(house, lut="none").look("own").still(PIXELS) == 100).all()
    own = str(house.personas_dir / "own" / "own.cube")
    assert (_book(house, lut=own, intensity=1).look("plain").still(PIXELS) == 0).all()


def test_look_is_prepared_once(house: HouseSettings) -> None:
    book = _book(house)
    assert book.look("iris").grader is book.look("iris").grader


@pytest.mark.parametrize(("persona", "error"), [("broken", Broken), ("thief", Broken), ("lost", NotFound)])
def test_bad_looks(house: HouseSettings, persona: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        _book(house).look(persona)


def test_only_cube_files(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("x")
    with pytest.raises(NotFound):
        find("x.txt", tmp_path)
