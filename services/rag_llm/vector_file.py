"""Vectors of one document on disk, written as they come and taken up again after a crash.

A file is a header (magic, rows, width), then the rows, float32, little-endian. NumPy's own format would do as well, but
for its header, which costs more to read than the few rows of a small document.
"""

from __future__ import annotations

import os
import struct
import uuid
from typing import IO

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
ROWS = ".rows"
"""Suffix of a file that does not hold all its rows yet."""
HEADER = struct.Struct("<8sQQ")
MAGIC = b"vectors1"
MAPPED_BYTES = 1 << 20
"""Larger files are mapped and not read."""


def read(file: str, rows: int) -> Array | None:
    """The vectors (rows, width); None when there are none, or not exactly as many."""
    try:
        with open(file, "rb") as stream:
            width = _width(stream, rows)
            size = os.fstat(stream.fileno()).st_size
            if size != HEADER.size + 4 * rows * width:
                return None
            if size > MAPPED_BYTES:
                return np.memmap(stream, "<f4", "r", HEADER.size, (rows, width))
            return np.fromfile(stream, "<f4").reshape(rows, width)
    except (OSError, ValueError):
        return None


class VectorWriter:
    """Rows of one file, in order; when the last is written the file is in its place. Raises OSError."""

    def __init__(self, file: str, rows: int, alone: bool) -> None:
        """rows: at least 1. alone: nobody else writes this file, so rows of a run that was broken off count."""
        self._file = file
        self._rows = rows
        self._beside = f"{file}{ROWS}" if alone else f"{file}.{uuid.uuid4().hex[:8]}{ROWS}"
        self._alone = alone
        self._stream: IO[bytes] | None = None
        self.done = 0
        """Rows written."""
        if alone and os.path.exists(self._beside):
            self._resume()

    def append(self, vectors: Array) -> None:
        """Adds (some rows, width); the width is that of the first."""
        if self._stream is None:
            self._stream = open(self._beside, "wb")  # noqa: SIM115
            self._stream.write(HEADER.pack(MAGIC, self._rows, vectors.shape[1]))
        self._stream.write(np.ascontiguousarray(vectors, "<f4").tobytes())
        self.done += len(vectors)
        if self.done == self._rows:
            self.close()
            os.replace(self._beside, self._file)
        else:
            self._stream.flush()

    def close(self) -> None:
        """Lets go of the file; what is written stays for the next run if nobody else writes it."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None
        if not self._alone and self.done < self._rows and os.path.exists(self._beside):
            os.unlink(self._beside)

    def _resume(self) -> None:
        stream = open(self._beside, "r+b")  # noqa: SIM115
        try:
            width = _width(stream, self._rows)
        except ValueError:
            stream.close()
            return
        whole = (os.fstat(stream.fileno()).st_size - HEADER.size) // (4 * width)
        # Never all of them: the row that is written last puts the file in its place.
        self.done = min(whole, self._rows - 1)
        stream.seek(HEADER.size + self.done * 4 * width)
        stream.truncate()
        self._stream = stream


def _width(stream: IO[bytes], rows: int) -> int:
    """Reads the header. Raises ValueError when it is not that of a file of so many rows."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        raise ValueError("the header is cut short")
    magic, stored, width = HEADER.unpack(header)
    if magic != MAGIC or stored != rows or width == 0:
        raise ValueError("the header is of another file")
    return int(width)
