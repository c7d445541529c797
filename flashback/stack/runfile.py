"""The run file: where the running stack's services listen, so that other commands find them."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class RunningStack:
    """`pid` of the supervisor, public address, gRPC address of each service."""

    pid: int
    http: str
    addresses: dict[str, str]


def write(file: Path, stack: RunningStack) -> None:
    """Written beside, then moved into place."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(f".{os.getpid()}.tmp")
    fresh.write_text(json.dumps(asdict(stack), indent=1), encoding="utf-8")
    fresh.replace(file)


def read(file: Path) -> RunningStack | None:
    """The stack that runs now; None when there is none, or its supervisor is dead."""
    try:
        stack = RunningStack(**json.loads(file.read_text(encoding="utf-8")))
        os.kill(stack.pid, 0)
    except (OSError, ValueError, TypeError):
        return None
    return stack


def remove(file: Path) -> None:
    """Removes the run file if it is this process's own."""
    stack = read(file)
    if stack is not None and stack.pid == os.getpid():
        file.unlink(missing_ok=True)
