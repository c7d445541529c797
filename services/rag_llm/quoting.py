"""Evidence -> an answer in the documents' own sentences, each with its passage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from services.rag_llm import selection
from services.rag_llm.engine import Part
from services.rag_llm.index import PassageIndex
from services.rag_llm.selection import Candidate
from services.rag_llm.speaking import Speaking


def quote(index: PassageIndex, ranked: Sequence[Candidate], most: int, words: int, preface: str = "") -> Iterator[Part]:
    """The sentences that answer best, at most `most` with about `words` words, in the order to say them.

    `ranked` are the candidates, best first. preface: a sentence to say before them; it cites what the first one does.
    """
    speaking = Speaking(index)
    said = selection.chosen(ranked, most, words)
    if preface and said:
        yield from speaking.say(preface, [said[0].passage])
    for candidate in said:
        yield from speaking.say(candidate.text, [candidate.passage])
