from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from services.rag_llm import retrieval
from services.rag_llm.builder import IndexBuilder
from services.rag_llm.index import PassageIndex
from services.rag_llm.lexical import terms
from services.rag_llm.query import Query
from services.rag_llm.retrieval import WEIGHTS, Hit, K, search
from tests.unit.rag_llm.made import passages, sentences_of, unit

MADE = passages("birds.md", 200)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> PassageIndex:
    builder = IndexBuilder(tmp_path_factory.mktemp("index"), "one")
    builder.add("birds.md", MADE, unit(sentences_of(MADE), 0))
    built = builder.finish()
    assert built is not None
    return built


def asked(words: str, seed: int = 5) -> Query:
    return Query(words, f"read as {words}", unit(1, seed)[0], tuple(terms(words)), ())


def test_a_passage_that_leads_every_list_is_first(index: PassageIndex) -> None:
    number = 77
    row = index.passage_vectors.rows([number])[0]
    best, *others = search(index, Query("", "", row, tuple(terms("Part 77")), ()), 8)
    assert best.passage == number
    assert best.cosine == pytest.approx(1, abs=1e-5)
    assert best.bm25 == index.lexicon.scores(terms("Part 77"), [number])[0] > 0
    assert len(others) == 7
    assert all(a.score >= b.score for a, b in zip([best, *others], others, strict=False))


def test_scores_are_reciprocal_ranks_by_weight(index: PassageIndex) -> None:
    query = asked("heron tide")
    only_words = search(index, query, 5, {"passage": 0.0, "sentence": 0.0, "words": 1.0})
    assert [hit.passage for hit in only_words] == index.lexicon.best(query.terms, 5)[0]
    np.testing.assert_allclose([hit.score for hit in only_words], [1 / (K + rank) for rank in range(5)])


def test_words_that_nobody_wrote_leave_the_vectors(index: PassageIndex) -> None:
    hits = search(index, asked("unheard"), 5)
    assert len(hits) == 5
    assert all(hit.bm25 == 0 for hit in hits)


class Backwards:
    """Likes the last best."""

    name = "backwards"

    def __init__(self) -> None:
        self.question = ""
        self.passages: Sequence[str] = ()

    def scores(self, question: str, passages: Sequence[str]) -> Sequence[float]:
        self.question, self.passages = question, passages
        return list(range(len(passages)))


def test_a_reranker_reads_the_first_of_the_fused_list_and_decides(
    index: PassageIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrieval, "RERANKED", 6)
    reranker = Backwards()
    fused = search(index, asked("heron tide"), 6)
    found = search(index, asked("heron tide"), 4, WEIGHTS, reranker)
    assert found == list(reversed(fused))[:4]
    assert isinstance(found[0], Hit)
    assert reranker.question == "read as heron tide"
    assert [MADE[hit.passage].text in text for hit, text in zip(fused, reranker.passages, strict=True)] == [True] * 6
