"""Lines of a file, or of standard input while it is still being written."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

from flashback.errors import InvalidInput
from flashback.evaluation.questions import LONGEST_LINE

STANDARD_INPUT = Path("-")
PIECE = 65536
MOST_WAITING = 16
"""Lines read ahead of the one that is worked on."""

Item = bytes | OSError | None


def opened(file: Path) -> int:
    """A descriptor to read the file from; of standard input for "-". Raises InvalidInput naming a file that cannot be
    read."""
    if file == STANDARD_INPUT:
        return os.dup(sys.stdin.fileno())
    try:
        if file.is_dir():
            raise InvalidInput(f"{file} is a folder; give a file with one question a line.")
        return os.open(file, os.O_RDONLY)
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}.") from error


async def numbered(descriptor: int) -> AsyncGenerator[tuple[int, bytes], None]:
    """Lines with their numbers, from 1, as soon as each is complete. Closes the descriptor at the end.

    Of a line of more than LONGEST_LINE bytes come LONGEST_LINE + 1, so that it can be told from a whole one; at most
    MOST_WAITING lines are read ahead. Raises InvalidInput when the file cannot be read further.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[Item] = asyncio.Queue()
    room = threading.Semaphore(MOST_WAITING)
    left = threading.Event()

    def put(item: Item) -> bool:
        room.acquire()
        if left.is_set():
            return False
        try:
            loop.call_soon_threadsafe(queue.put_nowait, item)
        except RuntimeError:  # the loop is gone: nobody waits for more
            return False
        return True

    # A thread of its own, which the program does not wait for: a terminal that is never typed into cannot be given up.
    threading.Thread(target=_read, args=(descriptor, put), daemon=True, name="lines").start()
    number = 0
    try:
        while (item := await queue.get()) is not None:
            room.release()
            if isinstance(item, OSError):
                raise InvalidInput(f"The questions cannot be read further: {item.strerror}.")
            number += 1
            yield number, item
    finally:
        left.set()
        room.release()


def _read(descriptor: int, put: Callable[[Item], bool]) -> None:
    """Puts line after line, then None or what went wrong, until `put` returns False."""
    line = bytearray()
    try:
        while piece := os.read(descriptor, PIECE):
            first, *others = piece.split(b"\n")
            line += first[: LONGEST_LINE + 1 - len(line)]
            for other in others:
                if not put(bytes(line)):
                    return
                line = bytearray(other[: LONGEST_LINE + 1])
        if not line or put(bytes(line)):
            put(None)
    except OSError as error:
        put(error)
    finally:
        os.close(descriptor)
