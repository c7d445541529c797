"""Written text as it is said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ears.spoken_form import number_words, words, written_forms, year_words


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("25 fps, 40 ms", "twenty five fps forty ms"),
        ("134,000 words", "one hundred and thirty four thousand words"),
        ("version 2.0", "version two point zero"),
        ("Python 3.11", "python three point one one"),
        ("in 1984", "in nineteen eighty four"),
        ("since 2007", "since two thousand seven"),
        ("in 1905", "in nineteen o five"),
        ("82 %", "eighty two percent"),
        ("3D and wav2vec", "three d and wav2vec"),
        ("Lip-sync isn\u2019t easy", "lip sync isn't easy"),
        ("Jeremy Lain\u00e9", "jeremy laine"),
        ("", ""),
    ],
)
def test_words(text: str, said: str) -> None:
    assert words(text) == said.split()


def test_written_forms_keep_names_and_ignore_sentence_starts() -> None:
    forms = written_forms(["The WebRTC offer", "Every offer is for Iris", "iOS and WebRTC"])
    assert forms["webrtc"] == "WebRTC"
    assert forms["iris"] == "Iris"
    assert forms["offer"] == "offer"
    assert forms["ios"] == "iOS"
    assert "every" not in forms


@given(st.integers(0, 10**15))
def test_numbers_are_words(number: int) -> None:
    assert all(word.isalpha() for word in number_words(number))


@given(st.integers(1100, 2099))
def test_years_are_words(year: int) -> None:
    assert all(word.isalpha() for word in year_words(year))


@given(st.text(max_size=200))
def test_any_text_gives_clean_words(text: str) -> None:
    assert all(word and not word.isspace() and word == word.lower() for word in words(text))
