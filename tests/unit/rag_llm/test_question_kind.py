from __future__ import annotations

from collections.abc import Sequence

import pytest

from services.rag_llm.question_kind import Near, defines, has_asked, judged


def same(word: str, others: Sequence[str]) -> list[float]:
    return [float(word.rstrip("s") == other.rstrip("s")) for other in others]


def fit(question: str, sentence: str, near: Near) -> float:
    return judged(question, sentence, near)[1]


PAIRS = [
    ("Who described the effect?", "It was described by Harry McGurk.", "It is an illusion."),
    ("Who has the last word?", "The master decides alone.", "It is hot."),
    ("When was it opened?", "It was opened in 1890.", "It is large and red."),
    ("How many bees are there?", "There are 50,000 bees.", "There are bees."),
    ("How many bees are there?", "There are 50,000 bees.", "There are 12 hives."),
    ("How many passengers fit aboard?", "type: ferry; passengers: 520.", "type: ferry; length: 84."),
    ("Why does honey keep?", "It keeps because it has little water.", "Honey is sweet."),
    (
        "What does a telescope cost?",
        "A telescope is sold for 300 euros.",
        "A telescope has a mirror of 150 millimetres.",
    ),
    ("How much is a single ticket?", "Singles are £4.50.", "Singles are valid for 2 hours."),
    ("How heavy is the meter?", "It weighs 7.5 kilograms.", "It is 30 centimetres wide."),
    ("How long does the crossing take?", "It takes 55 minutes.", "It takes cars."),
    ("How often is the drill held?", "The drill is held every week.", "The drill is held on deck."),
    ("How hot does it get?", "It reaches 40 degrees.", "It reaches 40 metres."),
    ("What percentage is refunded?", "40% is returned.", "It is returned."),
]


@pytest.mark.parametrize(("question", "right", "wrong"), PAIRS)
def test_a_sentence_fits_when_it_has_what_is_asked_for(question: str, right: str, wrong: str) -> None:
    assert has_asked(question, right, same) > has_asked(question, wrong, same)
    assert fit(question, right, same) > fit(question, wrong, same)


def test_a_definition_fits_what_it_is_of() -> None:
    assert fit("What is a viseme?", "A viseme is a group of sounds.", same) > fit(
        "What is a viseme?", "Lips close for a viseme.", same
    )


def test_nothing_is_missed_where_no_kind_of_thing_is_asked_for() -> None:
    assert has_asked("What is a telescope?", "A telescope collects light.", same) == 1
    assert fit("Tell me about bees.", "Bees fly.", same) == fit("Tell me about bees.", "There are 50,000 bees.", same)


@pytest.mark.parametrize(
    ("question", "sentence", "defined"),
    [
        ("What is a viseme?", "A viseme is a group of sounds.", True),
        ("what are visemes", "Visemes are groups of sounds.", True),
        ("What is a viseme?", "Lips close for a viseme.", False),
        ("What is a viseme?", "A phoneme is a unit of sound.", False),
        ("How long is a viseme?", "A viseme is a group of sounds.", False),
    ],
)
def test_a_definition_is_told_from_other_sentences(question: str, sentence: str, defined: bool) -> None:
    assert defines(question, sentence) is defined
