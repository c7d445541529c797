"""Follow-ups are completed with what they lean on."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from services.rag_llm.embedding import MiniLM
from services.rag_llm.lexical import Lexicon
from services.rag_llm.query import make_queries, needs_context, somebody

PASSAGES = ["Marie Curie discovered radium", "Marie Curie was born in Warsaw", "The bridge crosses the firth"]


@dataclass
class Exchange:
    question: str
    answer: str


@pytest.mark.parametrize(
    ("question", "answer", "name"),
    [
        ("Who discovered radium?", "Marie Curie discovered radium.", "Marie Curie"),
        ("Who discovered radium?", "The element was found by Marie Curie.", "Marie Curie"),
        ("Who painted it?", "Vincent van Gogh painted it.", "Vincent van Gogh"),
        ("When did Lise Meitner leave?", "Marie Curie stayed.", ""),
        ("What is radium?", "The radium glows.", ""),
    ],
)
def test_somebody_is_the_first_name_in_the_answer_when_the_question_has_none(
    question: str, answer: str, name: str
) -> None:
    assert somebody(question, answer) == name


def stems(question: str, before: Exchange, encoder: MiniLM) -> set[str]:
    (query,) = make_queries([question], [before], Lexicon.build(PASSAGES), encoder)
    return {w.stem for w in query.wanted}


def test_a_person_takes_the_place_of_the_question_before(encoder: MiniLM) -> None:
    before = Exchange("Who discovered radium?", "Marie Curie discovered radium.")
    assert stems("When was she born?", before, encoder) == {"mari", "curi", "born"}
    assert stems("And how old was she then?", before, encoder) >= {"mari", "curi", "old", "radium"}


def test_a_thing_is_taken_over_from_the_question_before(encoder: MiniLM) -> None:
    before = Exchange("What is radium?", "Marie Curie discovered radium.")
    assert stems("Who discovered it?", before, encoder) == {"radium", "discov"}


def test_a_question_that_stands_alone_is_left_alone(encoder: MiniLM) -> None:
    before = Exchange("Who discovered radium?", "Marie Curie discovered radium.")
    assert not needs_context("Which bridge crosses the firth of Forth?")
    assert "radium" not in stems("Which bridge crosses the firth of Forth?", before, encoder)
