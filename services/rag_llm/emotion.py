"""Sentiment of a sentence by a small lexicon: valence and arousal (Russell 1980), both -1..1, and a label.

The words and their values are our own. A negation turns the valence of the next three words around, weakened.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Emotion:
    """`label` is neutral, joy, sadness, surprise or concern."""

    valence: float
    arousal: float
    label: str


NEUTRAL = Emotion(0.0, 0.0, "neutral")


def _lexicon() -> dict[str, tuple[float, float]]:
    """Valence and arousal of each marked word; a line of the file gives both and then the words."""
    found: dict[str, tuple[float, float]] = {}
    for line in (Path(__file__).parent / "sentiment.txt").read_text(encoding="utf-8").splitlines():
        valence, arousal, *words = line.split()
        found.update(dict.fromkeys(words, (float(valence), float(arousal))))
    return found


_LEXICON = _lexicon()
_NEGATION = frozenset(["not", "no", "never", "without", "cannot", "nor", "neither", "hardly"])
_SURPRISE_AROUSAL = 0.35


def emotion_of(sentence: str) -> Emotion:
    """The sentence's emotion; short of any marked word it is neutral."""
    valence = arousal = 0.0
    weight = 0
    reversed_for = 0
    for word in re.findall(r"[a-z']+", sentence.lower()):
        if word in _NEGATION or word.endswith("n't"):
            reversed_for = 3
            continue
        if word in _LEXICON:
            v, a = _LEXICON[word]
            valence += -0.5 * v if reversed_for else v
            arousal += 0.5 * a if reversed_for else a
            weight += 1
        reversed_for = max(0, reversed_for - 1)
    if sentence.rstrip().endswith("!"):
        arousal += 0.3
        weight = max(weight, 1)
    if not weight:
        return NEUTRAL
    scale = weight**-0.5
    return labelled(_clamp(valence * scale), _clamp(arousal * scale))


def labelled(valence: float, arousal: float) -> Emotion:
    """The emotion at a point of the circumplex."""
    if valence <= -0.25:
        label = "concern" if arousal > 0 else "sadness"
    elif valence >= 0.35:
        label = "joy"
    elif arousal >= _SURPRISE_AROUSAL:
        label = "surprise"
    else:
        label = "neutral"
    return Emotion(round(valence, 3), round(arousal, 3), label)


def _clamp(value: float) -> float:
    return max(-1.0, min(1.0, value))
