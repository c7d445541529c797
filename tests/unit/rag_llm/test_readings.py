"""Readings of a spoken question: merged into one query, and asked over the wire."""

from __future__ import annotations

import numpy as np
import pytest

from services.rag_llm import readings
from services.rag_llm.embedding import MiniLM
from services.rag_llm.lexical import Lexicon
from services.rag_llm.query import make_queries

PASSAGES = ["The queen lays eggs in the hive", "Honey keeps for years", "The bridge crosses the firth"]


def test_words_that_readings_share_weigh_most(encoder: MiniLM) -> None:
    asked = make_queries(["who lays eggs", "who plays eggs", "who lays hex"], (), Lexicon.build(PASSAGES), encoder)
    weights = {
        w.word: w.weight / {w.word: w for q in asked for w in q.wanted}[w.word].weight
        for w in readings.merged(asked).wanted
    }
    assert weights == pytest.approx({"lays": 3 / 4, "eggs": 3 / 4, "plays": 1 / 4, "hex": 1 / 4})


def test_one_reading_stays_as_it_is(encoder: MiniLM) -> None:
    asked = make_queries(["who lays eggs"], (), Lexicon.build(PASSAGES), encoder)
    query = readings.merged(asked)
    assert query.wanted == asked[0].wanted
    assert set(query.terms) == set(asked[0].terms)
    np.testing.assert_allclose(query.vector, asked[0].vector, atol=1e-6)


def test_the_merged_vector_has_length_one(encoder: MiniLM) -> None:
    asked = make_queries(["who lays eggs", "the firth"], (), Lexicon.build(PASSAGES), encoder)
    assert float(np.linalg.norm(readings.merged(asked).vector)) == pytest.approx(1.0, abs=1e-5)
