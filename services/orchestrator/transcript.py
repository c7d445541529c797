"""What a turn says and when: word times on the media clock, and what of it was heard. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from flashback.media.clock import SPEECH_RATE


@dataclass(frozen=True)
class Word:
    """A spoken word; samples at 24 kHz from the start of its sentence; offsets in the sentence's text."""

    text: str
    start_sample: int
    end_sample: int
    text_end: int


@dataclass(frozen=True)
class TimedWord:
    """A spoken word on the session's media clock (24 kHz samples)."""

    text: str
    start_sample: int
    end_sample: int


@dataclass
class SpokenSentence:
    """One sentence of a turn. `start_sample` is None until it begins to play."""

    text: str
    words: list[Word] = field(default_factory=list)
    start_sample: int | None = None
    captioned: int = 0

    def take_captions(self) -> list[TimedWord]:
        """Words whose time is known and which were not taken before."""
        if self.start_sample is None:
            return []
        fresh = self.words[self.captioned :]
        self.captioned = len(self.words)
        return [TimedWord(w.text, self.start_sample + w.start_sample, self.start_sample + w.end_sample) for w in fresh]

    def heard_until(self, sample: int) -> str:
        """The part of the text whose words had begun before `sample` (media time)."""
        if self.start_sample is None:
            return ""
        begun = [w for w in self.words if self.start_sample + w.start_sample < sample]
        return self.text[: begun[-1].text_end] if begun else ""


@dataclass
class SpokenTurn:
    """The sentences of a turn in the order they are spoken."""

    sentences: list[SpokenSentence] = field(default_factory=list)

    def text(self) -> str:
        return " ".join(s.text for s in self.sentences)

    def heard(self, until_sample: int) -> str:
        """What the listener had heard of the turn at `until_sample` (media time)."""
        return " ".join(filter(None, (s.heard_until(until_sample) for s in self.sentences)))

    def seconds(self) -> float:
        """How long all sentences take to say, by their last words."""
        return sum(s.words[-1].end_sample for s in self.sentences if s.words) / SPEECH_RATE

    def first_sample(self) -> int | None:
        return self.sentences[0].start_sample if self.sentences else None
