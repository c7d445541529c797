from __future__ import annotations

from pathlib import Path

import pytest

from flashback import personas
from flashback.errors import Broken, InvalidInput, NotFound
from flashback.settings import HouseSettings

GOOD = """
name = "Test"
greeting = "Hello."
about = "tests"
synthetic = true
"""


@pytest.fixture
def house(tmp_path: Path) -> HouseSettings:
    return HouseSettings(home=tmp_path, data_dir=tmp_path / "var")


def put(house: HouseSettings, persona_id: str, text: str) -> Path:
    folder = house.personas_dir / persona_id
    folder.mkdir(parents=True)
    (folder / "persona.toml").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("persona_id", ["..", "../iris", "a/b", "", "A", "a" * 65, "ü", "iris\n", "a.b"])
def test_an_id_never_leaves_its_folder(persona_id: str, house: HouseSettings) -> None:
    with pytest.raises(InvalidInput):
        personas.load(persona_id, house)


def test_unknown_persona_names_the_installed_ones(house: HouseSettings) -> None:
    put(house, "known", GOOD)
    with pytest.raises(NotFound, match="known"):
        personas.load("stranger", house)


@pytest.mark.parametrize(
    "text",
    [
        "not toml [",
        'name = "x"',
        GOOD + "[look]\nintensity = 1.5",
        GOOD + "[look]\nnonsense = 1",
        GOOD + '[look]\nintensity = "much"',
    ],
)
def test_damaged_persona_file(text: str, house: HouseSettings) -> None:
    put(house, "bad", text)
    with pytest.raises(Broken, match="bad"):
        personas.load("bad", house)


def test_a_real_person_needs_consent(house: HouseSettings) -> None:
    folder = put(house, "real", GOOD.replace("true", "false"))
    with pytest.raises(Broken, match="consent"):
        personas.load("real", house)
    (folder / "consent.toml").write_text("", encoding="utf-8")
    assert personas.load("real", house).synthetic is False


def test_the_default_persona_reads_the_top_level_corpus(house: HouseSettings) -> None:
    put(house, "iris", GOOD)
    other = put(house, "other", GOOD)
    assert personas.load("iris", house).corpus == house.home / "corpus"
    assert personas.load("other", house).corpus == other / "corpus"


def test_the_shipped_personas_load() -> None:
    assert {"iris", "amon"} <= set(personas.known())
    for persona_id in ("iris", "amon"):
        persona = personas.load(persona_id)
        assert persona.synthetic
        assert persona.questions
        assert list(persona.corpus.glob("*.md"))
