"""Encoders that cost nothing, for tests of what only moves vectors about."""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

WIDTH = 8


class CountingEncoder:
    """Repeatable vectors, the same in every process; `batches` are the sizes of what it was asked for."""

    name = "counting"

    def __init__(self, name: str = "counting") -> None:
        self.name = name
        self.batches: list[int] = []

    @property
    def texts(self) -> int:
        return sum(self.batches)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.batches.append(len(texts))
        seeds = np.asarray([zlib.crc32(text.encode()) for text in texts], np.float64)
        rows = np.sin(seeds[:, None] * np.arange(1, WIDTH + 1))
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


class SlowEncoder(CountingEncoder):
    """Takes its time for each batch."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        time.sleep(self._seconds)
        return super().encode(texts)


class HeldEncoder(CountingEncoder):
    """Encodes only while `go` is set; `waiting` counts the texts it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()
        self.waiting = 0

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.waiting += len(texts)
        assert self.go.wait(30)
        return self.at_once(texts)

    def at_once(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encodes without being let go."""
        return super().encode(texts)


class FailingEncoder(CountingEncoder):
    """Raises `error` from its `after`-th batch on, for as long as there is one."""

    def __init__(self, error: Exception | None, after: int = 0) -> None:
        super().__init__()
        self.error = error
        self._after = after

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if self.error is not None and len(self.batches) >= self._after:
            raise self.error
        return super().encode(texts)
