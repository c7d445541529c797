from __future__ import annotations

import pytest

from services.rag_llm.emotion import NEUTRAL, emotion_of


@pytest.mark.parametrize(
    ("sentence", "label"),
    [
        ("The port is 8000.", "neutral"),
        ("That is a wonderful success.", "joy"),
        ("The attack is dangerous.", "concern"),
        ("Sadly he died in grief.", "sadness"),
        ("It suddenly became the largest.", "surprise"),
    ],
)
def test_the_label_follows_the_words(sentence: str, label: str) -> None:
    assert emotion_of(sentence).label == label


def test_negation_turns_a_word_around_and_values_stay_in_range() -> None:
    assert emotion_of("It is good.").valence > 0 > emotion_of("It is not good.").valence
    loud = emotion_of("Terrible horrible awful hate disaster!")
    assert -1 <= loud.valence < 0 < loud.arousal <= 1
    assert emotion_of("") == NEUTRAL
