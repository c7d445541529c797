from __future__ import annotations

import pytest

from services.rag_llm.question_kind import fit, lacks


@pytest.mark.parametrize(
    ("question", "right", "wrong"),
    [
        ("Who described the effect?", "It was described by Harry McGurk.", "It is an illusion."),
        ("When was it opened?", "It was opened in 1890.", "It is large and red."),
        ("How many bees are there?", "There are 50,000 bees.", "There are bees."),
        ("Why does honey keep?", "It keeps because it has little water.", "It is sweet."),
        ("What is a viseme?", "A viseme is a group of sounds.", "Lips close for a viseme."),
    ],
)
def test_a_sentence_fits_when_it_has_what_is_asked_for(question: str, right: str, wrong: str) -> None:
    assert fit(question, right) > fit(question, wrong)


def test_a_measure_that_is_nowhere_is_missed() -> None:
    assert lacks("How much does a telescope cost?", ["A telescope has a mirror of 150 millimetres."])
    assert not lacks("How much does a telescope cost?", ["A telescope is sold for 300 euros."])
    assert not lacks("What is a telescope?", ["A telescope collects light."])
