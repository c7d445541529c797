"""`flashback up`: the whole stack in the foreground."""

from __future__ import annotations

import asyncio
import os
import signal

from flashback import logs, personas
from flashback.settings import HouseSettings
from flashback.stack import runfile
from flashback.stack.plan import SERVICES, make_plan, require_free_port
from flashback.stack.supervisor import Supervisor


async def run(host: str, port: int, commercial_only: bool = False) -> None:
    """Starts all services, prints `ready <address>` on standard output, and runs until SIGINT or SIGTERM.

    Raises FlashbackError when the port is taken, the default persona does not load, or a service does not start.
    """
    settings = HouseSettings()
    logs.configure("up", settings.log_level)
    require_free_port(host, port)
    personas.load(settings.default_persona, settings)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    url = f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else host}:{port}"
    os.environ.update(FLASHBACK_HOST=host, FLASHBACK_PORT=str(port), FLASHBACK_COMMERCIAL_ONLY=str(commercial_only))
    plan = make_plan(SERVICES)
    supervisor = Supervisor(plan)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    work = asyncio.create_task(_serve(supervisor, url, plan.addresses, settings))
    stop = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait([work, stop], return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            work.result()
    finally:
        for task in (work, stop):
            task.cancel()
        await asyncio.gather(work, stop, return_exceptions=True)
        runfile.remove(settings.run_file)
        await supervisor.stop()


async def _serve(supervisor: Supervisor, url: str, addresses: dict[str, str], settings: HouseSettings) -> None:
    supervisor.launch("orchestrator")
    await supervisor.start(SERVICES)
    await supervisor.start_http("orchestrator", url)
    runfile.write(settings.run_file, runfile.RunningStack(os.getpid(), url, addresses))
    print(f"ready {url}", flush=True)
    await supervisor.watch()
