from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.rag_scale import Asked, Seed, build, exponent, growth, measure
from tests.unit.rag_llm.made import passages, sentences_of, unit

REAL = passages("birds.md", 20)
SEED = Seed(REAL, unit(sentences_of(REAL), 1))


def test_a_power_is_found_in_its_values() -> None:
    assert exponent([1, 10, 100], [3, 3 * 10**0.5, 30]) == pytest.approx(0.5, abs=1e-3)


def test_growth_is_fitted_where_search_is_by_cells_and_carried_on_to_a_million() -> None:
    points = [
        {"chunks": n, "retrieval_ms_p50": 2 * (n / 50_000) ** 0.5, "retrieval_ms_p95": 4.0}
        for n in (1_000, 50_000, 200_000)
    ]
    found = growth(points)
    assert found["growth_exponent_large"] == pytest.approx(0.5, abs=1e-3)
    assert found["retrieval_ms_p95_1m_extrapolated"] == pytest.approx(4 * 5**0.5, abs=0.1)
    assert growth(points[:2]) == {}


def test_an_index_of_filler_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_setaffinity", lambda process, cores: None)
    assert build(SEED, 300, tmp_path) > 0
    found = measure(tmp_path, Asked(["Where is the heron?", "What does the otter eat in the marsh?"], unit(2, 3)))
    assert (found["passages"], found["sentences"]) == ("flat", "flat")
    assert found["recall_passages"] == found["recall_sentences"] == found["recall_words"] == 1.0
    assert found["retrieval_ms_p95"] >= found["retrieval_ms_p50"] > 0
