from __future__ import annotations

import numpy as np

from benchmarks.filler import Filler
from services.rag_llm.lexical import LexiconBuilder
from tests.unit.rag_llm.made import passages, sentences_of, unit

REAL = passages("birds.md", 20)
VECTORS = unit(sentences_of(REAL), 1)


def test_passages_are_like_the_real_ones_and_vectors_fit() -> None:
    documents = list(Filler(REAL, VECTORS).documents(120))
    assert [len(made) for _, made, _ in documents] == [50, 50, 20]
    assert len({name for name, _, _ in documents}) == 3
    for name, made, rows in documents:
        assert rows.shape == (sentences_of(made), VECTORS.shape[1])
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
        assert {passage.document for passage in made} == {name}
        assert {len(passage.sentences) for passage in made} == {1, 2, 3}


def test_one_seed_gives_one_text_and_another_another() -> None:
    def text(seed: int) -> list[str]:
        return [p.text for _, made, _ in Filler(REAL, VECTORS, seed).documents(60) for p in made]

    assert text(1) == text(1)
    assert text(1) != text(2)


def test_the_vocabulary_grows_with_the_text_while_common_words_stay_common() -> None:
    def words(count: int) -> tuple[int, float]:
        builder = LexiconBuilder()
        for _, made, _ in Filler(REAL, VECTORS).documents(count):
            for passage in made:
                builder.add(passage.text)
        lexicon = builder.build()
        return len(list(lexicon.vocabulary)), lexicon.frequency("heron") / count

    few, many = words(100), words(1000)
    assert many[0] > 3 * few[0]
    assert abs(many[1] - few[1]) < 0.1
