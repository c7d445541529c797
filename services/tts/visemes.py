"""Phoneme onsets -> a gapless track of mouth shapes."""

from __future__ import annotations

from services.tts.engine import VisemeSpan
from services.tts.phonemes import FOLLOWS, SILENCE, Mouth, mouths


class VisemeTrack:
    """Turns phoneme onsets (24 kHz samples, not decreasing) into contiguous VisemeSpans starting at 0."""

    def __init__(self) -> None:
        self._shapes: list[Mouth] = []
        self._start = 0

    @property
    def open_from(self) -> int:
        """Everything before this sample is covered by spans already handed out."""
        return self._start

    def phoneme(self, ipa: str, sample: int) -> list[VisemeSpan]:
        """A phoneme begins at `sample` ('' is a pause). Returns the spans that thereby end."""
        shapes = mouths(ipa)
        if self._silent() and shapes[0].shape == SILENCE:
            return []
        spans = self._close(sample, shapes[0].shape)
        self._shapes = shapes
        return spans

    def finish(self, spoken_end: int, end: int) -> list[VisemeSpan]:
        """Speech ends at `spoken_end`, the audio at `end`; returns the remaining spans."""
        spans = [] if self._silent() else self._close(max(spoken_end, self._start), SILENCE)
        self._shapes = [Mouth(SILENCE, 0.0, 1.0)]
        return spans + self._close(end, SILENCE)

    def _silent(self) -> bool:
        return bool(self._shapes) and self._shapes[0].shape == SILENCE

    def _close(self, sample: int, next_shape: str) -> list[VisemeSpan]:
        """Spans of the open phoneme up to `sample`. Before the first phoneme there is nothing: it reaches back to 0."""
        if not self._shapes or sample <= self._start:
            return []
        length = sample - self._start
        spans: list[VisemeSpan] = []
        at, done = self._start, 0.0
        for mouth in self._shapes:
            done += mouth.share
            end = self._start + round(length * min(done, 1.0))
            shape, weight = mouth.shape, mouth.weight
            if shape == FOLLOWS:
                shape, weight = next_shape or "E", 0.6
            if end > at:
                spans.append(VisemeSpan(shape, at, end - at, weight if shape != SILENCE else 0.0))
            at = end
        self._start = sample
        return spans
