"""One supervised service process."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections import deque
from collections.abc import Callable, Sequence

from flashback.errors import FlashbackError
from flashback.stack.backoff import Backoff

log = logging.getLogger(__name__)

STOP_S = 4.0


class ManagedProcess:
    """Runs a command, passes its log lines on, and starts it again when it dies.

    Until `settled` is set a death is final: whatever is wrong at start (a missing engine, a taken address) will not go
    away by itself.
    """

    def __init__(
        self, name: str, command: Sequence[str], environment: dict[str, str], show: Callable[[str, str], None]
    ) -> None:
        self.name = name
        self._command = command
        self.settled = False
        self._environment = environment
        self._show = show
        self._tail: deque[str] = deque(maxlen=5)
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    async def run(self) -> None:
        """Returns after `stop`. Raises FlashbackError when the process dies before it settled."""
        backoff = Backoff()
        loop = asyncio.get_running_loop()
        while not self._stopping:
            born = loop.time()
            code = await self._once()
            if self._stopping:
                return
            if not self.settled:
                why = self._tail[-1] if self._tail else f"exit status {code}"
                raise FlashbackError(f"The {self.name} service did not start: {why}")
            delay = backoff.delay_s(loop.time() - born)
            log.warning("restarting", extra={"child": self.name, "exit": code, "wait_s": delay})
            await asyncio.sleep(delay)

    async def _once(self) -> int:
        """One life of the process; whatever it started goes with it."""
        reading, writing = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writing,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        self._process = process
        lines = asyncio.create_task(self._pass_on(reading))
        try:
            if self._stopping:
                process.terminate()
            return await process.wait()
        except asyncio.CancelledError:
            await self.stop()
            raise
        finally:
            _end_group(process.pid)
            await lines

    async def _pass_on(self, pipe: int) -> None:
        """Hands on the lines of a pipe until every process that holds its other end is gone.

        The pipe is our own and not asyncio's, whose `wait` would not return before it is closed: a child of a dead
        service would keep the service from being started again.
        """
        reader = asyncio.StreamReader(limit=1024 * 1024)
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(pipe, "rb"))
        try:
            async for line in reader:
                text = line.decode("utf-8", "replace").rstrip()
                self._tail.append(text)
                self._show(self.name, text)
        finally:
            transport.close()

    async def stop(self) -> None:
        """SIGTERM, then SIGKILL for a process that does not end within STOP_S seconds."""
        self._stopping = True
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                await process.wait()
        except TimeoutError:
            log.warning("killing", extra={"child": self.name})
            process.kill()
            await process.wait()


def _end_group(leader: int) -> None:
    """Ends what a dead service left behind: its own child processes share its process group."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
