"""Word events of an engine -> times of the words as written."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

from services.tts.engine import WordSpan


@dataclass(frozen=True)
class Token:
    """A stretch of text between spaces: character offsets, and whether it holds anything to speak."""

    start: int
    end: int
    spoken: bool


def tokens(text: str) -> list[Token]:
    """The tokens of a sentence in order; punctuation belongs to the word it touches."""
    return [Token(m.start(), m.end(), any(c.isalnum() for c in m.group())) for m in re.finditer(r"\S+", text)]


class WordTrack:
    """Groups word events by written token: a number read as five words is one word here.

    Where an engine reads several tokens as one event ("of the"), they share its time by their length. Tokens that are
    not spoken (a lone dash) belong to the word before them, or after them at the start. Times are 24 kHz samples.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._starts = [t.start for t in self._tokens]
        self._first = 0
        self._current = -1
        self._start: int | None = None

    @property
    def open_from(self) -> int | None:
        """Start of the word whose end is not known yet."""
        return self._start

    def word(self, offset: int, sample: int, quiet_from: int) -> list[WordSpan]:
        """A word at character `offset` begins at `sample`; the sound before it ended at `quiet_from`."""
        index = min(max(bisect_right(self._starts, offset) - 1, self._first), len(self._tokens) - 1)
        if self._start is not None and index <= self._current:
            return []
        ended = self._close(index, quiet_from)
        self._current = index
        self._start = sample
        return ended

    def clause_end(self, offset: int, quiet_from: int) -> list[WordSpan]:
        """A clause ends before character `offset`; the open word ends with it."""
        until = max(self._current + 1, bisect_right(self._starts, offset - 1))
        while until < len(self._tokens) and not self._tokens[until].spoken:
            until += 1
        return self._close(until, quiet_from)

    def finish(self, quiet_from: int) -> list[WordSpan]:
        """The last word ends at `quiet_from` and takes what is left of the text."""
        return self._close(len(self._tokens), quiet_from)

    def _close(self, until: int, end: int) -> list[WordSpan]:
        """Words of the tokens from the first unclaimed one up to `until`, sharing the time from the open start."""
        if self._start is None:
            return []
        groups = self._groups(self._tokens[self._first : until])
        start, self._start, self._first = self._start, None, until
        end = max(end, start)
        weights = [max(1, sum(c.isalnum() for c in self._text[a:b])) for a, b in groups]
        total, done, spans = sum(weights), 0, []
        for (a, b), weight in zip(groups, weights, strict=True):
            begin = start + (end - start) * done // total
            done += weight
            spans.append(WordSpan(self._text[a:b], begin, start + (end - start) * done // total, a, b))
        return spans

    @staticmethod
    def _groups(run: list[Token]) -> list[tuple[int, int]]:
        groups: list[tuple[int, int]] = []
        waiting: int | None = None
        for token in run:
            if token.spoken:
                groups.append((token.start if waiting is None else waiting, token.end))
                waiting = None
            elif groups:
                groups[-1] = (groups[-1][0], token.end)
            elif waiting is None:
                waiting = token.start
        if not groups and run:
            groups.append((run[0].start, run[-1].end))
        return groups
