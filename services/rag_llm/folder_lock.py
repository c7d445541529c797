"""One ingest at a time in an index folder, whichever process it runs in."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK = "LOCK"


class Busy(Exception):
    """Another ingest holds the folder."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds `folder` (made when missing) until the block ends. Raises Busy at once when somebody else holds it, and
    OSError when the folder cannot be written.

    flock(2): it counts between threads as well as between processes, and the kernel lets go of it when its process
    dies, however that happens.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Busy from error
        yield
    finally:
        os.close(handle)
