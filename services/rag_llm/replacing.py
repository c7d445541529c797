"""Files written beside and moved into place in one step, so that a crash never leaves half of one."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

PART = ".part"
"""Suffix of a file that is not finished."""


def replace_text(file: Path, text: str, *, lasting: bool = False) -> None:
    """Replaces the file by `text` in UTF-8. Raises OSError.

    lasting: once this returns, a power cut does not undo it; without, one may leave the file empty, which does for what
    can be made again, and takes no wait for the disk.
    """
    beside = file.with_name(f"{file.name}.{uuid.uuid4().hex[:8]}{PART}")
    try:
        beside.write_bytes(text.encode("utf-8"))
        if lasting:
            flush(beside)
        os.replace(beside, file)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    if lasting:
        flush(file.parent)


def flush(path: Path) -> None:
    """Makes what was written to a file or folder last. Raises OSError."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
