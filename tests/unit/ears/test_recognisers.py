"""Building, caching and loading a persona's recogniser."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flashback.errors import InvalidInput, NotFound, Unavailable
from flashback.settings import HouseSettings
from services.ears.recognisers import Recognisers
from tests.unit.ears.fakes import CountingEngine, FakeTeacher


def make(tmp_path: Path, teacher: FakeTeacher) -> Recognisers:
    return Recognisers(CountingEngine(), teacher, HouseSettings(data_dir=tmp_path), lambda: ThreadPoolExecutor(1))


async def test_builds_once_for_each_version_of_the_documents(tmp_path: Path) -> None:
    teacher = FakeTeacher()
    recognisers = make(tmp_path, teacher)
    assert recognisers.ready("iris") is None
    first = await recognisers.prepare("iris")
    assert first.rebuilt
    assert recognisers.ready("iris") is first.recogniser
    again = await recognisers.prepare("iris")
    assert not again.rebuilt
    assert again.recogniser is first.recogniser
    teacher.version = "v2"
    assert (await recognisers.prepare("iris")).rebuilt
    assert len(list((tmp_path / "personas" / "iris" / "speech").iterdir())) == 1


async def test_another_process_finds_the_built_model(tmp_path: Path) -> None:
    await make(tmp_path, FakeTeacher()).prepare("iris")
    assert not (await make(tmp_path, FakeTeacher()).prepare("iris")).rebuilt


async def test_a_service_that_is_away_is_unavailable_and_nothing_is_left_behind(tmp_path: Path) -> None:
    teacher = FakeTeacher()
    teacher.away = Unavailable("The rag_llm service is not answering.")
    recognisers = make(tmp_path, teacher)
    with pytest.raises(Unavailable):
        await recognisers.prepare("iris")
    assert recognisers.ready("iris") is None
    teacher.away = None
    assert (await recognisers.prepare("iris")).rebuilt


@pytest.mark.parametrize(("persona", "error"), [("nobody", NotFound), ("../iris", InvalidInput), ("", InvalidInput)])
async def test_unknown_personas_are_refused(tmp_path: Path, persona: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        await make(tmp_path, FakeTeacher()).prepare(persona)
