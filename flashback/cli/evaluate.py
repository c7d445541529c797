"""`flashback eval rag`: how well a persona answers a set of questions."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from flashback.cli import lines
from flashback.cli.answering import Answering, answering
from flashback.cli.evaluation_text import as_text
from flashback.errors import FlashbackError, InvalidInput
from flashback.evaluation.figures import figures
from flashback.evaluation.outcome import Outcome, Said, halves, misses
from flashback.evaluation.questions import Question, parse
from flashback.evaluation.support import Passage, with_speech
from flashback.evaluation.threshold import Point, at, chosen, curve, judged
from flashback.v1 import rag_llm_pb2

CURVE_STEPS = 20
QUESTION = "question"
"""The manner of what is looked up in the documents, and so comes before the gate."""


def depths(text: str) -> list[int]:
    """The k of recall@k from "1,3,5", in order. Raises InvalidInput."""
    try:
        found = sorted({int(part) for part in text.split(",")})
    except ValueError:
        found = []
    if not found or found[0] < 1:
        raise InvalidInput(f"--k is a list of whole numbers from 1, such as 1,3,5; not {text!r}.")
    return found


async def run(
    questions: Path,
    persona_id: str | None,
    corpus: Sequence[Path],
    depths: Sequence[int],
    *,
    json_: bool,
    misses_: bool,
    curve_: bool,
    split: bool,
) -> None:
    """Asks every line of `questions`, one after another, and prints figures.

    `depths`: the k of recall@k. `split`: the gate's threshold is chosen on the even lines, everything is reported on
    the odd ones. Raises InvalidInput for a file that cannot be read or holds no question, a k beyond what an answer
    looks at, and, at the end, for lines that were not measured.
    """
    descriptor = lines.opened(questions)
    async with answering(persona_id, corpus) as asked:
        ready = await asked.until_read()
        if max(depths) > ready.depth:
            raise InvalidInput(
                f"An answer looks at {ready.depth} passages (FLASHBACK_RAG_LLM_TOP_PASSAGES); "
                f"recall@{max(depths)} is not to be had."
            )
        described = await asked.describe()
        outcomes, failed = await _measured(asked, descriptor)
    if not outcomes:
        raise InvalidInput(f"No question of {questions} could be asked.")
    report: dict[str, Any] = {
        "persona": asked.persona_id,
        "answerer": described.answerer,
        "documents": described.documents,
        "passages": described.chunks,
        "threshold": ready.threshold,
        "not_measured": len(failed),
    }
    choosing, reported = halves(outcomes) if split else (outcomes, outcomes)
    report |= figures(reported, depths)
    if curve_ or split:
        report["gate"] = _gate(choosing, reported, ready.threshold, curve_)
    if misses_:
        report["misses"] = _misses(reported, max(depths))
    print(json.dumps(report, ensure_ascii=False) if json_ else as_text(report, depths, split))
    if failed:
        raise InvalidInput(f"not measured: {'line' if len(failed) == 1 else 'lines'} {', '.join(map(str, failed))}.")


async def _measured(asked: Answering, descriptor: int) -> tuple[list[Outcome], list[int]]:
    outcomes: list[Outcome] = []
    failed: list[int] = []
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("questions", total=None)
        async for number, line in lines.numbered(descriptor):
            try:
                question = parse(number, line, labelled=True)
                if question is not None:
                    outcomes.append(await _outcome(asked, question))
            except FlashbackError as error:
                where = "" if error.message.startswith("line ") else f"line {number}: "
                print(f"flashback: {where}{error.message}", file=sys.stderr, flush=True)
                failed.append(number)
            progress.update(task, completed=len(outcomes))
    return outcomes, failed


async def _outcome(asked: Answering, question: Question) -> Outcome:
    """The answer comes first: what is looked up for it must not be warm already when it is timed."""
    answer = await asked.answer(question)
    found = await asked.retrieve(question)
    retrieved = tuple(_passage(passage) for passage in found.passages)
    return Outcome(
        question=question,
        said=tuple(Said(said.text, with_speech(said.cited, retrieved)) for said in answer.said),
        refused=answer.refused,
        reason=answer.reason,
        retrieved=retrieved,
        probability=found.answerable if found.manner == QUESTION and found.passages else None,
        first_ms=answer.first_ms,
        whole_ms=answer.ms,
    )


def _passage(found: rag_llm_pb2.RetrievedPassage) -> Passage:
    return Passage(found.document, found.place, found.text, " ".join(found.sentences))


def _gate(
    choosing: Sequence[Outcome], reported: Sequence[Outcome], threshold: float, whole_curve: bool
) -> dict[str, Any]:
    """The threshold chosen on some outcomes, and what it would have refused of others."""
    seen = [judged(o, threshold) for o in reported]
    best = chosen([judged(o, threshold) for o in choosing])
    found: dict[str, Any] = {"chosen_on": len(choosing), "reported_on": len(reported)}
    found["now"] = _point(at(seen, threshold))
    found["suggested"] = _point(at(seen, best.threshold)) if best else None
    if whole_curve:
        found["curve"] = [_point(point) for point in curve(seen, CURVE_STEPS)]
    return found


def _point(point: Point) -> dict[str, Any]:
    return {
        "threshold": point.threshold,
        "wrongly_refused": point.wrongly_refused,
        "rightly_refused": point.rightly_refused,
    }


def _misses(outcomes: Sequence[Outcome], depth: int) -> list[dict[str, Any]]:
    return [
        {
            "line": outcome.question.line,
            "question": outcome.question.text,
            "wrong": wrong,
            "gold": list(outcome.question.gold) if outcome.question.gold else None,
            "answer": outcome.answer,
            "refused": outcome.refused,
            "rank": outcome.rank,
            "answerable": None if outcome.probability is None else round(outcome.probability, 3),
        }
        for outcome in outcomes
        if (wrong := misses(outcome, depth))
    ]
