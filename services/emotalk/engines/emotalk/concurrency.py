"""Two computations that do not need each other."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

import torch

A = TypeVar("A")
B = TypeVar("B")


class Both(Protocol):
    """Runs two functions; returns what they return, or raises what the first of them raises."""

    def __call__(self, one: Callable[[], A], other: Callable[[], B]) -> tuple[A, B]: ...


def in_turn(one: Callable[[], A], other: Callable[[], B]) -> tuple[A, B]:
    """One after the other, each with all of torch's threads."""
    return one(), other()


class SideBySide:
    """At once, each with half of torch's threads: two halves wait for each other once, two wholes in every product.

    torch keeps its number of threads by calling thread, so that of the process does not change.
    """

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(2, "encoder", torch.set_num_threads, (max(1, threads // 2),))

    def __call__(self, one: Callable[[], A], other: Callable[[], B]) -> tuple[A, B]:
        first, second = self._pool.submit(one), self._pool.submit(other)
        return first.result(), second.result()

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
