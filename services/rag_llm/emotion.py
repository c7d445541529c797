"""Sentiment of a sentence by a small lexicon: valence and arousal (Russell 1980), both -1..1, and a label.

The words and their values are our own. A negation turns the valence of the next three words around, weakened.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Emotion:
    """`label` is neutral, joy, sadness, surprise or concern."""

    valence: float
    arousal: float
    label: str


NEUTRAL = Emotion(0.0, 0.0, "neutral")


def _table(entries: dict[tuple[float, float], str]) -> dict[str, tuple[float, float]]:
    return {word: value for value, words in entries.items() for word in words.split()}


_LEXICON = _table(
    {
        (0.8, 0.6): "wonderful excellent amazing brilliant delighted love loved happy joy fantastic celebrate beautiful",
        (0.5, 0.3): "good great best better pleasant welcome enjoy enjoyed success successful win won lively natural bright",
        (0.4, 0.1): "free safe friendly clear easy helpful useful comfortable reliable gentle warm kind trust thank glad",
        (0.2, 0.6): "surprising surprisingly suddenly sudden astonishing unexpected remarkable largest fastest spectacular",
        (-0.4, 0.3): "bad poor wrong error errors mistake mistakes fail fails failed failure problem problems hard annoying",
        (-0.5, 0.5): "danger dangerous warning risk risks harm harmful attack attacks attacker misuse fraud threat illegal",
        (-0.4, 0.2): "worse worst lose loses lost broken unlawful crime forbidden stiff fear scared worried concern concerned",
        (-0.7, -0.3): "sad sadly sorry died death dead unfortunately grief lonely regret tragic loss mourn lifeless",
        (-0.8, 0.7): "terrible horrible awful hate violent disaster catastrophe",
    }
)
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
