"""`flashback ask`: a question answered as text, or many of them, a line each."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from flashback.cli import lines
from flashback.cli.answering import Answer, Answering, answering
from flashback.errors import FlashbackError, InvalidInput
from flashback.evaluation.questions import Question, checked, parse


async def run(
    question: str | None, questions: Path | None, persona_id: str | None, corpus: Sequence[Path], json_: bool
) -> None:
    """Prints the answer to `question`, or one after another those to the lines of `questions` ("-": standard input).

    Raises InvalidInput unless exactly one of the two is given, for a file that cannot be read, and, at the end, for
    lines that were not answered; FlashbackError for a bad question or persona.
    """
    if question is not None and questions is not None:
        raise InvalidInput("Give a question or --questions FILE, not both.")
    if questions is not None:
        descriptor = lines.opened(questions)
        async with answering(persona_id, corpus) as asked:
            await _answer_lines(asked, descriptor, json_)
    elif question is not None:
        one = Question(1, checked(question))
        async with answering(persona_id, corpus) as asked:
            await asked.until_read()
            _show(as_table(one, await asked.answer(one)), json_)
    else:
        raise InvalidInput("Give a question, or --questions FILE with one a line.")


async def _answer_lines(asked: Answering, descriptor: int, json_: bool) -> None:
    await asked.until_read()
    count = 0
    failed: list[int] = []
    async for number, line in lines.numbered(descriptor):
        try:
            question = parse(number, line, labelled=False)
        except InvalidInput as error:
            print(f"flashback: {error.message}", file=sys.stderr, flush=True)
            failed.append(number)
            continue
        if question is None:
            continue
        count += 1
        if not json_:
            Console(highlight=False).print(question.text, markup=False, style="bold")
        begun = time.perf_counter()
        try:
            table = as_table(question, await asked.answer(question))
        except FlashbackError as error:
            failed.append(number)
            ms = (time.perf_counter() - begun) * 1000
            table = {**as_table(question, Answer((), (), False, "", 0.0, ms)), "error": error.message}
        _show(table, json_)
        if not json_:
            print()
    if failed:
        raise InvalidInput(f"not answered: {'line' if len(failed) == 1 else 'lines'} {', '.join(map(str, failed))}.")
    if not count:
        raise InvalidInput("There is no question in the file.")


def as_table(question: Question, answer: Answer) -> dict[str, Any]:
    """{question, answer, refused, citations: [{document, place, text}], ms}."""
    return {
        "question": question.text,
        "answer": answer.text,
        "refused": answer.refused,
        "citations": [{"document": c.document, "place": c.place, "text": c.text} for c in answer.citations],
        "ms": round(answer.ms, 1),
    }


def _show(table: dict[str, Any], json_: bool) -> None:
    if json_:
        print(json.dumps(table, ensure_ascii=False), flush=True)
        return
    console = Console(highlight=False)
    console.print(table.get("error", table["answer"]), markup=False, style="red" if "error" in table else None)
    for number, c in enumerate(table["citations"], 1):
        console.print(f"  [{number}] {c['document']}, {c['place']}", markup=False, style="dim")
