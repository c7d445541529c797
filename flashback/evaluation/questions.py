"""Question sets: one JSON object a line, {"q": question, "history": [...], "gold": [...] or null, "source": file}."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from flashback.errors import InvalidInput
from flashback.evaluation.wording import folded

LONGEST_LINE = 1 << 20
"""Bytes, or characters, of a line."""


@dataclass(frozen=True)
class Exchange:
    """An earlier question and its answer."""

    question: str
    answer: str


@dataclass(frozen=True)
class Question:
    """One line of a question set. `line` counts from 1.

    `gold`: pieces of text, any of which a right answer holds; None: the documents do not answer it. `source`: name of
    the document that does.
    """

    line: int
    text: str
    history: tuple[Exchange, ...] = ()
    gold: tuple[str, ...] | None = None
    source: str | None = None


def checked(text: str) -> str:
    """The text. Raises InvalidInput when it cannot be sent: it was not UTF-8, or holds half a character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidInput("The question is not UTF-8 text.") from None
    return text


def parse(number: int, line: str | bytes, labelled: bool) -> Question | None:
    """The question of line `number`; None for an empty line. `labelled`: "gold" has to be there.

    Raises InvalidInput, its message beginning with the line's number.
    """
    if len(line) > LONGEST_LINE:
        raise _malformed(number, f"it is longer than {LONGEST_LINE} bytes")
    try:
        text = line.decode("utf-8-sig") if isinstance(line, bytes) else line
        if not text.strip():
            return None
        table = json.loads(text)
        checked(json.dumps(table, ensure_ascii=False))
    except (UnicodeDecodeError, InvalidInput):
        raise _malformed(number, "it is not UTF-8 text") from None
    except (ValueError, RecursionError):
        raise _malformed(number, "it is not JSON") from None
    if not isinstance(table, dict) or not isinstance(table.get("q"), str):
        raise _malformed(number, 'it is not an object with a text "q"')
    gold = _gold(number, table) if labelled else None
    source = table.get("source") if labelled else None
    if source is not None and not isinstance(source, str):
        raise _malformed(number, '"source" is neither a file name nor null')
    return Question(number, table["q"], _history(number, table.get("history")), gold, source)


def _gold(number: int, table: dict[str, Any]) -> tuple[str, ...] | None:
    if "gold" not in table:
        raise _malformed(number, '"gold" is missing; it is a list of texts, or null where nothing answers the question')
    gold = table["gold"]
    if gold is None:
        return None
    if not isinstance(gold, list) or not gold or not all(isinstance(g, str) and folded(g) for g in gold):
        raise _malformed(number, '"gold" is neither null nor a list of one or more texts')
    return tuple(gold)


def _history(number: int, history: Any) -> tuple[Exchange, ...]:
    if history is None:
        return ()
    try:
        exchanges = tuple(Exchange(e["question"], e["answer"]) for e in history)
    except (TypeError, KeyError, IndexError):
        exchanges = None
    if exchanges is None or not all(isinstance(t, str) for e in exchanges for t in (e.question, e.answer)):
        raise _malformed(number, '"history" is not a list of {"question": ..., "answer": ...}')
    return exchanges


def _malformed(number: int, why: str) -> InvalidInput:
    return InvalidInput(f"line {number}: {why}")
