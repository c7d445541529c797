"""A language model's text, as it comes -> sentences to speak, each with the passages it cites. Pure.

Every character is taken by itself, so the sentences do not depend on how the text was cut into pieces. Left out:
reasoning between <think> tags, code, tables, headings, list marks, citation markers (they become numbers).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from services.rag_llm import markers
from services.rag_llm.sentences import split_sentences, spoken

LONGEST = 600
"""Characters after which a sentence that does not end is given up: nobody could listen to it."""
_REASONING = ("think", "thinking", "reasoning", "thought")
_OPEN = tuple(f"<{name}>" for name in _REASONING)
_CLOSE = tuple(f"</{name}>" for name in _REASONING)
_FENCES = ("```", "~~~")
_QUOTES = "\"'“‘("
_INLINE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"<\|[^<>|]{0,40}\|>|</?[A-Za-z][^<>]*>"), " "),
    (re.compile(r"!?\[([^\]]*)\]\([^)]*\)"), r"\1"),
    (re.compile(r"`+([^`]+)`+"), r"\1"),
    (re.compile(r"(\*{1,3})(?=\S)(.+?)(?<=\S)\1"), r"\2"),
    (re.compile(r"(?<!\w)(_{1,3})(?=\S)(.+?)(?<=\S)\1(?!\w)"), r"\2"),
)
"""Marks within a line, and what a chat template's tokens look like when they slip through."""
_ATTRIBUTION = re.compile(
    r"(?:^|(?<=[\s,;(]))(?:according to|as (?:stated|said|described|mentioned|noted|shown|explained|given|written) "
    r"(?:in|by)|see|in|from|per)(?: (?:the )?(?:passages?|sources?|documents?))?\s*$",
    re.IGNORECASE,
)
"""What points at a marker and means nothing without it."""
_SOURCE = r"(?:the |these |this |my )?(?:given |provided |numbered |quoted )?(?:passages?|documents?|texts?|sources?)"
_REPORT = re.compile(
    rf"^(?:(?:according to|based on|as per) {_SOURCE}(?: (?:provided|given))?,\s*|"
    rf"{_SOURCE} (?:also )?(?:say|state|mention|explain|note|indicate|tell)s? (?:us )?that\s+)",
    re.IGNORECASE,
)
"""What the citation says already."""
_LEADING = re.compile(r"^(?:[\s,;:)]|(?:and|or)\b)+")
_TRAILING = re.compile(r"(?:\s*[,;(]|\s+(?:and|or|&))+\s*([.!?]*)\s*$")
_COMPLETE = re.compile(r"[.!?][\"'”’)\]]*\s+$")


@dataclass(frozen=True, slots=True)
class Drafted:
    """A sentence as it would be spoken, and the numbers of the passages it cites, in order."""

    text: str
    cited: tuple[int, ...]


class SpeechStream:
    """One answer's parser. `passages`: how many were shown; markers with other numbers cite nothing."""

    def __init__(self, passages: int) -> None:
        self._reasoning = _Reasoning()
        self._lines = _Lines()
        self._sentences = _Sentences(passages)

    def feed(self, piece: str) -> list[Drafted]:
        """The sentences that are complete now. One is complete when the next begins."""
        return [sentence for character in piece for sentence in self._take(character)]

    def close(self, finished: bool) -> list[Drafted]:
        """The last sentence. Unless the model `finished` by itself, it counts only when a marker or a blank followed
        its full stop: what was cut off is not spoken."""
        found = [sentence for sign in self._lines.rest() for sentence in self._sentence(sign)]
        return [*found, *self._sentences.close(finished)]

    def _take(self, character: str) -> Iterator[Drafted]:
        for visible in self._reasoning.take(character):
            yield from self._line(visible)
        if self._reasoning.just_closed_unopened:
            self._lines = _Lines()
            self._sentences.forget()

    def _line(self, character: str) -> Iterator[Drafted]:
        for sign in self._lines.take(character):
            yield from self._sentence(sign)

    def _sentence(self, sign: str) -> Iterator[Drafted]:
        return self._sentences.end() if sign == _END else self._sentences.take(sign)


_END = "\n"
"""Sign from lines to sentences: whatever sentence was begun ends here."""


