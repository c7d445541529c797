from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashback.evaluation.wording import folded, holds
from services.rag_llm.sentences import spoken


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Lip-sync  matters\n", "lip sync matters."),
        ("the “uncanny valley”", "The 'uncanny valley'"),
        ("don’t", "don't"),
        ("1,991 metres", "1991 metres"),
        ("1\u202f991 metres", "1991 metres"),
        ("200 ms", "200 milliseconds"),
        ("200ms", "200 Milliseconds"),
        ("48 kHz", "48 kilohertz"),
        ("60 km/h", "60 kilometres per hour"),
        ("15–20 times", "15 to 20 times"),
        ("15-20 times", "15 to 20 times"),
        ("512×512", "512 by 512"),
        ("8 %", "8 percent"),
        ("8%", "8 per cent"),
        ("-3 °C", "3 degrees Celsius"),
        ("€15 million", "15 million euros"),
        ("½ cup", "one half cup"),
        ("1½ cups", "1 and one half cups"),
        ("10⁶", "10 to the 6"),
        ("50 kilometers", "50 km"),
        ("café", "cafe\u0301"),
        ("co\u00adoperate", "cooperate"),
        ("ﬁne", "fine"),
        ("A & B", "a and b"),
        ("~5", "about 5"),
        ("≥ 30 fps", "at least 30 frames per second"),
        ("e.g. this", "for example this"),
    ],
)
def test_writing_and_speech_fold_to_the_same(one: str, other: str) -> None:
    assert folded(one) == folded(other)


@pytest.mark.parametrize(
    ("one", "other"), [("3.5", "35"), ("1990s", "1990 seconds"), ("50 0001", "50000 1"), ("in", "inn"), ("5 m", "5 mm")]
)
def test_what_differs_stays_different(one: str, other: str) -> None:
    assert folded(one) != folded(other)


@pytest.mark.parametrize(
    ("text", "part", "found"),
    [
        ("The reply takes 200 milliseconds.", "200 ms", True),
        ("Endpointing takes longest.", "endpoint", True),
        ("It costs 1,500 euros.", "500", False),
        ("It costs 1,500 euros.", "1,500", True),
        ("It is 0.35 strong.", "35", False),
        ("It is 0.35 strong.", "0.3", False),
        ("It is 0.35.", "0.35", True),
        ("Version 3.11 is needed.", "3.1", False),
        ("There are 44. That is all.", "44", True),
        ("Anything at all", "—", False),
        ("", "word", False),
    ],
)
def test_a_piece_of_a_text_is_found(text: str, part: str, found: bool) -> None:
    assert holds(text, part) is found


@given(st.text())
def test_a_text_with_words_holds_itself(text: str) -> None:
    assert holds(text, text) == bool(folded(text))


@pytest.mark.parametrize(
    "written",
    [
        "It weighs 12 kg and runs 48 kHz audio at 30 fps.",
        "The bridge is 1,991 m long, about 3 km from the town.",
        "A 5-km walk takes 1 h.",
        "The town has 50 000 people on 12 km².",
        "It cost $5 million, later $1.5M, then €15 bn.",
        "Tickets are £3–5 each and US$7 abroad.",
        "It rose 10–12 % between 1990-1995.",
        "Signed on 2024-05-01, it lasts 1/2 a year.",
        "Add 2 1/2 spoons at 180 °C.",
        "The sky is 23° wide and 1 m deep.",
        "A 512×512 picture is ≥ 30 kB.",
        "As shown before,[3] it is so [12, 13].",
        "Speeds of 64 km/h & 17.5 m/s are usual (e.g. here).",
        "Water boils at 100 °C — at ~1 km less.",
        "A “quote” isn’t lost…",
    ],
)
def test_a_document_and_how_it_is_said_fold_to_the_same(written: str) -> None:
    without_references = re.sub(r"\s?\[[\d, ]+\]", "", written)
    assert folded(spoken(written)) == folded(without_references)
