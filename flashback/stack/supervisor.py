"""Starts services, waits until each answers its health check, restarts the dead, stops all."""

from __future__ import annotations

import asyncio
import logging
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

from flashback.errors import FlashbackError, Unavailable
from flashback.rpc import open_channel, wait_serving
from flashback.settings import HouseSettings
from flashback.stack import runfile
from flashback.stack.plan import Plan, make_plan
from flashback.stack.process import ManagedProcess

log = logging.getLogger(__name__)

START_S = 90.0


def show_line(name: str, line: str) -> None:
    """The readable log: services write their own name into each line; anything else gets it in front."""
    prefix = "" if f" {name} " in line[:40] else f"{name}: "
    print(prefix + line, file=sys.stderr, flush=True)


class Supervisor:
    """Owns the service processes of one `flashback up` (or of one command that needs a few of them)."""

    def __init__(self, plan: Plan, quiet: bool = False) -> None:
        self._plan = plan
        self._quiet = quiet
        self._processes: dict[str, ManagedProcess] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def start(self, names: Sequence[str]) -> None:
        """Starts gRPC services together; returns when all serve. Raises FlashbackError with the one that failed."""
        for name in names:
            self.launch(name)
        await self._until_ready(*(self._wait_grpc(name) for name in names))
        self._settle(names)

    async def start_http(self, name: str, url: str) -> None:
        """Starts an HTTP service; returns when `url`/health answers."""
        self.launch(name)
        await self._until_ready(_wait_http(url))
        self._settle([name])

    def launch(self, name: str) -> None:
        """Starts a process, once, without waiting; a later start/start_http of the same name waits for it."""
        if name in self._processes:
            return
        command = (sys.executable, "-m", f"services.{name}")
        show = (lambda n, t: None) if self._quiet else show_line
        process = ManagedProcess(name, command, self._plan.environment(), show)
        self._processes[name] = process
        self._tasks[name] = asyncio.create_task(process.run())

    def _settle(self, names: Sequence[str]) -> None:
        for name in names:
            self._processes[name].settled = True

    async def _wait_grpc(self, name: str) -> None:
        channel = open_channel(self._plan.addresses[name])
        try:
            await wait_serving(channel, name, START_S)
        finally:
            await channel.close(None)

    async def _until_ready(self, *waits: Coroutine[Any, Any, None]) -> None:
        """Waits for all; a process that dies meanwhile ends the wait with its error."""
        ready = asyncio.ensure_future(asyncio.gather(*waits))
        ends = asyncio.ensure_future(asyncio.wait(self._tasks.values(), return_when=asyncio.FIRST_COMPLETED))
        await asyncio.wait((ready, ends), return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            ready.cancel()
            await asyncio.gather(ready, return_exceptions=True)
            for task in ends.result()[0]:
                task.result()
            raise FlashbackError("A service ended while the others were starting.")
        ends.cancel()
        await asyncio.gather(ends, return_exceptions=True)
        await ready

    async def watch(self) -> None:
        """Runs until cancelled; raises when a process can no longer be supervised."""
        await asyncio.gather(*self._tasks.values())

    async def stop(self) -> None:
        """Stops all processes: the orchestrator first (it takes leave of the others), then the rest together."""
        leader = self._processes.get("orchestrator")
        if leader is not None:
            await leader.stop()
        await asyncio.gather(*(process.stop() for process in self._processes.values()))
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        shutil.rmtree(self._plan.socket_dir, ignore_errors=True)


async def _wait_http(url: str) -> None:
    def probe() -> bool:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    loop = asyncio.get_running_loop()
    until = loop.time() + START_S
    while loop.time() < until:
        if await asyncio.to_thread(probe):
            return
        await asyncio.sleep(0.05)
    raise Unavailable(f"{url} did not answer within {START_S:.0f} s; see the log above.")


@asynccontextmanager
async def needed(services: Sequence[str], settings: HouseSettings) -> AsyncIterator[dict[str, str]]:
    """Addresses of the services: the running stack's, else of child processes that live as long as the block."""
    stack = runfile.read(settings.run_file)
    if stack is not None:
        yield stack.addresses
        return
    async with started(services) as addresses:
        yield addresses


@asynccontextmanager
async def started(services: Sequence[str]) -> AsyncIterator[dict[str, str]]:
    """Addresses of the services, started as child processes that live as long as the block."""
    plan = make_plan(services)
    supervisor = Supervisor(plan, quiet=True)
    try:
        await supervisor.start(services)
        yield plan.addresses
    finally:
        await supervisor.stop()
