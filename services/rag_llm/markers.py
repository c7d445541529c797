"""Citation markers as language models write them: [1], [1, 3], [1-3], (1), 【1†source】, [Passage 2], [^1].

Pure: a stretch of text that begins with an opening bracket is a marker, the beginning of one, or neither.
"""

from __future__ import annotations

import re
from enum import Enum

OPENING = "[(【〔［（"
_ROUND = "(（"
_CLOSING = "])】〕］）"
_WORDS = (
    "passage",
    "passages",
    "source",
    "sources",
    "reference",
    "references",
    "ref",
    "refs",
    "citation",
    "citations",
    "document",
    "documents",
    "doc",
    "docs",
    "and",
    "to",
)
_LONGEST = 48
_PART = re.compile(r"\d{1,3}|[A-Za-z]+|[\s,;:.#^&–—-]+")
_RANGE = re.compile(r"(\d{1,3})\s*(?:-|–|—|to)\s*(\d{1,3})")


class Not(Enum):
    """What a text is when it is no marker."""

    YET = "the beginning of what may become one"
    EVER = "something else"


def read(text: str, most: int) -> tuple[int, ...] | Not:
    """The passage numbers of a marker, those of 1..most, in order and each once; or why it is none.

    text: begins with one of OPENING. A square marker may name no passage at all (an empty result); what stands in round
    brackets is a marker only when each of its numbers is a passage's, since "(2019)" is worth saying.
    """
    closed = len(text) > 1 and text[-1] in _CLOSING
    inner = text[1:-1] if closed else text[1:]
    dagger = inner.find("†")
    numbered = inner if dagger < 0 else inner[:dagger]
    if len(text) > _LONGEST or "\n" in inner or not _fits(numbered, whole=closed or dagger >= 0):
        return Not.EVER
    if not closed:
        return Not.YET
    numbers = _numbers(numbered)
    if not numbers or (text[0] in _ROUND and not all(1 <= number <= most for number in numbers)):
        return Not.EVER
    return tuple(dict.fromkeys(number for number in numbers if 1 <= number <= most))


def _fits(inner: str, whole: bool) -> bool:
    """Whether the text is made of a marker's parts; its last word may be unfinished unless the text is `whole`."""
    end = 0
    for part in _PART.finditer(inner):
        if part.start() != end:
            return False
        end = part.end()
        word = part[0].lower()
        if word[0].isdigit() and inner[end : end + 1].isdigit():
            return False
        if word.isalpha() and word not in _WORDS:
            unfinished = end == len(inner) and not whole
            if not (unfinished and any(known.startswith(word) for known in _WORDS)):
                return False
    return end == len(inner)


def _numbers(inner: str) -> list[int]:
    found: list[int] = []
    while inner:
        span = _RANGE.search(inner)
        before = inner[: span.start()] if span else inner
        found += [int(digits) for digits in re.findall(r"\d+", before)]
        if span is None:
            break
        found += range(int(span[1]), int(span[2]) + 1)
        inner = inner[span.end() :]
    return found
