"""Real servers, tiny models, and documents about lighthouses: `make test-llm`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from flashback.settings import HouseSettings
from services.rag_llm.embedding import MiniLM
from services.rag_llm.library import Library
from services.rag_llm.settings import RagSettings
from tests.llm.transformers_server import BIN, TransformersServer, make_models

PERSONA = """
name = "Lia"
languages = ["en"]
greeting = "Hello, I am Lia."
about = "lighthouses"
synthetic = true
"""
TEXT = """# Lighthouses

## The lens

A Fresnel lens gathers the light of the lamp into one narrow beam. Augustin Fresnel designed it in 1822.

## The keeper

The keeper lit the lamp at sunset and wound the clockwork every four hours.
"""
RECITED = "A Fresnel lens gathers light of the lamp into one narrow beam [1]."
"""What the reciting model says: supported by TEXT, in words that are not quite its own; no word comes twice."""
SPOKEN = "A Fresnel lens gathers light of the lamp into one narrow beam."


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/llm/" in str(item.path):
            item.add_marker(pytest.mark.llm)
            item.add_marker(pytest.mark.timeout(300))


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the tiny models."""
    if not (BIN / "transformers").exists():
        pytest.skip("the server is not installed: make test-llm")
    folder = tmp_path_factory.mktemp("models")
    make_models(folder, RECITED)
    return folder


@pytest.fixture(scope="session")
def server(models: Path) -> Iterator[TransformersServer]:
    """A server that all tests share which do it no harm."""
    with TransformersServer(models, models / "shared.log") as running:
        yield running


@pytest.fixture
def mortal(models: Path, tmp_path: Path) -> Iterator[TransformersServer]:
    """A server of the test's own, that it may kill."""
    with TransformersServer(models, tmp_path / "mortal.log") as running:
        yield running


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> HouseSettings:
    """A house with one persona, who knows about lighthouses."""
    home = tmp_path_factory.mktemp("house")
    corpus = home / "personas" / "lia" / "corpus"
    corpus.mkdir(parents=True)
    (corpus.parent / "persona.toml").write_text(PERSONA, encoding="utf-8")
    (corpus / "lighthouses.md").write_text(TEXT, encoding="utf-8")
    return HouseSettings(home=home, data_dir=home / "var", default_persona="lia")


@pytest.fixture(scope="session")
def encoder() -> MiniLM:
    return MiniLM()


@pytest.fixture
async def library(house: HouseSettings, encoder: MiniLM) -> AsyncIterator[Library]:
    """The documents, read."""
    shelf = Library(house, RagSettings(first_ingest_wait_s=60), encoder)
    yield shelf
    await shelf.close()
