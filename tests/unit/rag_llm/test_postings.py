from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from services.rag_llm.lexical import Lexicon, bm25s, terms
from services.rag_llm.postings import Postings

WORDS = ["heron", "otter", "reed", "marsh", "eel", "mud", "tide", "gull"]
CORPUS = st.lists(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join), min_size=1, max_size=60)
QUESTION = st.lists(st.sampled_from([*WORDS, "unheard"]), max_size=6)


def dense(texts: list[str], wanted: list[str]) -> NDArray[np.float32]:
    """Scores of every passage as bm25s computes them."""
    model = bm25s.BM25(method="lucene", k1=1.2, b=0.6, backend="numpy")
    model.index([terms(text) or ["-"] for text in texts], show_progress=False)
    known = [term for term in wanted if term in model.vocab_dict and term]
    return np.asarray(model.get_scores(known), np.float32) if known else np.zeros(len(texts), np.float32)


@settings(deadline=None)
@given(CORPUS, QUESTION, st.integers(1, 10))
def test_the_best_are_those_of_the_dense_scores_to_the_last_bit(texts: list[str], words: list[str], count: int) -> None:
    wanted = [term for word in words for term in terms(word)]
    scores = dense(texts, wanted)
    order = [int(p) for p in np.argsort(-scores, kind="stable")[:count] if scores[p] > 0]
    lexicon = Lexicon.build(texts)
    found, found_scores = lexicon.best(wanted, count)
    assert found == order
    np.testing.assert_array_equal(found_scores, scores[order])
    asked = [*range(len(texts))[::-2], 0]
    np.testing.assert_array_equal(lexicon.scores(wanted, asked), scores[asked])


def test_of_equal_passages_the_first_ones_are_best() -> None:
    lexicon = Lexicon.build(["reed marsh", "heron otter"] * 200)
    assert lexicon.best(["heron"], 50)[0] == list(range(1, 100, 2))


def lists(passages: int, terms_: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
    """Random inverted lists; the first terms are in most passages, as common words are, and weigh little."""
    rng = np.random.default_rng(seed)
    rows, weights = [], []
    for term in range(terms_):
        share = 0.6 / (1 + term)
        own = np.flatnonzero(rng.random(passages) < share).astype(np.int32)
        rows.append(own)
        weights.append((-np.log(share) * rng.gamma(4.0, 0.25, len(own))).astype(np.float32))
    starts = np.concatenate([[0], np.cumsum([len(r) for r in rows])]).astype(np.int64)
    return starts, np.concatenate(rows), np.concatenate(weights)


def test_champions_find_nearly_what_whole_lists_find() -> None:
    starts, passages, weights = lists(40_000, 60, seed=1)
    bounded = Postings.build(starts, passages, weights, most=1000)
    whole = Postings.build(starts, passages, weights, most=40_000)
    rng = np.random.default_rng(2)
    shares = []
    for _ in range(40):
        columns = rng.choice(60, 4, replace=False).tolist()
        found, scores = bounded.best(columns, 40)
        truth, true_scores = whole.best(columns, 40)
        shares.append(len(set(found) & set(truth)) / 40)
        assert found[0] == truth[0]
        known = dict(zip(truth, true_scores, strict=True))
        assert all(known.get(p, s) == s for p, s in zip(found, scores, strict=True))
    assert np.mean(shares) > 0.9


def test_of_a_long_list_only_the_champions_propose_passages() -> None:
    starts, passages, weights = lists(2000, 1, seed=3)
    found, scores = Postings.build(starts, passages, weights, most=10).best([0], 2000)
    assert sorted(scores.tolist()) == sorted(np.sort(weights)[-10:].tolist())
    assert len(found) == 10


@pytest.mark.parametrize("most", [100, 10_000])
def test_lists_read_back_answer_alike(tmp_path: Path, most: int) -> None:
    built = Postings.build(*lists(3000, 20, seed=4), most=most)
    built.save(tmp_path)
    loaded = Postings.load(tmp_path)
    for columns in ([0, 1], [5, 19, 5], []):
        for one, other in zip(built.best(columns, 30), loaded.best(columns, 30), strict=True):
            np.testing.assert_array_equal(one, other)
    assert loaded.length(0) == built.length(0) > loaded.length(19) > 0
