"""Unit vectors on disk, searched by inner product: all of them while they are few, the nearest cells' beyond.

Few vectors are kept in single precision and compared one by one. Many are kept in half precision in an inverted file
(Sivic and Zisserman 2003; Jegou, Douze and Schmid 2011): k-means on the sphere parts them into 2 * sqrt(rows) cells,
and a search reads PROBES of these, so that its cost grows with the square root of the rows. What is read is compared
exactly, so a found row's cosine is right to half precision and only the presence of the last few is in doubt.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Not imported by name: the type hints that come with it lack half of what is used here.
faiss: Any = importlib.import_module("faiss")

Array = NDArray[np.float32]

FLAT_ROWS = 50_000
"""Up to here all vectors are compared: 3 ms on one core, a third of what encoding the question takes."""
PROBES = 192
"""Cells read. `python -m benchmarks rag_scale` prints how many of the true nearest are then found."""
CELLS = 2.0
"""Cells per square root of the rows. Twice as many need twice the probes for the same recall."""
TRAINED_ON = 64
"""Rows per cell that k-means sees."""
ITERATIONS = 8
BLOCK = 16_384


class Vectors:
    """The rows of one file, mapped and not read: only what a search touches becomes resident. Safe between threads."""

    def __init__(self, index: Any) -> None:
        self._index = index
        self._how = faiss.SearchParametersIVF(nprobe=PROBES) if isinstance(index, faiss.IndexIVF) else None

    @classmethod
    def load(cls, file: Path) -> Vectors:
        """Raises OSError or RuntimeError when the file is missing or damaged."""
        if not file.is_file():
            raise FileNotFoundError(file.name)
        return cls(faiss.read_index(str(file), faiss.IO_FLAG_MMAP_IFC))

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def kind(self) -> str:
        """ "flat" or "ivf"."""
        return "flat" if self._how is None else "ivf"

    def nearest(self, vector: Array, count: int) -> tuple[Array, NDArray[np.int64]]:
        """Cosines and row numbers of the at most `count` nearest rows, best first."""
        # For this thread only: others would not make one question faster, and spin against the rest of the machine.
        faiss.omp_set_num_threads(1)
        scores, rows = self._index.search(vector[None, :], min(count, len(self)), params=self._how)
        found = rows[0] >= 0
        return scores[0][found], rows[0][found]

    def rows(self, numbers: Sequence[int]) -> Array:
        """The vectors of some rows, (len(numbers), width)."""
        return np.asarray(self._index.reconstruct_batch(np.asarray(numbers, np.int64)), np.float32)


def write(rows: Array, file: Path, flat_rows: int = FLAT_ROWS) -> None:
    """Writes unit vectors (at least one, width) for `Vectors.load`. `rows` may be a memory map and is read in blocks.

    Above `flat_rows` they are parted into cells. Raises RuntimeError when the file cannot be written.
    """
    index = faiss.IndexFlatIP(rows.shape[1]) if len(rows) <= flat_rows else _cells(rows)
    for block in _blocks(rows):
        index.add(block)
    if isinstance(index, faiss.IndexIVF):
        index.set_direct_map_type(faiss.DirectMap.Array)
    faiss.write_index(index, str(file))


def _cells(rows: Array) -> Any:
    """An empty inverted file, trained on a sample of the rows."""
    cells = math.ceil(CELLS * math.sqrt(len(rows)))
    index = faiss.index_factory(rows.shape[1], f"IVF{cells},SQfp16", faiss.METRIC_INNER_PRODUCT)
    index.cp.spherical = True
    index.cp.niter = ITERATIONS
    index.cp.max_points_per_centroid = TRAINED_ON
    sample = np.random.default_rng(0).choice(len(rows), min(len(rows), TRAINED_ON * cells), replace=False)
    index.train(np.ascontiguousarray(rows[np.sort(sample)]))
    return index


def _blocks(rows: Array) -> Iterator[Array]:
    for start in range(0, len(rows), BLOCK):
        yield np.ascontiguousarray(rows[start : start + BLOCK], np.float32)
