"""python -m services.rag_llm.read_one MEMORY_MB PARENT: reads one file after the other for a Reader.

A request is a line of JSON on standard input; the answer is a line for each block and one that ends it, on standard
output. Whatever a parser prints goes nowhere. The process ends with its input, and with its parent.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any, BinaryIO

from services.rag_llm import documents
from services.rag_llm.chunks import Block
from services.rag_llm.documents import Source
from services.rag_llm.readers.limits import Limits, Unreadable

PR_SET_PDEATHSIG = 1


def _confine(memory_mb: int, parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_AS, (memory_mb * 1_000_000,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(0)


def _answers() -> BinaryIO:
    """Standard output for the answers alone; prints go to the null device from here on."""
    own = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.dup2(nowhere, sys.stderr.fileno())
    return own


def _fields(block: Block) -> list[Any]:
    return [block.headings, block.unit, block.first, block.last, block.text, block.sentences, block.part]


def _answer(request: dict[str, Any], out: BinaryIO) -> None:
    source = Source(Path(request["path"]), request["name"])
    try:
        document = documents.read(source, Limits(**request["limits"]), request["digest"])
        for block in document.blocks:
            out.write(json.dumps(_fields(block)).encode() + b"\n")
        last: dict[str, Any] = {"end": True}
    except Unreadable as error:
        last = {"unreadable": str(error)}
    except MemoryError:
        last = {"memory": True}
    out.write(json.dumps(last).encode() + b"\n")
    out.flush()


def main() -> None:
    _confine(int(sys.argv[1]), int(sys.argv[2]))
    out = _answers()
    for line in sys.stdin.buffer:
        _answer(json.loads(line), out)


if __name__ == "__main__":
    main()
