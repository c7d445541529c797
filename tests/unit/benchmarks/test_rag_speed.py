from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks import alone, rag_scale, rag_speed
from flashback import personas
from flashback.personas import Persona
from flashback.settings import HouseSettings
from services.rag_llm.embedding import MiniLM
from tests.unit.rag_llm.conftest import BEES, BRIDGES, add_persona


@pytest.fixture
def persona(tmp_path: Path) -> Persona:
    add_persona(tmp_path, "bea", "Bea", "bees", {"bees.md": BEES, "bridges.md": BRIDGES})
    return personas.load("bea", HouseSettings(home=tmp_path, data_dir=tmp_path / "var"))


def test_the_figures_of_a_small_persona(persona: Persona, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_setaffinity", lambda process, cores: None)
    monkeypatch.setattr(rag_speed, "CHUNKS", 60)
    monkeypatch.setattr(rag_speed, "alone", lambda work, *arguments: work(*arguments))
    index = rag_speed.open_index(persona, MiniLM())
    assert index.passages[0].document == "bees.md"
    found = rag_speed.at_10k(index, persona, ["How many bees does a hive hold?", "Who lays eggs?"])
    assert found["chunks_10k"] == 60
    assert found["first_sentence_ms_p95_10k"] >= found["first_sentence_ms_p50_10k"] > 0
    speed = rag_speed.ingest(persona)
    assert speed["chunks"] == len(index.passages)
    assert speed["ingest_tokens_per_min"] > 0


def test_work_is_done_in_another_process_with_the_services_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in alone.LIMITS:
        monkeypatch.setenv(name, "7")
    assert alone.alone(os.getpid) != os.getpid()
    assert alone.alone(os.getenv, "OMP_NUM_THREADS") == "1"
    assert set(alone.alone(rag_scale.memory_mb)) == {"RssAnon", "RssFile"}
    assert all(os.environ[name] == "7" for name in alone.LIMITS)
