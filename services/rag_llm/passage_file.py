"""Passages on disk: one line of JSON each, found by its offset and read when somebody asks for it."""

from __future__ import annotations

import json
import mmap
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import lru_cache, partial
from pathlib import Path
from typing import IO, overload

import numpy as np
from numpy.typing import NDArray

from services.rag_llm.chunks import Passage

LINES = "passages.jsonl"
OFFSETS = "passages.offsets.npy"
REMEMBERED = 512


class PassageFile(Sequence[Passage]):
    """The passages of one folder. They can be read for as long as the object lives, also when the folder is gone."""

    def __init__(self, folder: Path) -> None:
        """Maps the files. Raises OSError or ValueError when they are missing, empty, or do not belong together."""
        offsets = np.load(folder / OFFSETS, mmap_mode="r")
        with (folder / LINES).open("rb") as stream:
            lines = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        if offsets.ndim != 1 or len(offsets) < 2 or offsets[-1] != len(lines):
            raise ValueError(f"{OFFSETS} is not of this {LINES}")
        self._count = len(offsets) - 1
        # Not a method of this object: the cache would then hold it, and the maps with it, until the next collection.
        self._passage = lru_cache(REMEMBERED)(partial(_passage, lines, offsets))

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, number: int) -> Passage: ...

    @overload
    def __getitem__(self, number: slice) -> list[Passage]: ...

    def __getitem__(self, number: int | slice) -> Passage | list[Passage]:
        if isinstance(number, slice):
            return [self._passage(n) for n in range(*number.indices(self._count))]
        if not -self._count <= number < self._count:
            raise IndexError(number)
        return self._passage(int(number) % self._count)

    def __iter__(self) -> Iterator[Passage]:
        return (self._passage(number) for number in range(self._count))


class PassageWriter:
    """Writes what PassageFile reads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lines: IO[bytes] = (folder / LINES).open("wb")
        self._offsets = [0]

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def add(self, passage: Passage) -> None:
        line = json.dumps(asdict(passage), ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
        self._lines.write(line)
        self._offsets.append(self._offsets[-1] + len(line))

    def finish(self) -> None:
        self.close()
        np.save(self._folder / OFFSETS, np.asarray(self._offsets, np.int64))

    def close(self) -> None:
        self._lines.close()


def _passage(lines: mmap.mmap, offsets: NDArray[np.int64], number: int) -> Passage:
    table = json.loads(lines[offsets[number] : offsets[number + 1]].decode("utf-8", "surrogatepass"))
    return Passage(**{**table, "headings": tuple(table["headings"]), "sentences": tuple(table["sentences"])})
