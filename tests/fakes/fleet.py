"""Processes that are killed and started again while others rely on them."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from flashback.settings import PACKAGE_ROOT


class Fleet:
    """Python processes of the same module, each with its own log in `folder`; they end with the `with` block."""

    def __init__(
        self, module: Sequence[str], environments: Sequence[Mapping[str, str]], folder: Path, name: str = "worker"
    ) -> None:
        self._command = [sys.executable, "-m", *module]
        self._environments = environments
        self._folder = folder
        self._name = name
        self._processes: list[subprocess.Popen[bytes]] = []
        self.kills = 0

    def __enter__(self) -> Fleet:
        self._processes = [self._start(number) for number in range(len(self._environments))]
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.wait()

    def kill(self, number: int) -> None:
        """SIGKILL; another takes its place at once."""
        self._processes[number].kill()
        self._processes[number].wait()
        self._processes[number] = self._start(number)
        self.kills += 1

    async def kill_in_turn(self, every_s: float, times: int | None = None) -> None:
        """One after another, so many times; until cancelled when that is None."""
        while times is None or self.kills < times:
            await asyncio.sleep(every_s)
            self.kill(self.kills % len(self._processes))

    def logs(self) -> str:
        """What they all said."""
        return "\n".join(path.read_text() for path in sorted(self._folder.glob(f"{self._name}-*.log")))

    def _start(self, number: int) -> subprocess.Popen[bytes]:
        with (self._folder / f"{self._name}-{number}.log").open("ab") as log:
            return subprocess.Popen(
                self._command,
                cwd=PACKAGE_ROOT,
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1", **self._environments[number]},
                stdout=log,
                stderr=log,
            )
