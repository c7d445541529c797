from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rag_llm.sentences import MOST_CHARACTERS, MOST_WORDS, split_sentences, spoken


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Dr. Smith met J. Doe. They spoke.", ["Dr. Smith met J. Doe.", "They spoke."]),
        ("It has 3.5 parts, e.g. Two. Next.", ["It has 3.5 parts, e.g. Two.", "Next."]),
        ('He said "yes." Then he left.', ['He said "yes."', "Then he left."]),
        ("no end", ["no end"]),
        ("It needs vitamin C. The rest is water.", ["It needs vitamin C.", "The rest is water."]),
        ("See No. 5 in Vol. 2. No. It is Fig. 3.", ["See No. 5 in Vol. 2.", "No.", "It is Fig. 3."]),
        ("They met at 5 p.m. The U.S. Army came.", ["They met at 5 p.m.", "The U.S. Army came."]),
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
        ("It cost $5 million, or €1.5bn", "It cost 5 million dollars, or 1.5 billion euros."),
        ("Seats are £3.50–£4.20 each", "Seats are 3.50 to 4.20 pounds each."),
        ("It is $1", "It is 1 dollar."),
        ("1 km, 2 km and a 5-km walk", "1 kilometre, 2 kilometres and a 5-kilometre walk."),
        ("It was 20°C on 300 m² at 5 km/h", "It was 20 degrees Celsius on 300 square metres at 5 kilometres per hour."),
        ("A 5G phone of the 1990s", "A 5G phone of the 1990s."),
        ("In 1914–18 and 2019-2021 for 10-15 years", "In 1914 to 18 and 2019 to 2021 for 10 to 15 years."),
        ("Call 555-1234 in room 10-15", "Call 555-1234 in room 10-15."),
        ("On 2021-03-04 and 2021-13-04", "On 4 March 2021 and 2021-13-04."),
        ("Use 1/2 cup, not 2 1/2, 24/7", "Use one half cup, not 2 and one half, 24/7."),
        ("12.5%–14% of 1 000 000", "12.5% to 14% of 1,000,000."),
        ("−5 ± 2 and ≥ 3", "-5 plus or minus 2 and at least 3."),
        ("10⁶ cells of CO₂, as proven¹²", "10 to the 6 cells of CO2, as proven."),
        ("It grew.[6] Twice [1, 2] (see [3–5]) [citation needed]", "It grew. Twice."),
        ("See pp. 12–15, Fig. 2 (c. 1850), No. 7", "See pages 12 to 15, figure 2 (about 1850), number 7."),
        ("Dogs, cats, etc. like e.g. meat and/or fish", "Dogs, cats and so on like for example meat or fish."),
        ("Go to (https://a.org/x_y), www.b.com/z.", "Go to (a.org), b.com."),
        ("Write to bob.smith@sea.org now", "Write to bob.smith@sea.org now."),
        ("• Wi-Fi: ✓; pool: ✗ 🎉", "Wi-Fi: yes; pool: no."),
        ("C# and C++ of AT&T, item #5", "C# and C++ of AT&T, item number 5."),
        ("the of\ufb01ce co\u00adoperates", "The office cooperates."),
    ],
)
def test_signs_are_said_as_words(written: str, said: str) -> None:
    assert spoken(written) == said


def test_what_nobody_can_say_in_one_breath_is_cut() -> None:
    pieces = split_sentences("one part of a list; " * 100)
    assert len(pieces) > 1
    assert all(len(piece.split()) <= MOST_WORDS for piece in pieces)
    assert all(piece.endswith(";") for piece in pieces)
    assert " ".join(pieces) == ("one part of a list; " * 100).strip()
    assert all(len(piece) <= MOST_CHARACTERS for piece in split_sentences("x" * 5000))


@given(st.text())
def test_any_text_can_be_said_without_markup(text: str) -> None:
    for sentence in split_sentences(text):
        said = spoken(sentence)
        assert "\n" not in said
        assert not set("*_`|<>{}[]\\") & set(said)
