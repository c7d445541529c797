from __future__ import annotations

import pytest

from services.rag_llm.sentences import split_sentences, spoken


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Dr. Smith met J. Doe. They spoke.", ["Dr. Smith met J. Doe.", "They spoke."]),
        ("It has 3.5 parts, e.g. Two. Next.", ["It has 3.5 parts, e.g. Two.", "Next."]),
        ('He said "yes." Then he left.', ['He said "yes."', "Then he left."]),
        ("no end", ["no end"]),
        (" \n ", []),
    ],
)
def test_sentences_end_where_they_end(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("A frame of 512x512 pixels", "A frame of 512 by 512 pixels."),
        ("It takes 20–30 ms.", "It takes 20 to 30 milliseconds."),
        ("sampled at 48 kHz & stored", "Sampled at 48 kilohertz and stored."),
        ("See https://www.example.org/a/b for more", "See example.org for more."),
        ("About ~40 of **them**", "About about 40 of them."),
        ("eSpeak NG speaks.", "eSpeak NG speaks."),
        ("22,050 samples cost 3 %.", "22,050 samples cost 3 %."),
    ],
)
def test_signs_are_said_as_words(written: str, said: str) -> None:
    assert spoken(written) == said
