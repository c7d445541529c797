"""How well and how fast questions about a folder of documents are answered: `python -m benchmarks rag --json`.

Questions are lines of JSON, {"q": question, "gold": [substrings, any of which counts] or null, "source": file or
null}; null means that the documents do not hold the answer. The engine runs in this process, without the wire; how
fast it answers at 10,000 passages, and how fast documents are taken in, is measured in others (rag_speed.py).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import rag_speed
from benchmarks.alone import LIMITS, alone
from benchmarks.hardware import describe
from flashback.evaluation.figures import figures
from flashback.evaluation.outcome import Outcome, Said
from flashback.evaluation.questions import Question, parse
from flashback.evaluation.support import Passage, with_speech

if TYPE_CHECKING:
    from flashback.personas import Persona
    from services.rag_llm.engines.extractive import ExtractiveAnswerer
    from services.rag_llm.index import PassageIndex

ROOT = Path(__file__).resolve().parent.parent
DEPTHS = (1, 3, 5)


def ask(answerer: ExtractiveAnswerer, index: PassageIndex, persona: Persona, question: Question) -> Outcome:
    """Asks one question as the service would."""
    from services.rag_llm.engine import Citation, Done, Sentence, Turn

    async def documents() -> PassageIndex:
        return index

    turn = Turn(question.text, persona, documents)
    began = time.perf_counter()
    parts = answerer.parts(turn, index)
    ms = (time.perf_counter() - began) * 1000
    done = parts[-1]
    assert isinstance(done, Done)
    retrieved = [
        Passage(p.document, p.place, p.text, " ".join(p.sentences))
        for p in (index.passages[n] for n in dict.fromkeys(c.passage for c in answerer.ranked(turn, index)))
    ]
    cited = {p.number: Passage(p.document, p.place, p.text) for p in parts if isinstance(p, Citation)}
    said = [
        Said(p.text, with_speech([cited[n] for n in p.citations], retrieved)) for p in parts if isinstance(p, Sentence)
    ]
    return Outcome(question, tuple(said), done.refused, done.reason, tuple(retrieved), None, ms, ms)


def words_per_answer(outcomes: Sequence[Outcome]) -> float | None:
    """Mean length of what was answered from the documents."""
    lengths = [len(o.answer.split()) for o in outcomes if o.from_documents]
    return round(statistics.fmean(lengths), 1) if lengths else None


def main(arguments: Sequence[str] | None = None) -> None:
    os.environ.update(LIMITS)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=Path, default=ROOT / "benchmarks" / "data" / "rag_dev.jsonl")
    parser.add_argument("--persona", default="iris")
    parser.add_argument("--corpus", type=Path, help="instead of the persona's own")
    parser.add_argument("--cache", type=Path, help="keep vectors here, to skip encoding the next time")
    parser.add_argument("--no-speed", action="store_true", help="questions only")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    options = parser.parse_args(arguments)

    from flashback import personas
    from services.rag_llm.embedding import MiniLM
    from services.rag_llm.engines.extractive import ExtractiveAnswerer
    from services.rag_llm.settings import RagSettings

    encoder = MiniLM()
    persona = personas.load(options.persona)
    if options.corpus:
        persona = replace(persona, corpus=options.corpus)
    index = rag_speed.open_index(persona, encoder, options.cache)
    answerer = ExtractiveAnswerer(encoder, RagSettings())
    lines = enumerate(options.questions.read_bytes().splitlines(), start=1)
    questions = [question for number, line in lines if (question := parse(number, line, labelled=True))]
    ask(answerer, index, persona, questions[0])
    outcomes = [ask(answerer, index, persona, question) for question in questions]
    if not options.json:
        for o in outcomes:
            right = o.hit if o.answerable else o.refused
            print(f"{'ok ' if right else 'BAD'} rank={o.rank} refused={o.refused} {o.question.text}\n      {o.answer}")
    found = {**figures(outcomes, DEPTHS), "words_per_answer": words_per_answer(outcomes)}
    if not options.no_speed:
        found |= rag_speed.at_10k(index, persona, [question.text for question in questions])
        found |= alone(rag_speed.ingest, persona)
    print(json.dumps({**found, "hardware": describe()}))


if __name__ == "__main__":
    main()
