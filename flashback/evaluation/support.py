"""Whether a passage contains what a sentence says.

Verbatim: the sentence, folded (wording.py), is a piece of a cited passage. Supported: every number of the sentence is
in the cited passages, so is every name (a word with a capital that does not begin it) and every negation, and at least
ENOUGH of its content words. Content words have four letters or more; inflections of a word count as that word. This is
lexical: it sees a wrong number, a wrong name, an added "not" or another subject, and not a wrong connection of right
words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from flashback.evaluation.wording import folded, holds

Finding = Literal["verbatim", "supported", "unsupported"]
ENOUGH = 0.8
LETTERS = 4
STEM = 5
"""Words that begin with the same STEM letters count as one word's inflections; a plural s is no letter."""
_NEGATION = re.compile(
    r"\b(?:no|not|never|none|nothing|nobody|neither|nor|without|cannot|"
    r"(?:is|are|was|were|do|does|did|wo|would|ca|could|should|has|have|had)nt)\b"
)
_NAME = re.compile(r"(?<=[\w,;:)] )[A-Z][\w’'-]+")


@dataclass(frozen=True)
class Passage:
    """A cited or retrieved passage. `place` is its heading path and line; `spoken` its sentences as they are said."""

    document: str
    place: str
    text: str
    spoken: str = ""

    def holds(self, part: str) -> bool:
        """True when the passage, as written or as spoken, holds a piece of text."""
        return holds(self.text, part) or holds(self.spoken, part)


def with_speech(cited: Sequence[Passage], known: Sequence[Passage]) -> tuple[Passage, ...]:
    """The cited passages, each with its spoken form where it is among the known ones."""
    found = {(p.document, p.place, p.text): p for p in known}
    return tuple(found.get((p.document, p.place, p.text), p) for p in cited)


def finding(sentence: str, cited: Sequence[Passage]) -> Finding:
    """How the cited passages bear out a sentence; unsupported when there are none."""
    if any(passage.holds(sentence) for passage in cited):
        return "verbatim"
    if not cited:
        return "unsupported"
    said = _words(sentence)
    texts = _words(" ".join(f"{p.text} {p.spoken}" for p in cited))
    everything = texts | _words(" ".join(p.place for p in cited))
    if not {w for w in said if w[0].isdigit()} <= texts:
        return "unsupported"
    if _negated(sentence) and not any(_negated(f"{p.text} {p.spoken}") for p in cited):
        return "unsupported"
    stems = {_stem(word) for word in everything}
    if not all(_stem(word) in stems for name in _NAME.findall(sentence) for word in _words(name)):
        return "unsupported"
    content = {w for w in said if len(w) >= LETTERS and not w[0].isdigit()}
    found = sum(_stem(word) in stems for word in content)
    return "supported" if content and found >= ENOUGH * len(content) else "unsupported"


def _words(text: str) -> set[str]:
    return set(folded(text).split())


def _stem(word: str) -> str:
    return word.removesuffix("s")[:STEM]


def _negated(text: str) -> bool:
    return bool(_NEGATION.search(folded(text)))
