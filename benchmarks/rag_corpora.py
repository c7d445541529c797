"""How well questions about documents of nine kinds are answered: `python -m benchmarks rag_corpora --json`.

Every folder of benchmarks/corpora holds documents of one fictional house and questions about them; the shipped corpora
and their questions take part too.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import rag_speed
from benchmarks.alone import LIMITS
from benchmarks.hardware import describe
from benchmarks.rag import ROOT, ask
from flashback.evaluation.figures import figures
from flashback.evaluation.outcome import Outcome
from flashback.evaluation.questions import parse

if TYPE_CHECKING:
    from flashback.personas import Persona

FOLDER = ROOT / "benchmarks" / "corpora"
DATA = ROOT / "benchmarks" / "data"
SHOWN = (
    "answerable",
    "unanswerable",
    "recall_at_3",
    "answer_hit",
    "wrongly_refused",
    "refusal_recall",
    "citation_correct",
    "sentences_supported",
)


def sets() -> Iterator[tuple[str, Persona, Path]]:
    """Name, a persona with the documents, and the questions of each set."""
    from flashback import personas

    iris, amon = personas.load("iris"), personas.load("amon")
    yield "iris, development", iris, DATA / "rag_dev.jsonl"
    yield "iris, blind", iris, DATA / "rag_blind.jsonl"
    yield "amon, development", amon, DATA / "rag_amon.jsonl"
    for folder in sorted(FOLDER.iterdir()):
        if folder.is_dir():
            yield folder.name, replace(iris, corpus=folder / "docs"), folder / "questions.jsonl"


def main(arguments: Sequence[str] | None = None) -> None:
    os.environ.update(LIMITS)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, help="keep vectors here, to skip encoding the next time")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    options = parser.parse_args(arguments)

    from services.rag_llm.embedding import MiniLM
    from services.rag_llm.engines.extractive import ExtractiveAnswerer
    from services.rag_llm.settings import RagSettings

    encoder = MiniLM()
    answerer = ExtractiveAnswerer(encoder, RagSettings())
    found: dict[str, dict[str, object]] = {}
    everything: list[Outcome] = []
    for name, persona, file in sets():
        index = rag_speed.open_index(persona, encoder, options.cache)
        lines = enumerate(file.read_bytes().splitlines(), start=1)
        questions = [question for number, line in lines if (question := parse(number, line, labelled=True))]
        outcomes = [ask(answerer, index, persona, question) for question in questions]
        everything += outcomes
        found[name] = shown(outcomes)
        if not options.json:
            print(f"{name:20} {found[name]}")
    found["all"] = shown(everything)
    print(json.dumps({**found, "hardware": describe()}))


def shown(outcomes: Sequence[Outcome]) -> dict[str, object]:
    """The figures of one set that are worth a line."""
    whole = figures(outcomes, (3,))
    return {key: whole[key] for key in SHOWN}


if __name__ == "__main__":
    main()
