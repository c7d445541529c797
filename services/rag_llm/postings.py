"""Inverted lists of BM25 weights, read from disk, and the best passages for a few terms without a look at the others.

A short list takes part whole. Of a long one only its champions propose passages, the passages in which the term weighs
most (Manning, Raghavan and Schuetze, Introduction to Information Retrieval, 7.1.3); every proposed passage then gets
its full score. So the work for a term is bounded, and while no list is long the result is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

CHAMPIONS = 8192
"""A list longer than this is long, and has so many champions."""

Numbers = NDArray[np.int32]
Weights = NDArray[np.float32]


class Postings:
    """A sparse matrix (passages, terms) by columns: passage numbers ascending, and the term's weight in each.

    Arrays may be memory maps; nothing is copied. `champions` holds a row of ascending passage numbers for each long
    list, and `long` the column it belongs to, ascending.
    """

    def __init__(
        self,
        starts: NDArray[np.int64],
        passages: Numbers,
        weights: Weights,
        long: NDArray[np.int64],
        champions: Numbers,
    ) -> None:
        self._starts = starts
        self._passages = passages
        self._weights = weights
        self._long = long
        self._champions = champions

    @classmethod
    def build(cls, starts: NDArray[np.int64], passages: Numbers, weights: Weights, most: int = CHAMPIONS) -> Postings:
        """Chooses the champions of the lists longer than `most`."""
        long = np.flatnonzero(np.diff(starts) > most)
        champions = np.empty((len(long), most), np.int32)
        for row, column in enumerate(long):
            own = slice(int(starts[column]), int(starts[column + 1]))
            best = np.argpartition(weights[own], -most)[-most:]
            champions[row] = np.sort(passages[own][best])
        return cls(starts, passages, weights, long, champions)

    @classmethod
    def load(cls, folder: Path) -> Postings:
        """Maps what `save` wrote. Raises OSError or ValueError."""
        starts, passages, weights, long, champions = (
            np.load(folder / f"{name}.npy", mmap_mode="r") for name in cls._names()
        )
        if not starts[-1] == len(passages) == len(weights) or len(long) != len(champions):
            raise ValueError("the lists are cut short")
        return cls(starts, passages, weights, long, champions)

    def save(self, folder: Path) -> None:
        arrays: list[NDArray[Any]] = [self._starts, self._passages, self._weights, self._long, self._champions]
        for name, array in zip(self._names(), arrays, strict=True):
            np.save(folder / f"{name}.npy", array)

    @staticmethod
    def _names() -> tuple[str, ...]:
        return ("starts", "passages", "weights", "long", "champions")

    def __len__(self) -> int:
        """How many lists there are."""
        return len(self._starts) - 1

    def length(self, column: int) -> int:
        """In how many passages the term of this column occurs."""
        return int(self._starts[column + 1] - self._starts[column])

    def best(self, columns: Sequence[int], count: int) -> tuple[list[int], Weights]:
        """The `count` passages with the highest scores above 0 and the scores, best first, of equals the first one.

        A column given twice counts twice.
        """
        if not columns:
            return [], np.zeros(0, np.float32)
        proposed = np.unique(np.concatenate([self._proposed(column) for column in set(columns)]))
        scores = self.scores(columns, proposed)
        if len(scores) > count:
            least = np.partition(scores, -count)[-count]
            proposed, scores = proposed[scores >= least], scores[scores >= least]
        order = np.argsort(-scores, kind="stable")[:count]
        order = order[scores[order] > 0]
        return proposed[order].tolist(), scores[order]

    def scores(self, columns: Sequence[int], numbers: NDArray[np.integer[Any]]) -> Weights:
        """Scores of some passages (len(numbers),), float32; `numbers` ascending and each once."""
        total = np.zeros(len(numbers), np.float32)
        if not len(numbers):
            return total
        of_column = {column: self._weights_of(column, numbers) for column in set(columns)}
        # One after the other and in single precision, so that a sum is to the last bit what bm25s makes of it.
        for column in columns:
            places, weights = of_column[column]
            total[places] += weights
        return total

    def _list(self, column: int) -> tuple[Numbers, Weights]:
        own = slice(int(self._starts[column]), int(self._starts[column + 1]))
        return np.asarray(self._passages[own]), np.asarray(self._weights[own])

    def _proposed(self, column: int) -> Numbers:
        row = int(np.searchsorted(self._long, column))
        if row < len(self._long) and self._long[row] == column:
            return np.asarray(self._champions[row])
        return self._list(column)[0]

    def _weights_of(self, column: int, numbers: NDArray[np.integer[Any]]) -> tuple[NDArray[np.intp], Weights]:
        """Places in `numbers` that the column's list has, and its weights there. Looks the shorter up in the longer."""
        own, weights = self._list(column)
        if len(own) <= len(numbers):
            places = np.minimum(np.searchsorted(numbers, own), len(numbers) - 1)
            known = numbers[places] == own
            return places[known], weights[known]
        found = np.minimum(np.searchsorted(own, numbers), len(own) - 1)
        places = np.flatnonzero(own[found] == numbers)
        return places, weights[found[places]]
