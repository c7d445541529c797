"""Chooses among the readings of an utterance the one that the documents could answer.

A reading whose content words stand together in one place of the documents is likelier than one whose words do not, in
the manner of a trigger language model (Rosenfeld 1996): the n-gram model sees only three words at a time.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from services.ears.questions import FUNCTION_WORDS
from services.ears.spoken_form import words

PLACE_SENTENCES = 4
TOPIC_WEIGHT = 4.0
UNKNOWN_WEIGHT = 5.0
_ENDINGS = ("ings", "ing", "ies", "ed", "es", "s", "ly")


def family(word: str) -> str:
    """The word without a common ending: animated, animates -> animat."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def content(said: Sequence[str]) -> set[str]:
    """Families of the content words."""
    return {family(word) for word in said if word not in FUNCTION_WORDS}


class Places:
    """Which content words stand together: windows of neighbouring sentences, and headings."""

    def __init__(self, sentences: Sequence[set[str]], headings: Sequence[set[str]]) -> None:
        windows = [
            set().union(*sentences[first : first + PLACE_SENTENCES])
            for first in range(max(1, len(sentences) - PLACE_SENTENCES + 1))
        ]
        counts = Counter(word for sentence in sentences for word in sentence)
        self._weights = {word: math.log(1 + len(sentences) / (1 + count)) for word, count in counts.items()}
        self._where: Mapping[str, list[int]] = defaultdict(list)
        for place, held in enumerate([*windows, *headings]):
            for word in held:
                self._where[word].append(place)

    @classmethod
    def of(cls, sentences: Sequence[str], headings: Sequence[str]) -> Places:
        """From text as it is written."""
        return cls([content(words(s)) for s in sentences], [content(words(h)) for h in headings])

    def together(self, said: Sequence[str]) -> float:
        """The most weight of the words that one place of the documents holds together; rare words weigh more."""
        best = 0.0
        totals: dict[int, float] = defaultdict(float)
        for word in content(said):
            for place in self._where.get(word, ()):
                totals[place] += self._weights.get(word, UNKNOWN_WEIGHT)
                best = max(best, totals[place])
        return best


def ranked(readings: Mapping[str, float], places: Places) -> list[str]:
    """Readings (lower-case words), best first. Values are log scores of sound and n-grams, in nats."""

    def score(reading: str) -> float:
        return readings[reading] + TOPIC_WEIGHT * places.together(reading.split())

    return sorted(readings, key=score, reverse=True)
