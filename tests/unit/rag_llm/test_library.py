from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from flashback.errors import Unavailable
from flashback.settings import HouseSettings
from services.rag_llm.embedding import MiniLM
from services.rag_llm.library import Library
from services.rag_llm.settings import RagSettings


class HeldEncoder:
    """Encodes only once `go` is set."""

    name = "held"

    def __init__(self) -> None:
        self.go = threading.Event()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        assert self.go.wait(30)
        return np.full((len(texts), 384), 384**-0.5, np.float32)


async def test_explicit_sources_survive_a_restart(
    house: HouseSettings, settings: RagSettings, encoder: MiniLM, tmp_path: Path
) -> None:
    (tmp_path / "wasps.txt").write_text("A paper wasp builds its nest from chewed wood.")
    first = Library(house, settings, encoder)
    persona = await first.persona("bea")
    ends = [done async for _, done in first.ingest(persona, [tmp_path / "wasps.txt"])]
    await first.close()
    assert ends[-1]
    second = Library(house, settings, encoder)
    index = await second.index(persona)
    await second.close()
    assert index is not None
    assert index.documents == ("bees.md", "wasps.txt")


async def test_changed_documents_are_noticed_without_a_restart(
    house: HouseSettings, settings: RagSettings, encoder: MiniLM
) -> None:
    library = Library(house, settings, encoder)
    persona = await library.persona("bea")
    first = await library.index(persona)
    (persona.corpus / "more.md").write_text("# More\n\nDrones have no sting.\n")
    await library.index(persona)
    async for _ in library.ingest(persona, []):
        pass
    second = await library.index(persona)
    await library.close()
    assert first is not None
    assert second is not None
    assert second.documents == ("bees.md", "more.md")
    assert first.documents == ("bees.md",)


async def test_a_question_does_not_wait_for_ever_and_the_vocabulary_does_not_wait_at_all(house: HouseSettings) -> None:
    encoder = HeldEncoder()
    library = Library(house, RagSettings(first_ingest_wait_s=0.05), encoder)
    persona = await library.persona("bea")
    with pytest.raises(Unavailable, match="still reading"):
        await library.index(persona)
    assert (await library.draft(persona)).passages
    encoder.go.set()
    async for _, done in library.ingest(persona, []):
        finished = done
    assert finished
    assert await library.index(persona) is not None
    await library.close()


async def test_emptied_documents_leave_no_index(house: HouseSettings, settings: RagSettings, encoder: MiniLM) -> None:
    library = Library(house, settings, encoder)
    persona = await library.persona("bea")
    assert await library.index(persona) is not None
    (persona.corpus / "bees.md").unlink()
    async for _ in library.ingest(persona, []):
        pass
    assert await library.index(persona) is None
    await library.close()


async def test_closing_stops_an_ingest(house: HouseSettings) -> None:
    encoder = HeldEncoder()
    library = Library(house, RagSettings(first_ingest_wait_s=0.0), encoder)
    persona = await library.persona("bea")
    library.begin(persona)
    encoder.go.set()
    await library.close()
