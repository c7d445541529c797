"""A small house with two personas, and the encoder, loaded once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flashback.settings import HouseSettings
from services.rag_llm.embedding import MiniLM
from services.rag_llm.index import PassageIndex
from services.rag_llm.library import Library
from services.rag_llm.settings import RagSettings

PERSONA = """
name = "{name}"
languages = ["en"]
greeting = "Hello, I am {name}."
about = "{about}"
synthetic = true
"""

BEES = """# Bees

## The hive

A healthy hive holds about 50,000 bees in summer. The queen is the only bee that lays eggs.

## Honey

Honey keeps for years because it contains very little water. A worker bee makes about one twelfth of a teaspoon of
honey in her life. Karl von Frisch decoded the waggle dance in 1927.
"""

BRIDGES = """# Bridges

## The Forth Bridge

The Forth Bridge was opened in 1890 and crosses the Firth of Forth in Scotland. It was designed by John Fowler and
Benjamin Baker.

## Suspension bridges

A suspension bridge hangs its deck from cables. The Akashi Kaikyo Bridge has a main span of 1,991 metres.
"""


@pytest.fixture(scope="session")
def encoder() -> MiniLM:
    return MiniLM()


@pytest.fixture(scope="session")
def vector_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("vectors")


@pytest.fixture
def settings(vector_cache: Path) -> RagSettings:
    return RagSettings(recheck_s=0.0, first_ingest_wait_s=60.0, vector_cache=vector_cache)


def add_persona(home: Path, persona_id: str, name: str, about: str, files: dict[str, str]) -> Path:
    """Writes a persona with a corpus of its own and returns the corpus folder."""
    folder = home / "personas" / persona_id
    (folder / "corpus").mkdir(parents=True)
    (folder / "persona.toml").write_text(PERSONA.format(name=name, about=about), encoding="utf-8")
    for file, text in files.items():
        (folder / "corpus" / file).write_text(text, encoding="utf-8")
    return folder / "corpus"


@pytest.fixture
def house(tmp_path: Path) -> HouseSettings:
    add_persona(tmp_path, "bea", "Bea", "bees and honey", {"bees.md": BEES})
    add_persona(tmp_path, "bob", "Bob", "bridges", {"bridges.md": BRIDGES})
    add_persona(tmp_path, "nil", "Nil", "nothing yet", {})
    return HouseSettings(home=tmp_path, data_dir=tmp_path / "var", default_persona="bea")


@pytest.fixture
async def index(house: HouseSettings, settings: RagSettings, encoder: MiniLM) -> AsyncIterator[PassageIndex]:
    """Bea's documents, as the service indexes them."""
    library = Library(house, settings, encoder)
    found = await library.index(await library.persona("bea"))
    assert found is not None
    yield found
    await library.close()
