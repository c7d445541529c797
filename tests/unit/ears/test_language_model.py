"""The n-gram model: probabilities, back-off, ARPA."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from services.ears import corpus_model
from services.ears.language_model import END, START, BackoffModel, Source, arpa_lines, mix, write_arpa

WORDS = ["what", "is", "a", "viseme", "phoneme", "lips", "never"]


def model(prune: float = 0.0) -> BackoffModel:
    spoken, asked = Source(frozenset(WORDS)), Source(frozenset(WORDS))
    for sentence in ("a viseme is a viseme", "lips", "a phoneme is a viseme", "lips is lips"):
        spoken.add(sentence.split())
    for sentence in ("what is a viseme", "what is a phoneme", "what is a viseme"):
        asked.add(sentence.split(), 0.25)
    return mix([(spoken, 1.0), (asked, 2.0)], prune)


def contexts(built: BackoffModel) -> list[tuple[str, ...]]:
    unseen = [("never", "lips"), ("what", "never"), ("lips",), ("never",)]
    return [*built.probabilities, *unseen, (START,), (START, "what")]


@pytest.mark.parametrize("prune", [0.0, 0.5, 3.0])
def test_every_context_sums_to_one(prune: float) -> None:
    built = model(prune)
    for context in contexts(built):
        assert sum(built.probability(word, context) for word in (*WORDS, END)) == pytest.approx(1.0, abs=1e-6)


def test_the_mixture_is_the_weighted_sum_of_its_sources() -> None:
    one, two = Source(frozenset(WORDS)), Source(frozenset(WORDS))
    one.add(["what", "is"])
    two.add(["lips"])
    mixed = mix([(one, 3.0), (two, 1.0)])
    for word in (*WORDS, END):
        expected = 0.75 * one.smoothed().probability(word, (START,)) + 0.25 * two.smoothed().probability(word, (START,))
        assert mixed.probability(word, (START,)) == pytest.approx(expected)


def test_what_was_seen_is_likelier_than_what_was_not() -> None:
    built = model()
    assert built.log2_probability(["what", "is", "a", "viseme"]) > built.log2_probability(["what", "is", "a", "lips"])
    assert built.log2_probability(["what", "is", "a", "viseme"]) > built.log2_probability(["viseme", "a", "is", "what"])


def test_words_outside_the_vocabulary_break_a_sentence() -> None:
    source = Source(frozenset(WORDS))
    source.add(["what", "zebra", "is", "lips"])
    assert ("what", "zebra") not in source.followers
    assert "is" not in source.followers.get((START, "what"), {})
    assert "is" not in source.followers.get(("what",), {})
    assert "lips" in source.followers[("is",)]


def test_pruning_only_removes_longest_ngrams() -> None:
    full, pruned = model(), model(10.0)
    size = lambda m, n: sum(len(f) for c, f in m.probabilities.items() if len(c) == n)  # noqa: E731
    assert size(pruned, 2) < size(full, 2)
    assert size(pruned, 1) == size(full, 1)
    assert size(pruned, 0) == size(full, 0)


def test_arpa_declares_what_it_holds_and_its_contexts_exist() -> None:
    lines = list(arpa_lines(model()))
    declared = {int(line[6]): int(line.split("=")[1]) for line in lines if line.startswith("ngram ")}
    text = "\n".join(lines)
    for order, count in declared.items():
        section = text.split(f"\\{order}-grams:\n")[1].split("\n\n")[0]
        grams = [line.split()[1 : 1 + order] for line in section.splitlines()]
        assert len(grams) == count == len({tuple(gram) for gram in grams})


def test_pocketsphinx_reads_the_arpa_file_and_agrees(tmp_path: Path) -> None:
    sphinx = pytest.importorskip("pocketsphinx")
    built = model()
    write_arpa(built, tmp_path / "model.arpa")
    (tmp_path / "words.dict").write_text("".join(f"{word} AH\n" for word in WORDS))
    config = sphinx.Config(lm=None)
    loaded = sphinx.NGramModel(config, sphinx.LogMath(), str(tmp_path / "model.arpa"))
    assert loaded.size() == 3
    rng = random.Random(1)
    for _ in range(50):
        gram = [rng.choice(WORDS) for _ in range(3)]
        expected = built.probability(gram[2], (gram[0], gram[1]))
        got = sphinx.LogMath().exp(loaded.prob(gram[::-1]))
        assert got == pytest.approx(expected, rel=0.02)


def test_a_corpus_model_knows_its_words_and_everyday_ones() -> None:
    sentences = ["A viseme is a mouth shape.", "Lip-sync needs visemes at 25 fps."]
    headings = ["What a viseme is"]
    vocabulary = corpus_model.vocabulary(sentences, headings)
    assert {"viseme", "lip", "sync", "twenty", "five", "fps", "hello", "stop", "difference", "please"} <= vocabulary
    built = corpus_model.build(sentences, headings, vocabulary)
    likely = built.log2_probability(["what", "is", "a", "viseme"])
    assert likely > built.log2_probability(["viseme", "please", "is", "a"])
    assert sum(built.probability(w, ("what", "is")) for w in (*vocabulary, END)) == pytest.approx(1.0, abs=1e-6)
