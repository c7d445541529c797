from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks import rag_corpora
from flashback.evaluation.questions import Question, parse
from flashback.personas import Persona

SETS = list(rag_corpora.sets())


def questions_of(file: Path) -> Sequence[Question]:
    lines = enumerate(file.read_bytes().splitlines(), start=1)
    return [question for number, line in lines if (question := parse(number, line, labelled=True))]


def test_the_shipped_corpora_and_every_folder_take_part() -> None:
    folders = [folder.name for folder in rag_corpora.FOLDER.iterdir() if folder.is_dir()]
    assert len(folders) == 6
    assert [name for name, _, _ in SETS] == ["iris, development", "iris, blind", "amon, development", *sorted(folders)]


@pytest.mark.parametrize(("persona", "file"), [pytest.param(p, f, id=name) for name, p, f in SETS])
def test_a_set_asks_about_documents_that_are_there(persona: Persona, file: Path) -> None:
    questions = questions_of(file)
    answerable = [question for question in questions if question.gold]
    assert len(questions) >= 60
    assert len(answerable) < len(questions)
    assert {question.source for question in answerable} <= {path.name for path in persona.corpus.iterdir()}


def test_a_third_of_the_blind_questions_have_no_answer() -> None:
    blind = questions_of(rag_corpora.DATA / "rag_blind.jsonl")
    assert sum(not question.gold for question in blind) * 3 >= len(blind)