class _Reasoning:
    """Leaves out what stands between reasoning tags. A closing tag without an opening one (the server's template had
    written that) means that all before it was reasoning."""

    def __init__(self) -> None:
        self._held = ""
        self._closing = ""
        self._tail = ""
        self.just_closed_unopened = False

    def take(self, character: str) -> str:
        self.just_closed_unopened = False
        if self._closing:
            self._tail = (self._tail + character.lower())[-len(self._closing) :]
            if self._tail == self._closing:
                self._closing = self._tail = ""
            return ""
        held = self._held + character
        if not any(tag.startswith(held.lower()) for tag in (*_OPEN, *_CLOSE)):
            self._held = "<" if character == "<" else ""
            return held[:-1] if self._held else held
        self._held = held
        if held.lower() in _OPEN:
            self._closing, self._held = f"</{held[1:].lower()}", ""
        elif held.lower() in _CLOSE:
            self._held, self.just_closed_unopened = "", True
        return ""


class _Lines:
    """Markdown's lines -> running text. What a line is shows in its first characters; until then they are held."""

    def __init__(self) -> None:
        self._start = True
        self._held = ""
        self._skipping = False
        self._fenced = False

    def take(self, character: str) -> Iterator[str]:
        if character == "\n":
            yield from self._newline()
        elif self._start:
            self._held += character
            yield from self._begin(self._held.lstrip(" \t>"))
        elif not self._skipping:
            yield " " if character.isspace() else character

    def rest(self) -> Iterator[str]:
        if self._start and not self._fenced and not set(self._held) <= set("-*_+#`~ \t>"):
            yield from self._held

    def _newline(self) -> Iterator[str]:
        held = self._held.lstrip(" \t>")
        if self._start and not self._fenced:
            if set(held) <= set("-*_#"):
                yield _END
            else:
                yield from held
                yield " "
        elif not self._skipping:
            yield " "
        self._start, self._skipping, self._held = True, False, ""

    def _begin(self, line: str) -> Iterator[str]:
        if not line or line in ("`", "``", "~", "~~"):
            return
        if line in _FENCES:
            self._fenced = not self._fenced
            yield from self._skip()
        elif self._fenced or line[0] == "|" or re.fullmatch(r"#{1,6}\s", line):
            yield from self._skip()
        elif re.fullmatch(r"(?:[-*+•–]|\d{1,2}[.)])\s", line):
            self._start, self._held = False, ""
            yield _END
        elif not re.fullmatch(r"#{1,6}|-+|\*+|_+|[+•–]|\d{1,2}[.)]?", line):
            self._start, self._held = False, ""
            yield from line

    def _skip(self) -> Iterator[str]:
        self._start, self._skipping, self._held = False, True, ""
        yield _END


class _Sentences:
    """Running text -> sentences. A marker belongs to the sentence before it, also when it follows the full stop."""

    def __init__(self, passages: int) -> None:
        self._passages = passages
        self.forget()

    def forget(self) -> None:
        self._text = ""
        self._cited: list[int] = []
        self._held = ""
        self._lost = False

    def take(self, character: str) -> Iterator[Drafted]:
        if not self._held and character not in markers.OPENING:
            yield from self._add(character)
            return
        held = self._held + character
        found = markers.read(held, self._passages)
        if found is markers.Not.YET:
            self._held = held
        elif isinstance(found, tuple):
            self._held = ""
            self._cited += found
            self._text = _ATTRIBUTION.sub("", self._text) + " "
        else:
            self._held = character if character in markers.OPENING and len(held) > 1 else ""
            for released in held[:-1] if self._held else held:
                yield from self._add(released)

    def end(self) -> Iterator[Drafted]:
        self._held = ""
        yield from self._draft(self._text)
        self._text = ""

    def close(self, finished: bool) -> Iterator[Drafted]:
        if finished or (not self._held and _COMPLETE.search(self._text)):
            yield from self.end()

    def _add(self, character: str) -> Iterator[Drafted]:
        before = self._text
        self._text += character
        if len(self._text) > LONGEST:
            self._text, self._lost = "x", True  # in place of what is lost, so that its end is still an end
            return
        begins = before[-1:].isspace() or (before[-1:] in _QUOTES and before[-2:-1].isspace())
        if character.isspace() or not begins:
            return
        parts = split_sentences(self._text)
        if len(parts) > 1:
            yield from self._draft(" ".join(parts[:-1]))
            self._text = parts[-1]

    def _draft(self, raw: str) -> Iterator[Drafted]:
        cited, lost = tuple(dict.fromkeys(self._cited)), self._lost
        self._cited, self._lost = [], False
        text = raw
        for pattern, kept in _INLINE:
            text = pattern.sub(kept, text)
        if cited:
            text = _TRAILING.sub(r"\1", _LEADING.sub("", text))
        text = _REPORT.sub("", text)
        if re.search(r"\w", text) and not lost:
            yield Drafted(spoken(text), cited)
