"""An n-gram language model from several weighted sources, written in the ARPA back-off format.

Each source is smoothed on its own by interpolated Witten-Bell (Witten and Bell 1991; Chen and Goodman 1998, section
2.5), the sources are mixed linearly, and the mixture is written as a back-off model whose back-off weights make every
context sum to one.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

START = "<s>"
END = "</s>"

Context = tuple[str, ...]


@dataclass
class Source:
    """n-gram counts of one kind of text. Counts may be fractional: a sentence of weight 0.5 counts half."""

    vocabulary: frozenset[str]
    order: int = 3
    followers: dict[Context, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, sentence: Sequence[str], weight: float = 1.0) -> None:
        """Counts a sentence (without boundary marks). Words outside the vocabulary break it into parts."""
        padded = [START, *sentence, END]
        for place in range(1, len(padded)):
            word = padded[place]
            if word != END and word not in self.vocabulary:
                continue
            for length in range(self.order):
                first = place - length
                if first < 0:
                    break
                context = tuple(padded[first:place])
                if any(w != START and w not in self.vocabulary for w in context):
                    break
                counts = self.followers[context]
                counts[word] = counts.get(word, 0.0) + weight

    def smoothed(self) -> Smoothed:
        return Smoothed(self)


class Smoothed:
    """Interpolated Witten-Bell: P(w|h) = (c(hw) + T(h) P(w|h')) / (c(h) + T(h)), ending in a uniform distribution.

    T(h) is the number of different words seen after h. Any h and any w of the vocabulary have P > 0.
    """

    def __init__(self, source: Source) -> None:
        self.order = source.order
        self.size = len(source.vocabulary) + 1
        self._followers = source.followers
        self._totals = {context: (sum(counts.values()), len(counts)) for context, counts in source.followers.items()}

    def contexts(self) -> Mapping[Context, Mapping[str, float]]:
        return self._followers

    def probability(self, word: str, context: Context) -> float:
        """P(word | context); the context is cut to order - 1 words."""
        context = context[len(context) - self.order + 1 :] if len(context) >= self.order else context
        lower = self.probability(word, context[1:]) if context else 1.0 / self.size
        totals = self._totals.get(context)
        if totals is None:
            return lower
        total, kinds = totals
        return (self._followers[context].get(word, 0.0) + kinds * lower) / (total + kinds)


@dataclass
class BackoffModel:
    """Probabilities by (context, word) and back-off weights by context; natural numbers, not logarithms."""

    vocabulary: tuple[str, ...]
    order: int
    probabilities: dict[Context, dict[str, float]]
    backoffs: dict[Context, float]

    def probability(self, word: str, context: Context) -> float:
        context = context[len(context) - self.order + 1 :] if len(context) >= self.order else context
        found = self.probabilities.get(context, {}).get(word)
        if found is not None:
            return found
        return self.backoffs.get(context, 1.0) * self.probability(word, context[1:])

    def log2_probability(self, sentence: Sequence[str]) -> float:
        """log2 P of a sentence of known words with its end mark."""
        padded = [START, *sentence, END]
        return sum(
            math.log2(self.probability(padded[place], tuple(padded[max(0, place - self.order + 1) : place])))
            for place in range(1, len(padded))
        )


def mix(sources: Sequence[tuple[Source, float]], prune: float = 0.0) -> BackoffModel:
    """The linear mixture of sources as a back-off model over every n-gram that one of them has seen.

    Weights are normalised to sum to one. n-grams of three words and more whose probability exceeds what backing off
    would give by less than the factor 1 + prune are left out.
    """
    total = sum(weight for _, weight in sources)
    models = [(source.smoothed(), weight / total) for source, weight in sources if weight > 0]
    vocabulary = tuple(sorted(set().union(*(source.vocabulary for source, _ in sources))))
    order = max(model.order for model, _ in models)

    def mixed(word: str, context: Context) -> float:
        return sum(weight * model.probability(word, context) for model, weight in models)

    seen: dict[int, dict[Context, set[str]]] = {length: defaultdict(set) for length in range(order)}
    for model, _ in models:
        for context, counts in model.contexts().items():
            seen[len(context)][context].update(counts)
    result = BackoffModel(vocabulary, order, {}, {})
    result.probabilities[()] = {word: mixed(word, ()) for word in (*vocabulary, END)}
    for length in range(1, order):
        for context, followers in seen[length].items():
            kept: dict[str, float] = {}
            lower_mass = 0.0
            for word in followers:
                p, lower = mixed(word, context), result.probability(word, context[1:])
                if length >= 2 and p < lower * (1 + prune):
                    continue
                kept[word] = p
                lower_mass += lower
            if kept:
                result.probabilities[context] = kept
                result.backoffs[context] = max(1e-9, 1.0 - sum(kept.values())) / max(1e-9, 1.0 - lower_mass)
    return result


def arpa_lines(model: BackoffModel) -> Iterable[str]:
    """The model in ARPA format (base 10 logarithms), as PocketSphinx and most other recognisers read it."""
    levels: dict[int, list[tuple[Context, str, float]]] = defaultdict(list)
    for context, followers in model.probabilities.items():
        for word, p in followers.items():
            levels[len(context) + 1].append((context, word, p))
    levels[1].append(((), START, 0.0))
    yield "\\data\\"
    for length in range(1, model.order + 1):
        yield f"ngram {length}={len(levels[length])}"
    for length in range(1, model.order + 1):
        yield f"\n\\{length}-grams:"
        for context, word, p in sorted(levels[length], key=lambda entry: (entry[0], entry[1])):
            gram = (*context, word)
            line = f"{math.log10(p) if p > 0 else -99:.4f} {' '.join(gram)}"
            if length < model.order:
                line += f" {math.log10(model.backoffs.get(gram, 1.0)):.4f}"
            yield line
    yield "\n\\end\\"


def write_arpa(model: BackoffModel, path: Path) -> None:
    path.write_text("\n".join(arpa_lines(model)) + "\n", encoding="utf-8")
